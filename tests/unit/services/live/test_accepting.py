"""Events that are accepted are kept, once; those that are refused say why."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import BackendError, TooLargeError
from foresell.contracts.tables import EVENT_NAMES
from foresell.services.erase import erase
from foresell.services.live.accepting import Acceptance, EventRow
from foresell.services.live.limits import Limits, Pressure, TooBusyError
from foresell.services.live.moving import move_events
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine
from foresell.services.rebuild import rebuild_tables
from foresell.services.shop import Shop, create_shop
from foresell.services.upkeep import verify
from foresell.services.writing import writing
from foresell.store.event_log import Segment
from foresell.store.journal import Journal

NOON = "2026-11-22T12:00:00Z"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    return create_shop(tmp_path / "store")


def view(number: int, **more: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "event_name": "view_item",
        "occurred_at": NOON,
        "customer_id": f"c{number % 3}",
        "product_id": f"p{number}",
        **more,
    }


def stored(shop: Shop) -> list[str]:
    with shop.reading() as tables:
        return sorted(tables.current("events").event_id.to_pyarrow().to_pylist())


def statuses(outcomes: Any) -> list[str]:
    return [outcome.status for outcome in outcomes]


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_accepted_event_is_on_the_disk_and_then_in_the_store_once(shop: Shop) -> None:
    accepting = Acceptance(shop)
    assert statuses(accepting.accept([view(1), view(2)])) == ["accepted", "accepted"]
    assert statuses(accepting.accept([view(2), view(3), view(3)])) == ["duplicate", "accepted", "duplicate"]
    [segment] = shop.folder.events.pending()
    assert [json.loads(line)["event_id"] for line in segment.read_text().splitlines()] == ["e1", "e2", "e3"]
    assert stored(shop) == []
    assert move_events(shop).as_record()["rows_accepted"] == 3
    assert stored(shop) == ["e1", "e2", "e3"]
    assert shop.folder.events.pending() == []
    assert move_events(shop).runs == ()


def test_another_process_sends_them_again_and_the_store_counts_duplicates(shop: Shop) -> None:
    first, second = Acceptance(shop), Acceptance(shop)
    first.accept([view(1), view(2)])
    second.accept([view(2), view(3)])
    move_events(shop)
    Acceptance(shop).accept([view(1)])
    assert move_events(shop).as_record()["rows_duplicate"] == 1
    assert stored(shop) == ["e1", "e2", "e3"]


def test_what_cannot_be_used_is_named_kept_and_can_be_corrected(shop: Shop) -> None:
    bad = [
        view(1, price="dear"),
        view(2, occurred_at="2036-01-01T00:00:00Z"),
        "no event",
        {"event_name": "login", "occurred_at": NOON},
        view(4),
    ]
    outcomes = Acceptance(shop).accept(bad)
    assert statuses(outcomes) == ["quarantined"] * 4 + ["accepted"]
    assert [outcome.column for outcome in outcomes] == ["price", "occurred_at", None, "event_id", None]
    assert all(outcome.reason and outcome.do for outcome in outcomes[:4])
    moved = move_events(shop).as_record()
    assert (moved["rows_accepted"], moved["rows_quarantined"]) == (1, 4)
    late = next(row for row in list_quarantine(shop) if row.column == "occurred_at")
    fix_quarantine(shop, late.quarantine_id, {"occurred_at": NOON})
    [replayed] = replay_quarantine(shop)
    assert replayed.counts.rows_accepted == 1
    assert stored(shop) == ["e2", "e4"]


def test_direct_identifiers_never_touch_the_disk(shop: Shop) -> None:
    sent = [
        view(1, email="Ann@Example.org", page_url="https://shop/?mail=ann@example.org"),
        view(2, properties={"traits": {"phone": "+49 1512 3456789"}}, price="ann@example.org"),
        {"type": "identify", "userId": "c9", "messageId": "m1", "traits": {"email": "ann@example.org"}},
    ]
    accepting = Acceptance(shop)
    accepting.accept(sent[:2])
    accepting.accept(sent[2])
    for _ in range(2):
        found = everything_below(shop.folder.root).lower()
        assert b"ann@" not in found
        assert b"3456789" not in found  # fewer digits are found in hashes and times now and then
        move_events(shop)


def test_rebuild_gives_the_same_rows(shop: Shop) -> None:
    accepting = Acceptance(shop)
    accepting.accept([view(1), view(2, price="x")])
    move_events(shop)
    accepting.accept([view(3)])
    move_events(shop)
    with writing(shop, "rebuild"):
        rebuilt = rebuild_tables(shop)
    assert rebuilt.changed == ()
    assert rebuilt.num_rows["events"] == 2


def test_the_observer_is_told_in_the_order_of_the_log(shop: Shop) -> None:
    told: list[EventRow] = []
    accepting = Acceptance(shop, told.append)
    threads = [
        threading.Thread(target=accepting.accept, args=([view(100 * t + n) for n in range(20)],))
        for t in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [segment] = shop.folder.events.pending()
    in_log = [json.loads(line)["event_id"] for line in segment.read_text().splitlines()]
    assert [row["event_id"] for row in told] == in_log
    assert len(set(in_log)) == 120


def test_an_event_the_disk_did_not_take_is_not_accepted_and_may_come_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[EventRow] = []
    accepting = Acceptance(shop, told.append)

    def fails(journal: Journal, position: int) -> None:
        raise BackendError("The disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "wait_for_disk", fails)
        with pytest.raises(BackendError):
            accepting.accept(view(1))
    assert told == []
    assert statuses(accepting.accept(view(1))) == ["accepted"]
    assert [row["event_id"] for row in told] == ["e1"]
    move_events(shop)
    assert stored(shop) == ["e1"]


def test_a_segment_that_was_refused_once_is_trusted_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Segment(tmp_path / "one.jsonl")
    position = segment.write([b"{}\n"])
    with monkeypatch.context() as patched:
        patched.setattr("os.fdatasync", _no_disk)
        with pytest.raises(BackendError):
            segment.wait_for_disk(position)
    assert not segment.is_open
    with pytest.raises(BackendError):
        segment.wait_for_disk(position)


def _no_disk(_handle: int) -> None:
    raise OSError(5, "Input/output error")


def test_events_go_on_while_they_are_moved(shop: Shop) -> None:
    accepting = Acceptance(shop)
    sent = 0
    for _ in range(2):
        accepting.accept([view(sent), view(sent + 1)])
        shop.folder.events.close()
        sent += 2
    moved = move_events(shop)
    assert len(moved.runs) == 2
    assert len(stored(shop)) == sent


def test_a_torn_line_counts_for_nothing_and_a_changed_one_is_quarantined(shop: Shop) -> None:
    Acceptance(shop).accept([view(1), view(2), view(3)])
    [segment] = shop.folder.events.pending()
    first, second, third = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(first + second.replace(b'"p2"', b'"p\x00"') + third + third[:40])
    assert move_events(shop).as_record()["rows_read"] == 3
    assert stored(shop) == ["e1", "e3"]
    assert [row.error_code for row in list_quarantine(shop)] == ["damaged_line"]


def test_who_was_erased_does_not_come_back(shop: Shop) -> None:
    accepting = Acceptance(shop)
    accepting.accept([view(0), view(1), view(2, anonymous_id="visitor-9c")])
    erase(shop, ["c0", "c2"])
    assert stored(shop) == ["e1"]
    outcomes = accepting.accept([view(3), view(4), view(5, customer_id=None, anonymous_id="visitor-9c")])
    assert statuses(outcomes) == ["quarantined", "accepted", "quarantined"]
    move_events(shop)
    assert stored(shop) == ["e1", "e4"]
    assert b"visitor-9c" not in everything_below(shop.folder.root)


def test_too_much_is_refused_before_it_is_kept(shop: Shop) -> None:
    with pytest.raises(TooLargeError):
        Acceptance(shop, limits=Limits(batch_events=2)).accept([view(1), view(2), view(3)])
    pressure = Pressure(Limits(in_flight_bytes=100), lambda: 0)
    with pressure.taking(80), pytest.raises(TooBusyError) as refused:
        pressure.reserve(21)
    assert refused.value.retry_after >= 1
    pressure.reserve(100)
    full = Pressure(Limits(backlog_bytes=10), lambda: 11)
    with pytest.raises(TooBusyError):
        full.reserve(1)


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["../../etc", "'; DROP TABLE events", "<b>", "a\0b", "null", "\ud800"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.lists(st.integers(), max_size=2)
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | TEXTS
NAMES = ("customer_id", "quantity", "price", "value", "position", "currency", "search_query")
EVENTS = st.fixed_dictionaries(
    {"event_name": st.sampled_from(EVENT_NAMES) | TEXTS, "occurred_at": st.just(NOON) | MOMENTS},
    optional={
        **dict.fromkeys(NAMES, VALUES),
        "properties": st.dictionaries(TEXTS, VALUES, max_size=2) | VALUES,
        "items": st.lists(st.fixed_dictionaries({"product_id": TEXTS, "price": VALUES}), max_size=3),
    },
)


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=st.lists(EVENTS, min_size=40, max_size=60))
def test_what_is_accepted_on_arrival_is_accepted_by_the_import(
    shop: Shop, events: list[dict[str, object]], count: Callable[[], int]
) -> None:
    named = [{**event, "event_id": f"h{count()}"} for event in events]
    outcomes = Acceptance(shop).accept(named)
    moved = move_events(shop).as_record()
    assert moved["rows_quarantined"] == statuses(outcomes).count("quarantined")
    assert moved["rows_duplicate"] == moved["rows_updated"] == 0
    assert {one.event_id for one in outcomes if one.status == "accepted"} <= set(stored(shop))


@pytest.fixture
def count() -> Callable[[], int]:
    numbers = iter(range(10**9))
    return lambda: next(numbers)


def test_a_clock_that_is_set_back_keeps_segments_in_their_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepting = Acceptance(shop)
    for moment in ("2030-01-01T00:00:00", "2020-01-01T00:00:00", "2025-01-01T00:00:00"):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None, moment: str = moment) -> datetime:  # type: ignore[override]
                return datetime.fromisoformat(moment).replace(tzinfo=tz)

        with monkeypatch.context() as patched:
            patched.setattr("foresell.store.event_log.datetime", Clock)
            accepting.accept(view(int(moment[:4])))
            shop.folder.events.close()
    in_order = [json.loads(path.read_text())["event_id"] for path in shop.folder.events.pending()]
    assert in_order == ["e2030", "e2020", "e2025"]
    assert len(move_events(shop).runs) == 3
    assert stored(shop) == ["e2020", "e2025", "e2030"]


def test_the_store_is_verified_with_its_events(shop: Shop) -> None:
    Acceptance(shop).accept([view(1), view(2)])
    assert verify(shop).problems == ()
    [segment] = shop.folder.events.pending()
    segment.write_bytes(segment.read_bytes().replace(b'"p1"', b'"p9"') + b'{"torn')
    found = verify(shop)
    assert len(found.problems) == 1
    assert "damaged in 1 lines" in found.problems[0]
    assert len(found.notes) == 1
