"""The one place that asks another host: a POST to an address that the shop itself has named."""

from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

TIMEOUT_SECONDS = 10


class _NoRedirect(HTTPRedirectHandler):
    """A webhook that sends elsewhere is not the one that the user named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def post_json(address: str, body: bytes, headers: Mapping[str, str] = {}) -> str | None:
    """Post JSON; None where it was taken, else why not. `address`: checked by the caller."""
    sent = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "foresell", **headers}
    request = Request(address, data=body, headers=sent, method="POST")  # noqa: S310 - checked by the caller
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
            return None
    except HTTPError as error:
        with error:
            return f"HTTP status {error.code}"
    except (URLError, OSError) as error:
        return str(getattr(error, "reason", error))
