"""Alerts are raised once, stay until they are over, and reach a webhook signed, once each."""

import hmac
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import make_settings
from foresell.services.access.audit import audit_log
from foresell.services.monitoring.alerts import acknowledge, list_alerts, raise_alerts
from foresell.services.monitoring.webhook import SECRET, SIGNATURE, deliver
from foresell.services.shop import Shop
from foresell.store.alerts import AlertTable, Condition
from foresell.store.state import State

KINDS = ("drift.features", "data.late_source")


def condition(kind: str = KINDS[0], subject: str = "price", **evidence: object) -> Condition:
    return Condition(kind, subject, "warning", "It moved", "Look", "变化", "查看", evidence)


def test_it_is_raised_once_and_again_only_when_it_was_over(shop: Shop) -> None:
    first = raise_alerts(shop, [condition(psi=0.3)], KINDS)
    again = raise_alerts(shop, [condition(psi=0.4)], KINDS)
    assert (len(first.raised), len(again.raised), again.num_lasting) == (1, 0, 1)
    [alert] = list_alerts(shop)
    assert alert.since < alert.seen_at
    assert alert.evidence == {"psi": 0.4}
    assert acknowledge(shop, alert.alert_id, "ann").state == "acknowledged"
    raise_alerts(shop, [condition()], KINDS)
    assert list_alerts(shop)[0].acknowledged_by == "ann"
    assert len(raise_alerts(shop, [], KINDS).resolved) == 1
    assert list_alerts(shop) == []
    assert len(raise_alerts(shop, [condition()], KINDS).raised) == 1
    assert [one.state for one in list_alerts(shop, "all")] == ["open", "resolved"]
    assert [one["action"] for one in audit_log(shop).entries()] == ["alert.acknowledge"]


def test_what_was_not_looked_for_stays(shop: Shop) -> None:
    raise_alerts(shop, [condition(KINDS[0]), condition(KINDS[1])], KINDS)
    assert [one.kind for one in raise_alerts(shop, [], KINDS[:1]).resolved] == [KINDS[0]]
    assert [one.kind for one in list_alerts(shop)] == [KINDS[1]]


def test_nobody_is_asked_for_what_there_is_not(shop: Shop) -> None:
    assert list_alerts(shop) == []
    with pytest.raises(NotFoundError):
        acknowledge(shop, 7, "ann")
    with pytest.raises(InputError):
        list_alerts(shop, "opn")


def test_processes_that_look_at_once_raise_it_once(shop: Shop) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: raise_alerts(shop, [condition()], KINDS), range(8)))
    assert sum(len(one.raised) for one in found) == 1
    assert len(list_alerts(shop, "all")) == 1


@settings(max_examples=20)
@given(st.lists(st.sets(st.sampled_from(["a", "b", "c"])), min_size=1, max_size=6))
def test_what_is_not_over_is_what_was_seen_last(looks: list[set[str]]) -> None:
    """Whatever is seen when: open alerts are those of the last look, each once, since it was last absent."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:  # a hundred fsyncs elsewhere
        state = State(Path(folder) / "state.sqlite")
        state.create("a-store")
        table = AlertTable(state)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        for number, seen in enumerate(looks):
            at = start + timedelta(days=number)
            table.note([condition(subject=one) for one in sorted(seen)], KINDS, at)
        found = [one for one in table.all() if one.state != "resolved"]
        assert sorted(one.subject for one in found) == sorted(looks[-1])
        for one in found:
            days = [number for number, seen in enumerate(looks) if one.subject not in seen]
            assert one.since == start + timedelta(days=max(days, default=-1) + 1)


class _Receiver(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []
        self.statuses: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:  # the name that http.server calls
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.signatures.append(self.headers[SIGNATURE])
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    server = _Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def declared(shop: Shop, address: str) -> Shop:
    shop.settings = make_settings({"monitoring": {"webhook": address}})
    return shop


def test_the_webhook_hears_of_each_once_and_can_tell_that_it_is_us(
    shop: Shop, receiver: _Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "nobody can guess this"  # noqa: S105
    monkeypatch.setenv(SECRET, secret)
    declared(shop, f"http://127.0.0.1:{receiver.server_port}/alerts")
    receiver.statuses = [503, 302]
    raise_alerts(shop, [condition(psi=0.3)], KINDS)
    assert deliver(shop) is not None
    told = deliver(shop)
    assert told is not None
    # It was refused once; the next attempt is due later.
    assert (told.num_sent, told.num_waiting, len(receiver.bodies)) == (0, 1, 1)
    _make_due(shop)
    _make_due(shop, sent=deliver(shop))
    told = deliver(shop)
    assert told is not None
    assert (told.num_sent, told.num_waiting, len(receiver.bodies)) == (1, 0, 3)
    raise_alerts(shop, [], KINDS)
    deliver(shop)
    deliver(shop)
    events = [json.loads(body)["event"] for body in receiver.bodies]
    assert events == ["alert.raised"] * 3 + ["alert.resolved"]
    at, signed = (part.partition("=")[2] for part in receiver.signatures[0].split(","))
    made = hmac.new(secret.encode(), at.encode() + b"." + receiver.bodies[0], "sha256").hexdigest()
    assert hmac.compare_digest(signed, made)


def _make_due(shop: Shop, sent: object = None) -> None:
    """As if the pause were over."""
    with shop.folder.state.connect() as connection:
        connection.execute("UPDATE alert_deliveries SET next_at = ''")


def test_without_being_declared_nobody_is_told(
    shop: Shop, receiver: _Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_alerts(shop, [condition()], KINDS)
    assert deliver(shop) is None
    monkeypatch.delenv(SECRET, raising=False)
    with pytest.raises(InputError, match=SECRET):
        deliver(declared(shop, f"http://127.0.0.1:{receiver.server_port}/"))
    monkeypatch.setenv(SECRET, "nobody can guess this")
    # What was raised before anybody was to be told is not told later.
    assert deliver(shop) is not None
    assert receiver.bodies == []


@pytest.mark.parametrize("address", ["http://example.com/x", "ftp://localhost/", "https://", "file:///etc/x"])
def test_an_address_that_others_could_read_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="webhook"):
        make_settings({"monitoring": {"webhook": address}})
