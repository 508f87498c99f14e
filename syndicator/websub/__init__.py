"""The WebSub protocol without I/O: what is asked, and what an answer means. https://www.w3.org/TR/websub/"""
