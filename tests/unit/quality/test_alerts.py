"""Alerts: what has stopped, gone or changed is said; what a source always does is not."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from foresell.quality.alerts import find_alerts
from foresell.quality.alerts.watched import Alert, Limits, RunFacts, Watched

MONDAY = date(2026, 3, 2)
LIMITS = Limits(late_factor=1.5, unusual_z=3.5)
FULL = {"order_id": 0.0, "coupon": 0.2}


def run(day: int, *, rows: int = 1000, bad: int = 0, missing: dict[str, float] | None = None) -> RunFacts:
    """A file of the source `shop`, imported that many days after MONDAY."""
    when = MONDAY + timedelta(days=day)
    facts = FULL if missing is None else missing
    return RunFacts(
        f"r{day}", "shop", f"orders-{day}.csv", when, rows, bad, is_duplicate=False, missing=facts
    )


def watched(runs: Sequence[RunFacts], today: int, days: Sequence[int] = ()) -> Watched:
    rows = {("shop", "orders"): {MONDAY + timedelta(days=day): 10 for day in days}} if days else {}
    return Watched(MONDAY + timedelta(days=today), runs, rows)


def names(found: Watched) -> list[tuple[str, str]]:
    return [(alert.alert, alert.subject) for alert in find_alerts(found, LIMITS)]


def test_a_daily_source_is_late_after_two_days() -> None:
    daily = [run(day) for day in range(7)]
    assert names(watched(daily, 7)) == []
    assert names(watched(daily, 8)) == [("late_source", "shop")]


def test_a_source_that_rests_on_weekends_is_not_late_on_a_monday() -> None:
    weekdays = [run(day) for day in range(12) if day % 7 < 5]
    assert names(watched(weekdays, 14)) == []
    assert names(watched(weekdays, 16)) == [("late_source", "shop")]


def test_files_of_one_afternoon_are_no_rhythm() -> None:
    assert names(watched([run(0) for _ in range(20)], 30)) == []


def test_a_table_that_gets_no_new_rows_is_said_even_if_imports_go_on() -> None:
    daily = [run(day) for day in range(30)]
    assert names(watched(daily, 29, days=range(30))) == []
    assert names(watched(daily, 29, days=range(25))) == [("silent_table", "orders")]


def test_a_lost_and_an_emptied_column_are_named() -> None:
    before = run(0, missing={"order_id": 0.0, "coupon": 0.2, "channel": 0.0})
    after = run(1, missing={"order_id": 0.0, "coupon": 0.99})
    assert names(watched([before, after], 1)) == [("lost_column", "channel"), ("emptied_column", "coupon")]


def test_a_duplicate_file_says_nothing_about_columns() -> None:
    again = RunFacts("d", "shop", "orders.csv", MONDAY, 1000, 0, is_duplicate=True, missing={})
    assert names(watched([run(0), again], 1)) == []


def test_a_cut_file_and_many_unusable_rows_stand_out() -> None:
    usual = [run(day, rows=1000 + 7 * day, bad=1) for day in range(9)]
    assert names(watched([*usual, run(9, rows=1040)], 9)) == []
    assert names(watched([*usual, run(9, rows=300)], 9)) == [("unusual_size", "orders-9.csv")]
    assert names(watched([*usual, run(9, bad=100)], 9)) == [("more_quarantined", "orders-9.csv")]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.integers(1, 5000))
def test_a_source_is_never_late_on_the_day_it_was_imported(days: list[int], rows: int) -> None:
    runs = [run(day, rows=rows) for day in sorted(days)]
    found = find_alerts(watched(runs, max(days)), LIMITS)
    assert not [alert for alert in found if alert.alert == "late_source"]


@given(st.integers(10, 10_000))
def test_equal_files_are_never_unusual(rows: int) -> None:
    assert names(watched([run(day, rows=rows) for day in range(10)], 9)) == []


def test_an_alert_is_json_ready_and_speaks_both_languages() -> None:
    [alert] = find_alerts(watched([run(day) for day in range(7)], 20), LIMITS)
    assert isinstance(alert, Alert)
    record = alert.as_record()
    assert record["alert"] == "late_source"
    assert "2026-03-08" in str(record["message"])
    assert "2026-03-08" in str(record["message_zh"])
