"""The console beside the API: a process of its own, so that a slow page never delays an answer."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PATIENCE_SECONDS = 10


def has_console() -> bool:
    """Whether what it is built with is installed."""
    return find_spec("nicegui") is not None


@contextmanager
def console_beside(store: Path, host: str, port: int, *, behind_https: bool) -> Iterator[None]:
    """The console of a store on a port, as long as this lasts."""
    asked = ["--store", str(store), "--host", host, "--port", str(port)]
    asked += ["--behind-https"] if behind_https else []
    process = subprocess.Popen([sys.executable, "-m", "foresell.console", *asked])  # noqa: S603  # our own
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
