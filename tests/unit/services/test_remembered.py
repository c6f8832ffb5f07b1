"""Answers that are kept: computed once for all who ask, and never after a table has changed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from foresell.services.remembered import Remembered
from foresell.services.shop import Shop


def test_those_who_ask_at_once_wait_for_one_answer(shop: Shop) -> None:
    kept, gate, together = Remembered(shop), Event(), Barrier(4)
    calls: list[int] = []

    def answer() -> int:
        calls.append(1)
        gate.wait(10)
        return len(calls)

    def ask() -> int:
        together.wait(10)
        return kept.ask("sales", answer)

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask) for _ in range(4)]
        gate.set()
        assert [one.result(10) for one in asked] == [1, 1, 1, 1]


def test_a_changed_table_makes_answers_anew(shop: Shop, import_rows: Any) -> None:
    kept = Remembered(shop)
    assert [kept.ask("sales", lambda value=value: value) for value in (1, 2)] == [1, 1]  # type: ignore[misc]
    import_rows("l1,o1,p1,1,5")
    assert kept.ask("sales", lambda: 3) == 3
    assert kept.ask("another", lambda: 4) == 4


def test_what_moves_all_the_time_makes_answers_old_when_it_is_settled(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5")
    kept = Remembered(shop, moving=tuple(shop.folder.tables.versions()))
    assert kept.ask("sales", lambda: 1) == 1
    import_rows("l2,o2,p1,1,5")
    newer = shop.folder.tables.versions()
    assert kept.ask("sales", lambda: 2) == 1
    assert kept.ask("sales", lambda: 3, newer) == 3
    assert kept.ask("sales", lambda: 4) == 1
    kept.settle(newer)
    assert kept.ask("sales", lambda: 5) == 3


def test_errors_are_told_and_not_kept_and_little_is(shop: Shop) -> None:
    kept = Remembered(shop, most_kept=2)
    with pytest.raises(ZeroDivisionError):
        kept.ask("sales", lambda: 1 // 0)
    assert kept.ask("sales", lambda: 1) == 1
    for name in ("a", "b"):
        kept.ask(name, lambda: 0)
    assert kept.ask("sales", lambda: 2) == 2
