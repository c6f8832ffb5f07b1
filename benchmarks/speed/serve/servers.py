"""The two servers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 600.0
SIZE_VARIABLE = "BARE_BYTES"
# The arguments of Python for a port.
Command = Callable[[int], Sequence[str]]


@dataclass(frozen=True)
class Server:
    port: int
    process: psutil.Process

    def processor_seconds(self) -> float:
        """Used so far, by all of its processes and threads: what else the machine does, does not lengthen
        it."""
        used = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in used))


def serving(store: Path, workers: int = 1) -> Command:
    """The API of a store, without its console."""
    return lambda port: (
        *("-m", "foresell", "serve", "--store", str(store), "--workers", str(workers)),
        *("--port", str(port), "--console-port", "0"),
    )


@contextmanager
def foresell(store: Path, workers: int) -> Iterator["Server"]:
    """Ready when it gives itself: all of its workers listen."""
    with _running(serving(store, workers)) as server:
        ends = time.monotonic() + START_SECONDS
        while _num_listening(server.process) < workers and time.monotonic() < ends:
            time.sleep(0.2)
        yield server


def _num_listening(process: psutil.Process) -> int:
    """How many of a process and its children listen."""
    every = [process, *process.children(recursive=True)]
    return sum(any(c.status == psutil.CONN_LISTEN for c in one.net_connections()) for one in every)


@contextmanager
def bare(size: int) -> Iterator["Server"]:
    """A FastAPI route that returns so many bytes whatever is asked."""
    options = ("--log-level", "warning", "--no-access-log", "--no-server-header")
    with _running(
        lambda port: ("-m", "uvicorn", "benchmarks.speed.serve.bare:app", "--port", str(port), *options),
        {SIZE_VARIABLE: str(size)},
    ) as server:
        yield server


@contextmanager
def _running(command: Command, environment: dict[str, str] | None = None) -> Iterator["Server"]:
    server, port = started(command, environment)
    try:
        yield Server(port, psutil.Process(server.pid))
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=90)


def started(
    command: Command, environment: dict[str, str] | None = None
) -> "tuple[subprocess.Popen[bytes], int]":
    """A server that listens, and its port. Killed where it does not come to that."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    server = subprocess.Popen([sys.executable, *command(port)], env={**os.environ, **(environment or {})})
    try:
        _wait(port, server)
    except RuntimeError:
        server.kill()
        raise
    return server, port


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not listen")
