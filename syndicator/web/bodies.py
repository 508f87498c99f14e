"""Reads the bodies of requests, up to a limit."""

from starlette.requests import Request


async def read_body(request: Request, limit: int) -> bytes | None:
    """The request's body; None if it is longer than `limit`. No more than that is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
