"""One server, asked by HTTP: kept connections, 429 and 503 waited out, errors as problem details."""

import http.client
import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from foresell.contracts.errors import BackendError, ForesellError, InputError

HERE = ("localhost", "127.0.0.1", "::1")
TO_BE_TRIED_AGAIN = (429, 502, 503, 504)
# A server closes what is silent for longer; a request that meets that end would be lost.
IDLE_SECONDS = 15.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 30.0


class RefusedError(ForesellError):
    """The server answered with a problem (RFC 9457). `status`: HTTP's; `errors`: each field at fault."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(
            str(problem.get("detail") or problem.get("title") or f"The server answered {status}"),
            received=problem.get("received"),
            do=str(problem.get("do") or ""),
        )
        self.status = status
        self.errors: list[dict[str, str]] = list(problem.get("errors") or ())


class UnreachableError(BackendError):
    """No answer came, or only that the server was busy, for as long as was waited."""


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    retry_after: float | None


class Connection:
    """Safe for many threads, each with a connection of its own.

    `patience`: seconds in which a request is tried again. Waits are those that the server asks for
    (`Retry-After`), else they double from 0.1 s, drawn by chance between half and all of it.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 10.0, patience: float = 60.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise InputError(
                "That is no address of a server", received=url, do="Such as https://shop.example"
            )
        if parts.scheme == "http" and parts.hostname not in HERE:
            raise InputError(
                "The key would go through the network in the clear", received=url, do="Use https://"
            )
        if not key or not key.isascii() or not key.isprintable():
            raise InputError("That is no key", do="Give the one that `foresell key add` showed.")
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        self._key, self._timeout, self._patience = key, timeout, patience
        self._own = threading.local()
        self._open: set[http.client.HTTPConnection] = set()
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def get(self, path: str, **query: object) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        asked = f"{path}?{urlencode(given, doseq=True)}" if given else path
        return self.ask("GET", asked)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        is_repeatable: bool = True,
        patience: float | None = None,
    ) -> Any:
        """The answer's JSON. `is_repeatable`: asking twice does what asking once does; else it is asked again
        only where the server says that it did nothing. `patience`: instead of the connection's.

        RefusedError for an answer that is an error, UnreachableError where patience ends.
        """
        content = None if body is None else json.dumps(body, allow_nan=False).encode()
        until = time.monotonic() + (self._patience if patience is None else patience)
        num_tried = 0
        while True:
            num_tried += 1
            answer, failure = self._tried(method, path, content)
            if answer is not None and answer.status not in TO_BE_TRIED_AGAIN:
                return _content(answer)
            wait = _wait(num_tried, answer)
            is_last = time.monotonic() + wait > until
            if answer is not None and is_last:
                raise RefusedError(answer.status, _problem(answer.body))
            is_unsure = not is_repeatable and not isinstance(failure, ConnectionRefusedError)
            if failure is not None and (is_last or is_unsure):
                raise UnreachableError(
                    "The server gave no answer",
                    received=failure,
                    do="Is it running, and is the address right?",
                ) from failure
            time.sleep(wait)

    def _tried(
        self, method: str, path: str, content: bytes | None
    ) -> tuple[_Answer | None, Exception | None]:
        try:
            return self._once(method, path, content), None
        except (OSError, http.client.HTTPException) as error:
            return None, error

    def _once(self, method: str, path: str, content: bytes | None) -> _Answer:
        connection = self._connected()
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, self._path + path, content, headers)
            answer = connection.getresponse()
            body = answer.read()
        except BaseException:
            self._drop()
            raise
        if answer.will_close:
            self._drop()
        return _Answer(answer.status, body, _seconds(answer.headers.get("Retry-After")))

    def _connected(self) -> http.client.HTTPConnection:
        kept: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        now = time.monotonic()
        if kept is not None and now - self._own.used_at > IDLE_SECONDS:
            self._drop()
            kept = None
        self._own.used_at = now
        if kept is None:
            if self._tls is None:
                kept = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
            else:
                kept = http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._timeout, context=self._tls
                )
            self._own.connection = kept
            self._open.add(kept)
        return kept

    def _drop(self) -> None:
        """The connection of this thread; the next request opens another."""
        kept: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if kept is not None:
            kept.close()
            self._open.discard(kept)
            self._own.connection = None

    def close(self) -> None:
        """End the connections of all threads, when none of them asks any more."""
        while self._open:
            self._open.pop().close()
        self._own = threading.local()


def in_path(text: str) -> str:
    """Any id as one part of a path."""
    return quote(text, safe="")


def paged(ask: Callable[[str | None], Mapping[str, Any]]) -> "list[dict[str, Any]]":
    """All items of a list that comes in pages. `ask`: gives the page at a cursor."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(cursor)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def _content(answer: _Answer) -> Any:
    if not 200 <= answer.status < 300:
        raise RefusedError(answer.status, _problem(answer.body))
    return json.loads(answer.body) if answer.body else None


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _wait(num_tried: int, answer: _Answer | None) -> float:
    if answer is not None and answer.retry_after is not None:
        return min(answer.retry_after, LONGEST_WAIT_SECONDS)
    longest = min(FIRST_WAIT_SECONDS * 2.0 ** min(num_tried, 10), LONGEST_WAIT_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311  # only so that not all come at once


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, counts as not given."""
    return float(text) if text and text.isdigit() else None
