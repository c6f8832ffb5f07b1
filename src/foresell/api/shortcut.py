"""The routes that are asked hundreds of times a second, without FastAPI's search for them and what they need.

The functions are the routes' own, and so are errors: whatever is unusual here goes on to FastAPI.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

from foresell.api.access import Needs
from foresell.api.guard import Application, Receive, Scope, Send
from foresell.api.problems import of_error, unforeseen
from foresell.contracts.errors import ForesellError


@dataclass(frozen=True, slots=True)
class Way:
    """A `POST` route: the scope that it needs, and its function, which takes the request, the `body` that is
    read for it (None: it reads its own) and the principal."""

    needs: Needs
    answer: Callable[..., Awaitable[Response]]
    body: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands for the route where answers are counted."""

    path: str


class Shortcut:
    """An ASGI middleware. `ways`: path → way."""

    def __init__(self, app: Application, *, ways: Mapping[str, Way]) -> None:
        self._app = app
        self._ways = {path: (way, Asked(path)) for path, way in ways.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._ways.get(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "POST" or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        way, asked = found
        request = Request(scope, receive)
        given: list[object] = [request]
        try:
            principal = await way.needs(request)
            if way.body is not None:
                body = await request.body()
                read = _read(way.body, request, body)
                if read is None:
                    await self._app(scope, _again(body, receive), send)
                    return
                given.append(read)
            scope["route"] = asked
            answer = await way.answer(*given, principal)
        except ForesellError as error:
            scope["route"] = asked
            answer = of_error(error)
        except Exception as error:  # noqa: BLE001  # an answer, and never a stack
            answer = unforeseen(error)
        await answer(scope, receive, send)


def _read(kind: type[BaseModel], request: Request, body: bytes) -> BaseModel | None:
    """None: FastAPI says what is wrong with it."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        return None


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, given once more."""
    is_given = False

    async def given() -> MutableMapping[str, Any]:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given
