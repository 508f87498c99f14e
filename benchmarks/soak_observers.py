"""Observers of a soak: a hub, subscribers, and a reader of the files on disk."""

import json
import re
import threading
import xml.etree.ElementTree as ET
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from soak_author import FORMATS

SUBSCRIBERS = 8


class Receivers:
    """A hub that fetches the topics it is pinged for, and subscribers that keep deliveries."""

    def __init__(self, feeds: Path) -> None:
        self.up = True
        self.pings = 0
        self.repeated = 0  #: pings after which the hub fetched the bytes it had
        #: Digest of the hub's last fetch, by topic.
        self.fetched: dict[str, str] = {}
        #: Digest of the last delivery, by topic and callback.
        self.delivered: dict[tuple[str, str], str] = {}
        self._feeds = feeds
        self._lock = threading.Lock()
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, parse_qs(urlsplit(self.path).query)["hub.challenge"][0].encode())

            def do_POST(self) -> None:
                body = self.rfile.read(length := int(self.headers["content-length"]))
                if len(body) < length:
                    return None  # the daemon was killed
                if not receivers.up:
                    return self.answer(503)
                if self.path == "/":
                    receivers.ping(parse_qs(body.decode())["hub.url"][0])
                else:
                    with receivers._lock:
                        topic = re.search(r'<([^>]*)>; rel="self"', self.headers["link"])
                        key = topic[1] if topic else "", self.path
                        receivers.delivered[key] = sha256(body).hexdigest()
                return self.answer(204)

            def answer(self, status: int, body: bytes = b"") -> None:
                with suppress(OSError):  # the daemon was killed
                    self.send_response(status)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def ping(self, topic: str) -> None:
        """Fetch at once, as hubs do; from disk if the daemon was killed meanwhile."""
        with self._lock:
            try:
                body = requests.get(topic, timeout=5).content
            except requests.RequestException:
                body = (self._feeds / urlsplit(topic).path.lstrip("/")).read_bytes()
            digest = sha256(body).hexdigest()
            self.pings += 1
            self.repeated += self.fetched.get(topic) == digest
            self.fetched[topic] = digest

    def subscribe(self, base: str) -> None:
        for number in range(SUBSCRIBERS):
            for suffix in FORMATS:
                form = {"hub.mode": "subscribe", "hub.topic": f"{base}all{suffix}"}
                form["hub.callback"] = f"{self.url}reader/{number}"
                requests.post(f"{base}hub", form, timeout=10).raise_for_status()


class FileWatcher:
    """Reads the files all the time: complete, with stable ids, and no `updated` goes back."""

    def __init__(self, feeds: Path) -> None:
        self.reads = 0
        self.torn = 0
        self.back = 0  #: times that an `updated` went back
        self.ids = 0  #: times that a post's id changed
        self.details: list[str] = []
        self._feeds = feeds
        self._end = threading.Event()
        self._ids: dict[str, str] = {}  #: by title
        self._updated: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.02):
            for path in list(self._feeds.rglob("*")):
                if path.suffix in FORMATS and not path.name.startswith("."):
                    with suppress(FileNotFoundError):
                        self._check(path, path.read_bytes())

    def _check(self, path: Path, data: bytes) -> None:
        self.reads += 1
        try:
            if path.suffix == ".json":
                self._entries(path.name, json.loads(data)["items"])
            else:
                root = ET.fromstring(data)
                if path.suffix == ".atom":
                    updated = root.findtext("{http://www.w3.org/2005/Atom}updated") or ""
                    self.back += self._is_back(str(path), updated)
        except (ET.ParseError, ValueError) as error:
            self.torn += 1
            self.details.append(f"{path}: {error}")

    def _entries(self, name: str, items: list[dict[str, str]]) -> None:
        for item in items:
            changed = self._ids.setdefault(item["title"], item["id"]) != item["id"]
            self.ids += changed
            self._ids[item["title"]] = item["id"]
            updated = item.get("date_modified") or item["date_published"]
            back = self._is_back(name + item["id"], updated)
            self.back += back
            if changed or back:
                self.details.append(
                    f"{name}: {item['title']} {item['id']} {item.get('date_modified')}"
                )

    def _is_back(self, key: str, updated: str) -> bool:
        """Whether `updated` of a feed or an entry is earlier than before."""
        before = self._updated.get(key, "")
        self._updated[key] = updated
        return updated < before
