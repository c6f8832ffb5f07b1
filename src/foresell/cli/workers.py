"""Several processes that serve one port, kept alive."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from foresell.contracts.errors import BackendError, ConflictError

LOOK_SECONDS = 0.5
# A worker that ends sooner than this did not come to serve; so many of them in a row, and none will.
LEAST_SECONDS, MOST_FAILED = 5.0, 5
STOP_SECONDS = 25.0


@dataclass
class _Worker:
    process: "subprocess.Popen[bytes]"
    began: float


class Workers:
    """`number` processes that serve what the environment says; one that dies is started again."""

    def __init__(self, number: int, note: Callable[[str], None]) -> None:
        self._number, self._note = number, note
        self._ended = threading.Event()
        self._workers: list[_Worker] = []
        self._num_failed = 0

    def run(self) -> None:
        """Until SIGTERM or Ctrl-C. BackendError where none comes to serve."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: self._ended.set())
        with tempfile.TemporaryDirectory(prefix="foresell-serve-") as folder:
            os.environ["FORESELL_SERVE_PEERS"] = folder
            os.environ["FORESELL_SERVE_WORKERS"] = str(self._number)
            try:
                self._workers = [_start() for _ in range(self._number)]
                while not self._ended.wait(LOOK_SECONDS):
                    self._look()
            finally:
                self._stop()

    def _look(self) -> None:
        for place, worker in enumerate(self._workers):
            if worker.process.poll() is None:
                continue
            is_early = time.monotonic() - worker.began < LEAST_SECONDS
            self._num_failed = self._num_failed + 1 if is_early else 0
            if self._num_failed >= MOST_FAILED:
                raise BackendError("No worker comes to serve", do="See what they say above.")
            self._note(f"A worker ended ({worker.process.returncode}); another takes its place.")
            self._workers[place] = _start()

    def _stop(self) -> None:
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.terminate()
        ends = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            try:
                worker.process.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            if worker.process.stdin is not None:
                worker.process.stdin.close()


def _start() -> _Worker:
    command = [sys.executable, "-m", "foresell.api.worker"]
    return _Worker(subprocess.Popen(command, stdin=subprocess.PIPE), time.monotonic())  # noqa: S603  # our own


def require_free(host: str, port: int) -> None:
    """ConflictError where somebody listens there: workers share their port, and must not share another's."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, port))
        except OSError as error:
            raise ConflictError(
                f"Nothing can listen on {host}:{port}", received=error.strerror, do="Choose another --port."
            ) from error
