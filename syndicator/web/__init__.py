"""HTTP server: the feeds as prepared responses, the hub's endpoint, health and metrics.

Async code is found only here.
"""
