"""The other processes of one server, asked what only they know, by a socket of each.

The sockets lie in a folder that only its owner can open; what is said is JSON.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from secrets import token_hex
from typing import Any

# A process that does not answer by then is passed over.
PATIENCE_SECONDS = 2.0
MOST_BYTES = 2**24
Answer = Callable[..., Any]
log = logging.getLogger("foresell.api")


class Peers:
    """`folder`: of the sockets; None: this process is alone. `answers`: question → what answers it, with
    what is given by name; a value of JSON, None: nothing to say. Safe for many threads."""

    def __init__(self, folder: Path | None, answers: Mapping[str, Answer]) -> None:
        self._folder, self._answers = folder, answers
        self._name = f"{os.getpid()}-{token_hex(4)}.sock"
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._is_ended = False

    def start(self) -> None:
        if self._folder is None:
            return
        self._listener = Listener(str(self._own(self._folder)), "AF_UNIX", backlog=16)
        self._thread = threading.Thread(
            target=self._listen, args=(self._listener,), name="peers", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._listener is None or self._thread is None or self._folder is None:
            return
        self._is_ended = True
        # Closing wakes nobody who waits for a connection.
        with suppress(OSError):
            Client(str(self._own(self._folder)), "AF_UNIX").close()
        self._thread.join(timeout=2 * PATIENCE_SECONDS)
        self._listener.close()

    def ask(self, question: str, **given: object) -> list[Any]:
        """What each of the others says, but for those who say nothing."""
        if self._folder is None:
            return []
        own = self._own(self._folder)
        others = [path for path in sorted(self._folder.glob("*.sock")) if path != own]
        found = [_asked(path, {"question": question, "given": given}) for path in others]
        return [one for one in found if one is not None]

    def _own(self, folder: Path) -> Path:
        return folder / self._name

    def _listen(self, listener: Listener) -> None:
        while not self._is_ended:
            try:
                with listener.accept() as connection:
                    if not self._is_ended:
                        self._answer(connection)
            except Exception:  # the thread must live on
                log.exception("answering another process")

    def _answer(self, connection: "Connection[Any, Any]") -> None:
        if not connection.poll(PATIENCE_SECONDS):
            return
        asked = json.loads(connection.recv_bytes(MOST_BYTES))
        told = self._answers[asked["question"]](**asked["given"])
        connection.send_bytes(json.dumps(told).encode())


def _asked(path: Path, question: Mapping[str, object]) -> Any:
    """None where nobody answers."""
    try:
        with Client(str(path), "AF_UNIX") as connection:
            connection.send_bytes(json.dumps(question).encode())
            if connection.poll(PATIENCE_SECONDS):
                return json.loads(connection.recv_bytes(MOST_BYTES))
    except ConnectionRefusedError:
        # Whoever listened there was killed.
        path.unlink(missing_ok=True)
    except (OSError, EOFError):
        pass
    return None
