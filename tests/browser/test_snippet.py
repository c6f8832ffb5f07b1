"""The script for the shop's pages, in a page of another origin, while the server is there and while not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from foresell.api.application import make_app
from foresell.services.access.accounts import add_key
from foresell.services.live.moving import move_events
from foresell.services.shop import Shop, create_shop

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    return create_shop(tmp_path / "store")


@contextmanager
def shop_page(html: bytes) -> Iterator[str]:
    """A page of the shop's own."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # as the library calls it
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, *_told: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@contextmanager
def serving(shop: Shop, port: int, origin: str) -> Iterator[None]:
    import uvicorn

    app = make_app(shop, origins=[origin])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def stored(shop: Shop) -> list[dict[str, Any]]:
    move_events(shop)
    with shop.reading() as tables:
        rows: list[dict[str, Any]] = tables.current("events").order_by("occurred_at").to_pyarrow().to_pylist()
    return rows


def test_events_of_a_page_arrive_once_also_when_the_server_was_away(browser: Any, shop: Shop) -> None:
    _, key = add_key(shop, "page", ["events:write"], "test")
    port = free_port()
    script = f'<script src="http://127.0.0.1:{port}/v1/foresell.js" data-key="{key}"></script>'
    with shop_page(f"<!doctype html><title>Shop</title>{script}".encode()) as origin:
        page = browser.new_page()
        with serving(shop, port, origin):
            page.goto(f"{origin}/products/p4?mail=ann@example.org")
            page.evaluate("foresell('view_item', {product_id: 'p4', price: 9.9, currency: 'EUR'})")
            page.evaluate("foresell.identify('c17')")
            page.wait_for_function("localStorage['foresell.waiting'] === '[]'", timeout=20_000)
        page.evaluate("foresell('add_to_cart', {product_id: 'p4', quantity: 1})")
        page.wait_for_timeout(1_500)
        assert page.evaluate("JSON.parse(localStorage['foresell.waiting']).length") == 1
        with serving(shop, port, origin):
            page.reload()
            page.wait_for_function("localStorage['foresell.waiting'] === '[]'", timeout=20_000)
    rows = stored(shop)
    assert [row["event_name"] for row in rows] == ["view_item", "login", "add_to_cart"]
    assert [row["customer_id"] for row in rows] == [None, "c17", "c17"]
    assert len({row["anonymous_id"] for row in rows}) == len({row["session_id"] for row in rows}) == 1
    assert "ann" not in str(rows)
