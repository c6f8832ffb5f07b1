"""A console as a process, and a browser before it that takes note of every fault."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .shop import PASSWORD

# (console, role) → the cookie of a session that nobody signs out of.
SESSIONS: dict[tuple[str, str], list[Any]] = {}
# A busy machine is no fault of the console.
PATIENCE_SECONDS = 180


@contextmanager
def running_console(store: Path, log: Path) -> Iterator[str]:
    """The address of a console over a store."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "foresell.console", "--store", str(store), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait(f"{address}/healthz", process, log)
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310  # our own process
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


class Watched:
    """A window on a console. `faults`: what the browser complained of, and every request to another host."""

    def __init__(self, browser: Any, address: str, **kind: Any) -> None:
        self.address = address
        self.context = browser.new_context(base_url=address, accept_downloads=True, **kind)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.faults: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        own = (self.address, self.address.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            self.faults.append(f"another host: {request.url}")

    def sign_in(self, name: str, password: str, then: str = "/") -> None:
        self.page.goto(f"/sign-in?next={then}")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("form button")
        self.page.wait_for_selector("#content")

    def enter_as(self, role: str, path: str = "/") -> None:
        """Open a page as the account of a role, whose session all windows share."""
        who = (self.address, role)
        if who in SESSIONS:
            self.context.add_cookies(SESSIONS[who])
            self.page.goto(path)
            self.page.wait_for_selector("#content")
            return
        self.sign_in(role, PASSWORD, quote(path))
        SESSIONS[who] = [one for one in self.context.cookies() if one["name"] == "foresell_console"]

    def settle(self) -> None:
        """Wait until every part of the page has its answer."""
        self.page.wait_for_selector("#content")
        self.page.wait_for_function("!document.querySelector('[aria-busy]')")
