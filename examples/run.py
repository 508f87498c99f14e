"""Run syndicator on the example site, and serve the site's pictures beside it.

A real site is on the web already. The example's address in `_config.yml` is this server, so its
pictures show without a network. Its posts have no pages: Jekyll would make them.
"""

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from syndicator.__main__ import main

ROOT = Path(__file__).parents[1]

#: The host and port of `url` in `examples/site/_config.yml`.
ADDRESS = ("127.0.0.1", 8082)


class Pictures(SimpleHTTPRequestHandler):
    """Serves the example site's files, and says why a post's page is missing."""

    error_message_format = (
        "<title>No page</title><p>The example site has posts and pictures. "
        "Jekyll would make the pages that belong here."
    )

    def list_directory(self, path: object) -> None:
        """Show no folder: the site's home page is missing like all others."""
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Log nothing: syndicator's log is what `make run` shows."""


def serve_pictures() -> None:
    """Serve until the process ends; a port in use costs the pictures only."""
    try:
        server = ThreadingHTTPServer(ADDRESS, partial(Pictures, directory=ROOT / "examples/site"))
    except OSError as error:
        host, port = ADDRESS
        print(f"No pictures: {host}:{port} is not available ({error.strerror})", file=sys.stderr)
        return
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    serve_pictures()
    sys.argv[1:] = ["run", "--config", str(ROOT / "config/syndicator.toml")]
    main()
