"""What stands before every route: limits of bodies, headers of answers, times and counts."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from foresell.api.metrics import Metrics
from foresell.api.problems import problem, unforeseen
from foresell.contracts.errors import TooLargeError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
UNKNOWN_ROUTE = "unknown"


class Guard:
    """An ASGI middleware. `body_bytes`: the longest body that any route reads."""

    def __init__(self, app: Application, *, body_bytes: int, metrics: Metrics) -> None:
        self._app, self._body_bytes, self._metrics = app, body_bytes, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500
        has_begun = False

        async def answered(message: MutableMapping[str, Any]) -> None:
            nonlocal status, has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                added = [pair for pair in HEADERS if pair[0] not in given]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        try:
            if _stated_length(scope) > self._body_bytes:
                await _refuse(scope, receive, answered, self._body_bytes)
            else:
                await self._app(scope, self._counted(receive), answered)
        except TooLargeError:
            await _refuse(scope, receive, answered, self._body_bytes)
        except Exception as error:  # the last resort: an answer, and never a stack
            if has_begun:
                raise
            await unforeseen(error)(scope, receive, answered)
        finally:
            route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
            self._metrics.answered(route, scope["method"], status, time.perf_counter() - began)

    def _counted(self, receive: Receive) -> Receive:
        """A body whose length was not stated, or not truly, is counted as it comes."""
        taken = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._body_bytes:
                raise TooLargeError("The body is too large", received=f"more than {self._body_bytes:,} bytes")
            return message

        return counted


def _stated_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _refuse(scope: Scope, receive: Receive, send: Send, most: int) -> None:
    answer = problem(
        413, "The body is too large", do=f"Send at most {most:,} bytes.", headers={"Connection": "close"}
    )
    await answer(scope, receive, send)
