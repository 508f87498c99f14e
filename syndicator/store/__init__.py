"""The state: an index of posts, feeds and files, the ids of posts, and the outbox.

`schema` has every table on one page. Each other module reads and writes its own tables.
Functions that take a connection work inside their caller's transaction.
"""
