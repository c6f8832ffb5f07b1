"""Who asks a route, and whether they may: every route of /v1 names the scope that it needs."""

import time
from dataclasses import dataclass
from threading import Lock

from fastapi import Request

from foresell.api.served_shop import served_shop
from foresell.contracts.errors import UnauthenticatedError
from foresell.services.access.roles import Principal
from foresell.services.live.limits import TooBusyError

COOKIE = "foresell_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MOST_BUCKETS = 10_000


class Buckets:
    """Token buckets: each name may ask `per_second` times a second, and `burst` times at once."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, name: str) -> None:
        """TooBusyError for whoever asks too often."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.get(name, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_second)
            if left >= 1:
                if len(self._left) >= MOST_BUCKETS:
                    self._left.clear()
                self._left[name] = (left - 1, now)
                return
        wait = max(1, round((1 - left) / self._per_second))
        raise TooBusyError("You ask too often", received=name[:63], retry_after=wait)


@dataclass(frozen=True)
class Needs:
    """A dependency: the principal, if it has the scope."""

    scope: str

    async def __call__(self, request: Request) -> Principal:
        principal = identified(request)
        principal.require(self.scope)
        request.app.state.buckets.take(principal.name)
        return principal


def identified(request: Request) -> Principal:
    """By `Authorization: Bearer KEY`, else by the session's cookie. UnauthenticatedError for nobody."""
    gate = served_shop(request).gate
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if secret:
        if kind.lower() != "bearer":
            raise UnauthenticatedError("Only keys are taken", do="Send Authorization: Bearer KEY.")
        return gate.by_key(secret.strip())
    session = request.cookies.get(COOKIE)
    if session is None:
        raise UnauthenticatedError(
            "Nobody has said who asks", do="Send Authorization: Bearer KEY, or sign in."
        )
    csrf = request.headers.get(CSRF_HEADER)
    return gate.by_session(session, csrf=csrf, is_change=request.method not in SAFE_METHODS)


async def anybody() -> None:
    """A dependency that says: this route is open to all."""
