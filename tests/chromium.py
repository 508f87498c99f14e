"""A real Chromium, spoken to through a pipe (https://chromedevtools.github.io/devtools-protocol/)."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROGRAM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

_QUIET = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    "--remote-debugging-pipe",
)


def _pipe() -> tuple[int, int]:
    """Both ends above the descriptors that Chromium has plans for."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return high[0], high[1]


class Chromium:
    """One window. Every request it makes, and everything it complains of, is in `requests` and `complaints`."""

    def __init__(self, profile: Path) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._read, write_there = _pipe()
        read_there, self._write = _pipe()
        # Chromium reads commands from descriptor 3 and writes to 4.
        self._process = subprocess.Popen(
            [
                "bash",  # sh knows one-digit descriptors only
                "-c",
                f'exec "$0" "$@" 3<&{read_there} 4>&{write_there}',
                str(PROGRAM),
                *_QUIET,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(read_there, write_there),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_there)
        os.close(write_there)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while (message := self._next()).get("id") != self._number:
            self._note(message)
        if "navigated" in str(message.get("error")):
            raise InterruptedError(method)
        assert "error" not in message, f"{method}: {message['error']}"
        return dict(message["result"])

    def _next(self, seconds: float = 30) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], seconds)
            assert ready, "Chromium says nothing"
            part = os.read(self._read, 1 << 16)
            assert part, "Chromium is gone"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(
                    f"{parameters['entry']['text']} {parameters['entry'].get('url')}"
                )
            case "Runtime.exceptionThrown":
                self.complaints.append(parameters["exceptionDetails"]["text"])

    def ask(self, script: str) -> Any:
        """What a piece of JavaScript, or its promise, comes to."""
        try:
            found = self.do(
                "Runtime.evaluate",
                expression=script,
                awaitPromise=True,
                returnByValue=True,
                userGesture=True,
            )
        except InterruptedError:  # the page it was asked of is left for the next one
            return self.ask(script)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, url: str) -> None:
        self.do("Page.navigate", url=url)
        self.wait(
            lambda: (
                self.ask("document.readyState") == "complete" and self.address() != "about:blank"
            )
        )

    def address(self) -> str:
        return str(self.ask("location.href"))

    def click(self, selector: str) -> None:
        """With the mouse, in the middle of what is seen."""
        x, y = self.ask(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              element.scrollIntoView({{block: "center"}});
              const box = element.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def wait(self, true: Callable[[], bool], seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"it did not come about at {self.address()}"
            time.sleep(0.02)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        os.close(self._write)
