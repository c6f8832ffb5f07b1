"""What one process accepts or shows, another one on the same store knows within a moment, once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.results import served
from foresell.services.live.live_shop import LiveShop
from foresell.services.live.others import OtherFiles
from foresell.services.served import ShownBefore
from foresell.services.shop import Shop, create_shop, open_shop


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LiveShop, LiveShop]]:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    root = create_shop(tmp_path / "store").folder.root
    first, second = LiveShop(open_shop(root)), LiveShop(open_shop(root))
    first.start()
    second.start()
    yield first, second
    first.stop()
    second.stop()


def event(number: int, minute: int = 0, **more: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "event_name": "view_item",
        "occurred_at": f"2026-11-22T12:{minute:02}:00Z",
        "customer_id": "c1",
        "session_id": "s1",
        "product_id": f"p{number}",
        **more,
    }


def known(live: LiveShop) -> list[str | None]:
    return [one["event_id"] for one in live.recent("c1")]


def test_what_one_accepts_the_other_knows(two: tuple[LiveShop, LiveShop]) -> None:
    first, second = two
    first.accept([event(1), event(2)])
    second.learn()
    assert known(second) == ["e1", "e2"]
    second.accept(event(3, 1))
    first.learn()
    first.learn()
    assert known(first) == known(second) == ["e1", "e2", "e3"]
    assert second.acceptance.counts["accepted"] == 1


def test_an_event_sent_to_both_is_observed_once(two: tuple[LiveShop, LiveShop]) -> None:
    first, second = two
    items = [{"product_id": "p7"}, {"product_id": "p8"}]
    both = event(1, event_name="purchase", items=items)
    assert [one.status for one in first.accept(both) + second.accept(both)] == ["accepted", "accepted"]
    first.learn()
    second.learn()
    assert known(first) == known(second) == ["e1", "e1-2"]
    assert first.accept(both)[0].status == "duplicate"
    assert first.move().as_record()["rows_accepted"] == 2
    with first.shop.reading() as tables:
        assert sorted(tables.current("events").event_id.to_pyarrow().to_pylist()) == ["e1", "e1-2"]


def test_what_was_done_stands_in_its_order_though_heard_of_late(two: tuple[LiveShop, LiveShop]) -> None:
    first, second = two
    first.accept(event(1, 1))
    second.accept(event(2, 2))
    second.learn()
    assert known(second) == ["e1", "e2"]


def test_moving_hides_nothing_that_was_not_heard_yet(two: tuple[LiveShop, LiveShop]) -> None:
    first, second = two
    for number in range(3):
        first.accept(event(number, number))
        first.move()
    second.learn()
    assert known(second) == ["e0", "e1", "e2"]
    second.refresh()
    assert known(second) == ["e0", "e1", "e2"]


def test_one_of_them_moves_and_another_takes_over(two: tuple[LiveShop, LiveShop]) -> None:
    first, second = two
    assert first.log.leads()
    assert not second.log.leads()
    assert first.log.leads()
    first.log.follow()
    assert second.log.leads()


def test_tables_are_not_read_while_events_go_into_them(
    two: tuple[LiveShop, LiveShop], waits: Callable[[Callable[[], Any]], bool]
) -> None:
    first, second = two
    with first.log.still(alone=True):
        assert waits(second.refresh)
    with first.log.still(alone=False):
        second.refresh()


def test_what_one_shows_counts_with_the_other(two: tuple[LiveShop, LiveShop]) -> None:
    first, second = two
    with second.shop.reading() as tables:
        shown = ShownBefore(tables, 30)
    others = OtherFiles(second.shop)
    at = datetime.now(UTC)
    row = {"request_id": "r", "served_at": at.isoformat(), "customer_id": "c1", "product_id": "p1"}
    first.shop.folder.logs[served.name].append([{**row, "served_id": "r-1"}])
    heard = others.shown()
    shown.hear(heard)
    shown.hear(heard)
    assert shown("c1", 30, datetime.now(UTC)) == {"p1": 1}
    others.close()


@pytest.fixture
def waits() -> Callable[[Callable[[], Any]], bool]:
    import threading

    def does(work: Callable[[], Any]) -> bool:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(0.3)
        return thread.is_alive()

    return does


def test_a_server_alone_hears_nothing(two: tuple[LiveShop, LiveShop], tmp_path: Path) -> None:
    lone: Shop = create_shop(tmp_path / "lone")
    live = LiveShop(lone)
    live.start()
    live.accept(event(1))
    live.learn()
    assert known(live) == ["e1"]
    live.stop()
