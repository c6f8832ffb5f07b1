"""One of the processes that serve a store on one port: `foresell serve` starts them.

    python -m foresell.api.worker

The kernel spreads connections over them (SO_REUSEPORT). Each ends when who started it does.
"""

import os
import signal
import socket
import sys
import threading

import uvicorn

from foresell.contracts.serving import APPLICATION, HOST_VARIABLE, PORT_VARIABLE, SERVER_OPTIONS


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with shared_socket(os.environ[HOST_VARIABLE], int(os.environ[PORT_VARIABLE])) as listening:
        uvicorn.Server(uvicorn.Config(APPLICATION, **SERVER_OPTIONS)).run(sockets=[listening])


def shared_socket(host: str, port: int) -> socket.socket:
    """Bound, and not listening yet. OSError where another program has the port."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind((host, port))
    return found


def _end_with_parent() -> None:
    """Its pipe ends when the parent does, however it ends."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
