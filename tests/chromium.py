"""A real Chromium, driven through a pipe (https://chromedevtools.github.io/devtools-protocol/)."""

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

from command import PATIENCE

PROGRAM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--remote-debugging-pipe",
)


def _pipe() -> tuple[int, int]:
    """A pipe whose descriptors are above those that Chromium uses itself."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return high[0], high[1]


class Chromium:
    """One window.

    `requests` has the URL of every request it makes, `complaints` every error it logs.
    """

    def __init__(self, profile: Path) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._read, its_write = _pipe()
        its_read, self._write = _pipe()
        # Chromium reads commands from descriptor 3 and writes to 4.
        self._process = subprocess.Popen(
            [
                "bash",  # sh has one-digit descriptors only
                "-c",
                f'exec "$0" "$@" 3<&{its_read} 4>&{its_write}',
                str(PROGRAM),
                *_OPTIONS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(its_read, its_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_read)
        os.close(its_write)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result. Raises InterruptedError if the page is left."""
        deadline = time.monotonic() + PATIENCE
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while (message := self._next(deadline)).get("id") != self._number:
            self._record(message)
        if "navigated" in str(message.get("error")):
            raise InterruptedError(method)
        assert "error" not in message, f"{method}: {message['error']}"
        return dict(message["result"])

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            assert ready, "Chromium does not answer"
            part = os.read(self._read, 1 << 16)
            assert part, "Chromium has ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _record(self, message: dict[str, Any]) -> None:
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
        """The value of a JavaScript expression, or of its promise."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.do(
                    "Runtime.evaluate",
                    expression=script,
                    awaitPromise=True,
                    returnByValue=True,
                    userGesture=True,
                )
                break
            except InterruptedError:  # the window went on to another page: evaluate it there
                assert time.monotonic() < deadline, f"no page stays open for {script}"
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        """Load a page as if it were the first: no document or cache of an earlier one is used."""
        self.do("Network.clearBrowserCache")
        for address in ("about:blank", url):
            self.do("Page.navigate", url=address)
        self.wait(
            lambda: (
                self.ask("document.readyState") == "complete" and self.address() != "about:blank"
            )
        )

    def address(self) -> str:
        return str(self.ask("location.href"))

    def click(self, selector: str) -> None:
        """Click with the mouse, in the middle of the first element that matches."""
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

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until a condition is true. Each check may take up to `PATIENCE` itself."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen at {self.address()}"
            time.sleep(0.02)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)
        os.close(self._read)
        os.close(self._write)


#: The texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
CONTRASTS = """
(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = numbers(colour).map(c => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return numbers(colour)[3] === 0 ? behind(element.parentElement) : colour;
  };
  const weak = [];
  for (const element of document.body.querySelectorAll("*")) {
    const nodes = [...element.childNodes];
    const hasText = nodes.some(node => node.nodeType === 3 && node.textContent.trim());
    if (!hasText || !element.checkVisibility() || element.matches("script")) continue;
    const pair = [light(getComputedStyle(element).color), light(behind(element))];
    pair.sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) weak.push(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
  }
  return weak;
})()
"""
