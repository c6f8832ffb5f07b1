"""Every error a user can meet.

    ForesellError
    ├── InputError            what was given cannot be used          exit 2, HTTP 422
    │   └── TooLargeError     what was given is too large            exit 2, HTTP 413
    ├── NotFoundError         what was asked for does not exist      exit 3, HTTP 404
    ├── ConflictError         the store's state forbids it           exit 4, HTTP 409
    ├── DeniedError           not allowed                            exit 5, HTTP 403
    │   └── UnauthenticatedError  nobody has said who asks           exit 5, HTTP 401
    └── BackendError          something below us failed              exit 6, HTTP 503
        └── BusyError         somebody else holds it; try again      exit 6, HTTP 429

Each says what happened, what was received, and what to do about it.
"""

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from os import strerror


class ForesellError(Exception):
    """The root. `what` happened, what was `received`, what to `do` about it."""

    exit_code: int = 1
    http_status: int = 500

    def __init__(self, what: str, *, received: object = None, do: str = "") -> None:
        self.what = what
        self.received = received
        self.do = do
        super().__init__(self.message)

    @property
    def message(self) -> str:
        parts = [self.what.rstrip(".") + "."]
        if self.received is not None:
            parts.append(f"Received: {self.received}.")
        if self.do:
            parts.append(self.do)
        return " ".join(parts)

    def as_record(self) -> dict[str, object]:
        """The error as JSON-ready fields, for `--json` and the API."""
        received = None if self.received is None else str(self.received)
        return {
            "error": type(self).__name__,
            "what": self.what,
            "received": received,
            "do": self.do,
        }


class InputError(ForesellError):
    exit_code = 2
    http_status = 422


class TooLargeError(InputError):
    http_status = 413


class NotFoundError(ForesellError):
    exit_code = 3
    http_status = 404


class ConflictError(ForesellError):
    exit_code = 4
    http_status = 409


class DeniedError(ForesellError):
    exit_code = 5
    http_status = 403


class UnauthenticatedError(DeniedError):
    http_status = 401


class BackendError(ForesellError):
    exit_code = 6
    http_status = 503


class BusyError(BackendError):
    http_status = 429


def plain_reason(error: Exception) -> str:
    """Why a library below us failed: the operating system's own words where they are in it, else one line."""
    text = str(error)
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EMFILE):
        if strerror(code) in text:
            return strerror(code)
    return (text.splitlines() or [type(error).__name__])[0]


def did_you_mean(given: str, valid: Iterable[str]) -> str:
    """A sentence naming the closest valid choice, then all of them: the `do` of a wrong name."""
    choices = sorted(valid)
    close = get_close_matches(given, choices, n=1, cutoff=0.6)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Valid: {', '.join(choices)}."
