"""The WebSub protocol without I/O: what requests to send, and what their answers mean.

https://www.w3.org/TR/websub/
"""
