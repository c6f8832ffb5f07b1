"""The Python client against the real server, whose answers are at times lost, late or a refusal."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from foresell.api.application import make_app
from foresell.client.connection import RefusedError, UnreachableError
from foresell.client.sender import EventSender
from foresell.client.shop import ShopClient
from foresell.contracts.errors import BusyError, InputError
from foresell.services.access.accounts import add_key
from foresell.services.access.roles import SCOPES
from foresell.services.live.limits import Limits
from foresell.services.shop import Shop


@dataclass
class Line:
    """An ASGI application between client and server. `faults`: what happens to the next requests: `lost` (it
    is done, and the answer never comes), or a status with Retry-After 0. `seen`: their paths."""

    app: Any
    faults: list[Any] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append(scope["path"])
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            await self.app(scope, receive, send)
        elif fault == "lost":
            await self.app(scope, receive, _nowhere)
            # An answer whose end never comes: the server closes the line.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        else:
            headers = [(b"retry-after", b"0"), (b"content-type", b"application/problem+json")]
            await send({"type": "http.response.start", "status": fault, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"detail": "Too much"}'})


async def _nowhere(_message: Any) -> None:
    return


@dataclass(frozen=True)
class Served:
    url: str
    line: Line
    key: str
    app: Any

    clients: list[ShopClient] = field(default_factory=list)

    def client(self, **more: Any) -> ShopClient:
        self.clients.append(ShopClient(self.url, self.key, **{"patience": 5.0, **more}))
        return self.clients[-1]


@pytest.fixture(scope="module")
def server(small_shop: Shop) -> Iterator[Served]:
    app = make_app(small_shop, limits=Limits(batch_events=50, move_seconds=3_600))
    line = Line(app)
    _, key = add_key(small_shop, "client", list(SCOPES), "test")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(line, log_level="critical", ws="none", timeout_keep_alive=2)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        served = Served(f"http://127.0.0.1:{listening.getsockname()[1]}", line, key, app)
        yield served
        for client in served.clients:
            client.close()
        running.should_exit = True
        thread.join()


def accepted(server: Served) -> int:
    count: int = server.app.state.served.live.acceptance.counts["accepted"]
    return count


def view(customer: str, number: int = 0) -> dict[str, object]:
    return {"event_name": "view_item", "customer_id": customer, "product_id": "bread", "position": number}


def test_events_end_as_the_server_says_and_a_bad_one_is_named(server: Served) -> None:
    good, bad = server.client().send_events([view("k1"), {"event_name": "view_item", "price": "cheap"}])
    assert good.status == "accepted"
    assert good.event_id
    assert (bad.status, bad.column) == ("quarantined", "price")
    assert bad.do


def test_an_answer_that_is_lost_makes_no_event_twice(server: Served) -> None:
    before = accepted(server)
    server.line.faults += ["lost", 503]
    [outcome] = server.client().send_events([view("k2")])
    assert outcome.status == "duplicate"
    assert accepted(server) == before + 1


def test_a_full_server_is_waited_for_and_then_reported(server: Served) -> None:
    server.line.faults += [429, 429]
    assert server.client().send_events([view("k3")])[0].status == "accepted"
    server.line.faults += [429] * 50
    with pytest.raises(RefusedError, match="Too much") as caught:
        server.client(patience=0.0).send_events([view("k3")])
    assert caught.value.status == 429
    server.line.faults.clear()


def test_what_would_be_logged_twice_is_not_asked_twice(server: Served) -> None:
    server.line.faults += ["lost"]
    server.line.seen.clear()
    with pytest.raises(UnreachableError):
        server.client().recommend(customer_id="c1", k=2, is_served=True)
    assert server.line.seen == ["/v1/recommendations"]


def test_a_recommendation_its_reasons_and_what_became_of_it(server: Served) -> None:
    client = server.client()
    answer = client.recommend(customer_id="c1", k=3)
    assert [item.rank for item in answer.items] == [1, 2, 3]
    assert all(item.reason for item in answer.items)
    assert client.shown(answer.request_id)
    client.clicked(answer.request_id, answer.items[0].product_id, customer_id="c1", rank=1)
    assert client.why_not(answer.items[0].product_id, customer_id="c1", k=3)["rank"] == 1


def test_figures_are_read_page_by_page(server: Served) -> None:
    client = server.client()
    assert {"kpi", "unit", "meaning"} <= set(client.kpis()[0])
    assert client.kpi("conversion_rate").kpi == "conversion_rate"
    assert client.segments() == []
    assert client.forecast_series() == []
    assert client.is_ready()


def test_a_problem_says_what_happened_and_what_to_do(server: Served) -> None:
    with pytest.raises(RefusedError, match="net_sale") as caught:
        server.client().kpi("net_sale")
    assert caught.value.status == 404
    assert "net_sales" in caught.value.do
    with pytest.raises(RefusedError):
        server.client().profile("../../etc")


def test_a_search_finds_what_was_mistyped_and_holds_its_index(server: Served) -> None:
    client = server.client()
    began = time.perf_counter()
    assert client.search("buttr", k=1)[0].product_id == "butter"
    first = time.perf_counter() - began
    began = time.perf_counter()
    assert client.search("bread", k=1, customer_id="c1")[0].product_id == "bread"
    assert time.perf_counter() - began < max(first, 1.0)


@pytest.mark.parametrize(
    "address", ["http://shop.example", "ftp://localhost", "localhost:8080", "https://u@h"]
)
def test_an_address_that_would_betray_the_key_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        ShopClient(address, "fs_key")


def test_a_sender_keeps_order_and_loses_nothing_while_the_server_is_away(server: Served) -> None:
    before = accepted(server)
    server.line.faults += [503, "lost", 503]
    with EventSender(server.client(patience=0.05), batch=20, delay=0.02) as sender:
        for number in range(60):
            sender.add(**view("k9", number))  # type: ignore[arg-type]  # names of columns
        assert sender.flush(10)
    assert accepted(server) == before + 60
    recent = server.app.state.served.live.recent("k9")
    moments = [one["occurred_at"] for one in recent]
    assert moments == sorted(moments)


def test_a_sender_tells_of_what_was_refused_and_sends_the_rest(server: Served) -> None:
    told: list[Any] = []
    before = accepted(server)
    sender = EventSender(server.client(), batch=80, delay=0.05, when_refused=lambda *both: told.append(both))
    for number in range(70):
        sender.add("view_item", product_id="bread", customer_id="k8", price="cheap" if number == 5 else "1")
    assert sender.close() == []
    assert accepted(server) == before + 69, "more than the server takes at once is sent in halves"
    assert [(event["price"], outcome.column) for event, outcome in told] == [("cheap", "price")]


def test_a_sender_gives_back_what_it_could_not_send() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = ShopClient(f"http://127.0.0.1:{probe.getsockname()[1]}", "fs_key", patience=0.0)
    sender = EventSender(nobody, delay=0.01, most_waiting=2)
    ids = [sender.add("view_item", product_id="p1") for _ in range(2)]
    with pytest.raises(BusyError, match="wait"):
        sender.add("view_item", product_id="p1")
    assert [event["event_id"] for event in sender.close(timeout=0.1)] == ids
