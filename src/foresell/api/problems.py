"""The one shape of errors: RFC 9457's problem details, made of `contracts.errors`.

Nothing of the machine is told: no path, no stack. What failed below us is in the server's own log.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from foresell.contracts.errors import (
    BackendError,
    ConflictError,
    DeniedError,
    ForesellError,
    InputError,
    NotFoundError,
    TooLargeError,
    UnauthenticatedError,
)
from foresell.services.live.limits import TooBusyError

MEDIA_TYPE = "application/problem+json"
PATH = re.compile(r"(?:/[^\s/:'\"]+){2,}/?")
TITLES = {
    400: "The request cannot be read",
    401: "Nobody has said who asks",
    403: "Not allowed",
    404: "Not found",
    405: "This address takes other methods",
    409: "The shop's state forbids it",
    413: "Too large",
    415: "Not a kind of body that is read here",
    422: "What was given cannot be used",
    429: "Too much at once",
    500: "A defect of Foresell",
    503: "Something below failed; try again later",
}
log = logging.getLogger("foresell.api")


class Problem(BaseModel):
    """RFC 9457. `do`: what to do about it; `received`: what was given, where that helps."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:foresell:problem:404",
                "title": "Not found",
                "status": 404,
                "detail": "There is no KPI 'net_sale'.",
                "do": "Did you mean 'net_sales'?",
            }
        }
    )
    type: str
    title: str
    status: int
    detail: str
    do: str | None = None
    received: str | None = None
    errors: list[dict[str, str]] | None = Field(None, description="Each field at fault, and what is wrong.")


def problem(
    status: int,
    detail: str,
    *,
    do: str | None = None,
    received: str | None = None,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    told = Problem(
        type=f"urn:foresell:problem:{status}",
        title=TITLES.get(status, "It failed"),
        status=status,
        detail=detail,
        do=do,
        received=received,
        errors=errors,
    )
    content = told.model_dump(exclude_none=True)
    return JSONResponse(content, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of_error(error: ForesellError) -> JSONResponse:
    status = error.http_status
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        headers["Retry-After"] = str(getattr(error, "retry_after", 5))
    if isinstance(error, BackendError) and not isinstance(error, TooBusyError):
        log.warning("%s", error.message)
        if status == 503:
            headers["Retry-After"] = "10"
        return problem(status, without_paths(error.what), do=without_paths(error.do) or None, headers=headers)
    received = None if error.received is None else str(error.received)[:500]
    return problem(status, without_paths(error.what), do=error.do or None, received=received, headers=headers)


def without_paths(text: str) -> str:
    return PATH.sub("…", text)


def answer_problems(app: FastAPI) -> None:
    """Let every error of an application be answered as a problem."""

    async def told(_request: Request, error: Exception) -> JSONResponse:
        return of_error(error) if isinstance(error, ForesellError) else unforeseen(error)

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        errors = [
            {"at": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]} for one in found[:20]
        ]
        first = errors[0] if errors else {"at": "body", "reason": "it cannot be read"}
        return problem(422, f"{first['at']}: {first['reason']}", errors=errors)

    async def of_http(_request: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return problem(status, TITLES.get(status, "It failed"), headers=headers)

    app.add_exception_handler(ForesellError, told)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, told)


def unforeseen(error: Exception) -> JSONResponse:
    """What nobody foresaw. What fails below us is no defect of ours, and may be tried again."""
    name = type(error).__module__.split(".")[0]
    log.error("unforeseen", exc_info=error)
    if isinstance(error, OSError) or name in ("duckdb", "_duckdb", "deltalake", "sqlite3", "pyarrow"):
        return problem(
            503, "The store or the machine below it failed", do="Try again.", headers={"Retry-After": "10"}
        )
    return problem(500, f"Unexpected: {type(error).__name__}", do="Please report it, with the server's log.")


OF_STATUS: dict[int, type[ForesellError]] = {
    401: UnauthenticatedError,
    403: DeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    422: InputError,
    429: TooBusyError,
    503: BackendError,
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: these statuses as problems; with those that any route may give."""
    return {
        status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": TITLES[status]}
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }
