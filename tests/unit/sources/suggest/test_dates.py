"""How dates of a column are written."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from foresell.sources.suggest.dates import date_style


def test_a_day_beyond_twelve_settles_the_order() -> None:
    assert date_style(["03/04/2024", "25/04/2024"], {}).formats == ("%d/%m/%Y",)
    assert date_style(["03/04/2024", "04/25/2024"], {}).formats == ("%m/%d/%Y",)


def test_without_one_it_is_said_that_both_fit() -> None:
    style = date_style(["03/04/2024 10:00", "05/06/2024 11:30"], {})
    assert style.is_ambiguous
    assert style.formats == ("%d/%m/%Y %H:%M",)
    assert style.others == ("%m/%d/%Y %H:%M",)


def test_points_mean_the_day_first() -> None:
    assert not date_style(["03.04.2024", "05.06.2024"], {}).is_ambiguous


def test_epochs_by_their_digits() -> None:
    assert date_style(["1709280000", "1709283600"], {}).formats == ("epoch_s",)
    assert date_style(["1709280000000"], {}).formats == ("epoch_ms",)
    assert not date_style(["1234", "99"], {}).moments


def test_numbers_with_points_are_no_dates_of_antiquity() -> None:
    assert not date_style(["02.01.0008", "01.02.0003", "01.01.0012"], {}).moments


@given(st.lists(st.datetimes(datetime(2000, 1, 13), datetime(2035, 1, 1)), min_size=1, max_size=8))  # noqa: DTZ001
def test_what_is_written_is_read_back(moments: list[datetime]) -> None:
    written = [moment.strftime("%d.%m.%Y %H:%M") for moment in moments]
    style = date_style(written, {})
    assert set(style.moments) == set(written)
