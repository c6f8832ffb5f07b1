"""Several processes that serve one store answer as one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from foresell.api.application import make_app
from foresell.api.peers import Peers
from foresell.api.summing import summed
from foresell.api.worker import shared_socket
from foresell.cli.workers import require_free
from foresell.contracts.errors import ConflictError
from foresell.services.live.limits import Limits
from foresell.services.shop import open_shop

from .conftest import CUSTOMERS, PRODUCTS, Served, event


@pytest.fixture(scope="module")
def two(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two applications of one store, as two workers are."""
    folder = tmp_path_factory.mktemp("peers")
    root = served.shop.folder.root
    limits = Limits(move_seconds=3_600)
    apps = [make_app(open_shop(root), limits=limits, workers=2, peers=folder) for _ in range(2)]
    with (
        TestClient(apps[0], raise_server_exceptions=False) as first,
        TestClient(apps[1], raise_server_exceptions=False) as second,
    ):
        yield (
            replace(served, live=apps[0].state.served.live, app=apps[0], client=first),
            replace(served, live=apps[1].state.served.live, app=apps[1], client=second),
        )


def test_an_answer_of_one_is_reported_to_the_other(two: tuple[Served, Served]) -> None:
    first, second = two
    answer = first.post("/v1/recommendations", {"customer_id": "c1", "k": 2}).json()
    told = {"request_id": answer["request_id"], "what": "shown"}
    assert second.post("/v1/feedback", told).json()["status"] == "logged"
    assert first.post("/v1/feedback", told).status_code == 404
    assert second.post("/v1/feedback", {"request_id": "5f", "what": "shown"}).status_code == 404


def test_an_event_sent_to_one_is_in_the_visit_of_the_other(two: tuple[Served, Served]) -> None:
    first, second = two
    assert first.post("/v1/events", event("w1", customer_id="c2")).json()["accepted"] == 1
    second.live.learn()
    assert second.post("/v1/events", event("w1", customer_id="c2")).json()["duplicate"] == 1
    assert "w1" in [one["event_id"] for one in second.live.recent("c2")]


def test_both_are_counted_wherever_it_is_asked(two: tuple[Served, Served]) -> None:
    first, second = two
    for one in (first, second, second):
        assert one.post("/v1/recommendations", {"k": 1, "surface": "trending"}).status_code == 200
    lines = [line for one in (first, second) for line in one.get("/metrics").text.splitlines()]
    name = 'foresell_requests_total{method="POST",route="/v1/recommendations",status="200"}'
    counts = [float(line.split()[-1]) for line in lines if line.startswith(name)]
    assert len(counts) == 2
    assert counts[0] == counts[1] >= 3


def test_gauges_are_not_added_up() -> None:
    waiting = ["foresell_x_bytes", "Of all.", "gauge", [["foresell_x_bytes", {}, 5.0]]]
    parted = ["foresell_events_in_flight_bytes", "Of each.", "gauge"]
    samples = [[["foresell_events_in_flight_bytes", {}, number]] for number in (1.0, 2.0)]
    text = summed([[waiting, [*parted, one]] for one in samples]).decode()
    assert "foresell_x_bytes 5.0" in text
    assert "foresell_events_in_flight_bytes 3.0" in text


def test_whoever_was_killed_is_passed_over(tmp_path: Path) -> None:
    lone = Peers(None, {})
    assert lone.ask("any") == []
    alive = Peers(tmp_path, {"double": lambda number: 2 * number, "nothing": lambda: None})
    alive.start()
    gone = Peers(tmp_path, {})
    gone.start()
    gone.stop()
    asking = Peers(tmp_path, {})
    assert asking.ask("double", number=4) == [8]
    assert asking.ask("nothing") == []
    alive.stop()
    assert asking.ask("double", number=4) == []


def test_a_port_that_is_taken_is_not_shared() -> None:
    with shared_socket("127.0.0.1", 0) as taken:
        port = int(taken.getsockname()[1])
        taken.listen()
        with pytest.raises(ConflictError, match="Nothing can listen"):
            require_free("127.0.0.1", port)
        with shared_socket("127.0.0.1", port):
            pass
    require_free("127.0.0.1", port)


def test_what_is_asked_at_once_is_answered_each_for_itself(served: Served) -> None:
    def ask(number: int) -> Any:
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        return customer, served.post(
            "/v1/recommendations", {"customer_id": customer, "k": 3, "seed": 1}
        ).json()

    answering = served.app.state.served.answering
    for seconds in (0.0, 1e9):
        # As if answers had taken so long lately: they are then left to a thread.
        answering._seconds = seconds
        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(ask, range(24)))
        assert all(answer["customer_id"] == customer for customer, answer in told)
        assert len({answer["request_id"] for _, answer in told}) == 24
    answering._seconds = 0.0


@pytest.mark.parametrize(
    "body",
    [
        {"customer_id": "c1", "k": 3, "seed": 1},
        {"surface": "similar", "product_id": PRODUCTS[0], "k": 2, "seed": 2},
        {"surface": "nothing of the kind"},
        {"k": 0},
        {"k": "3", "exclude": [PRODUCTS[1]], "seed": 3},
        {"session": [{"product_id": PRODUCTS[2], "occurred_at": "2026-11-22T10:00:00Z"}], "seed": 4},
        {"session": [{"product_id": PRODUCTS[2], "occurred_at": "2026-11-22T10:00:00"}]},
        {"unknown": 1},
        [],
        "text",
        None,
    ],
)
def test_the_short_cut_answers_as_the_framework_does(served: Served, body: object) -> None:
    short = served.post("/v1/recommendations", body)
    long = served.post("/v1/recommendations?by=framework", body)
    assert short.status_code == long.status_code
    told = [{k: v for k, v in one.json().items() if k != "request_id"} for one in (short, long)]
    assert told[0] == told[1]


@pytest.mark.parametrize("content", [b"", b"{", b'{"customer_id": "\\ud800"}', b"\xff", b'{"k": NaN}'])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/xml"])
def test_bodies_that_cannot_be_read_are_refused_alike(served: Served, content: bytes, kind: str) -> None:
    told = []
    for query in ("", "?by=framework"):
        headers = {"Authorization": f"Bearer {served.keys['all']}", "Content-Type": kind}
        answer = served.client.post(f"/v1/recommendations{query}", content=content, headers=headers)
        found = answer.json()
        found.pop("request_id", None)
        told.append((answer.status_code, found))
    assert told[0] == told[1]


def test_the_short_cut_asks_who_it_is(served: Served) -> None:
    refused = served.client.post("/v1/recommendations", json={"k": 2})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert served.client.post("/v1/events", json=event("x1")).status_code == 401
    assert served.client.get("/v1/recommendations").status_code == 405
