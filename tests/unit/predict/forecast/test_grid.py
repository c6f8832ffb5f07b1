"""A panel as arrays: what is unknown, doubled or of another length stays what it is."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.predict.forecast.grid import UNKNOWN, grid_of
from foresell.predict.forecast.panel import SERIES, Panel

DAY = date(2024, 1, 31)


def frame(rows: list[tuple[str, date, float | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SERIES, orient="row")


def test_series_end_in_the_last_column_and_what_is_unknown_is_no_number() -> None:
    days = [DAY + timedelta(days=i) for i in range(4)]
    grid = grid_of(
        Panel(
            frame([("b", days[0], 1.0), ("b", days[2], None), ("b", days[3], 3.0), ("a", days[1], 5.0)]),
            "day",
        )
    )
    assert grid.ids.tolist() == ["a", "b"]
    np.testing.assert_equal(grid.values, [[np.nan] * 3 + [5.0], [1.0, np.nan, np.nan, 3.0]])
    assert grid.lengths.tolist() == [1, 4]
    assert grid.history(1) == pytest.approx([1, 5 / 3, 7 / 3, 3])
    assert [str(day) for day in grid.dates([0, 1])[0]] == ["2024-02-01", "2024-02-02"]


def test_of_a_date_that_comes_twice_the_last_counts_and_a_note_says_so() -> None:
    grid = grid_of(Panel(frame([("a", DAY, 1.0), ("a", DAY, 2.0), ("b", DAY, 3.0)]), "day"))
    assert grid.values.tolist() == [[2.0], [3.0]]
    assert grid.notes == {"a": "1 dates came more than once: the last value of each counts"}


def test_a_series_of_which_nothing_is_known_is_a_note() -> None:
    grid = grid_of(Panel(frame([("a", DAY, None), ("b", DAY, 3.0)]), "day"))
    assert grid.ids.tolist() == ["b"]
    assert grid.notes == {"a": UNKNOWN}


def test_months_are_counted_in_months_and_end_where_they_end() -> None:
    ends = [date(2023, 11, 30), date(2023, 12, 31), date(2024, 1, 31)]
    grid = grid_of(Panel(frame([("a", day, float(i)) for i, day in enumerate(ends)]), "month"))
    assert grid.values.tolist() == [[0.0, 1.0, 2.0]]
    assert [str(day) for day in grid.dates([1, 2, 12])[0]] == ["2024-02-29", "2024-03-31", "2025-01-31"]


def test_dates_that_are_no_whole_periods_apart_are_refused() -> None:
    with pytest.raises(InputError, match="whole periods"):
        grid_of(Panel(frame([("a", DAY, 1.0), ("a", DAY + timedelta(days=8), 1.0)]), "week"))
