"""The door: where somebody is led after it, and what is held off before it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="needs the extra console")

from foresell.console.access import Doorkeeper, _inside
from foresell.console.house import House


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/customers?text=a", "/customers?text=a"),
        ("", "/"),
        ("//elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_nobody_is_led_to_another_host(wanted: str, led: str) -> None:
    assert _inside(wanted) == led


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sign-in",
        "query_string": b"",
        "headers": [(b"content-length", b"101")],
    }
    answers = asyncio.run(_asked(Doorkeeper(_never, House(tmp_path), most_bytes=100), scope))
    assert answers[0]["status"] == 413
    assert dict(answers[0]["headers"])[b"x-frame-options"] == b"DENY"


def test_who_is_not_known_gets_no_page_and_no_socket(tmp_path: Path) -> None:
    keeper = Doorkeeper(_never, House(tmp_path), most_bytes=100)
    page = {"type": "http", "method": "GET", "path": "/models", "query_string": b"", "headers": []}
    [start, _] = asyncio.run(_asked(keeper, page))
    assert (start["status"], dict(start["headers"])[b"location"]) == (303, b"/sign-in?next=/models")
    upload = {**page, "method": "POST", "path": "/_nicegui/client/x/upload/1"}
    assert asyncio.run(_asked(keeper, upload))[0]["status"] == 401
    socket = {"type": "websocket", "path": "/_nicegui_ws/socket.io/", "headers": []}
    assert asyncio.run(_asked(keeper, socket)) == [{"type": "websocket.close", "code": 4401}]


async def _never(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("let in")


async def _asked(keeper: Doorkeeper, scope: dict[str, Any]) -> list[Any]:
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        answers.append(message)

    await keeper(scope, receive, send)
    return answers
