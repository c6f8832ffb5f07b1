# ruff: noqa: DTZ001 - local times have no zone yet
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Typed = Callable[..., list[tuple[Any, str | None]]]
MOMENT, DAY = "events.occurred_at", "exchange_rates.date"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-29", "2024-02-29T00:00"),
        ("2024-02-29 10:00", "2024-02-29T10:00"),
        ("2024-02-29T10:00:00.25Z", "2024-02-29T10:00:00.250"),
        ("2024-02-29T10:00:00+02:00", "2024-02-29T08:00"),
        ("2024-02-29 10:00:00 -0400", "2024-02-29T14:00"),
        ("Thu, 29 Feb 2024 10:00:00 GMT", "2024-02-29T10:00"),
        ("2024-02-29 10:00 PM", "2024-02-29T22:00"),
        ("29.2.2024", "2024-02-29T00:00"),
        ("29/02/2024 08:26", "2024-02-29T08:26"),
        ("02/29/2024", "2024-02-29T00:00"),
        ("29 Feb 2024", "2024-02-29T00:00"),
        ("Feb 29, 2024", "2024-02-29T00:00"),
        ("20240229", "2024-02-29T00:00"),
        ("2024年2月29日", "2024-02-29T00:00"),
    ],
)
def test_moments_as_shops_write_them(typed: Typed, text: str, moment: str) -> None:
    wanted = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert typed(MOMENT, [text]) == [(wanted, None)]
    if not text.endswith(("+02:00", "GMT")):
        assert typed(DAY, [text]) == [(wanted.date(), None)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("01/02/2024", "ambiguous_date"),
        ("1-2-2024 10:00", "ambiguous_date"),
        ("2023-02-29", "invalid_time"),
        ("29.02.2023", "invalid_time"),
        ("29/02/2023", "invalid_time"),
        ("2024-13-01", "invalid_time"),
        ("01-02-03", "invalid_time"),
        ("1709164800", "invalid_time"),
        ("infinity", "invalid_time"),
        ("15.01.24", "invalid_time"),
        ("15 Jan 24", "invalid_time"),
        ("01/13/24", "invalid_time"),
        ("soon", "invalid_time"),
        ("", "missing_required"),
    ],
)
def test_no_day_is_guessed(typed: Typed, text: str, code: str) -> None:
    assert typed(MOMENT, [text]) == [(None, code)]


def test_formats_of_the_mapping_settle_the_order_after_iso(typed: Typed) -> None:
    formats = ("%d/%m/%Y", "%d/%m/%Y %H:%M")
    values = ["01/02/2024", "01/02/2024 13:45", "2024-02-01", "13/13/2024"]
    assert typed(MOMENT, values, formats=formats) == [
        (datetime(2024, 2, 1, tzinfo=UTC), None),
        (datetime(2024, 2, 1, 13, 45, tzinfo=UTC), None),
        (datetime(2024, 2, 1, tzinfo=UTC), None),
        (None, "invalid_time"),
    ]
    assert typed(DAY, ["2024-01-02"], formats=("%Y-%d-%m",)) == [(date(2024, 2, 1), None)]


def test_seconds_since_1970_must_be_named(typed: Typed) -> None:
    assert typed(MOMENT, ["1709164800", "x"], formats=("epoch_s",)) == [
        (datetime(2024, 2, 29, tzinfo=UTC), None),
        (None, "invalid_time"),
    ]
    assert typed(MOMENT, [1709164800123], sql_type="BIGINT", formats=("epoch_ms",)) == [
        (datetime(2024, 2, 29, 0, 0, 0, 123000, tzinfo=UTC), None)
    ]


@pytest.mark.parametrize(
    "text", ["1709164800123", "1709633000123456", "1709633000123456789", "9" * 30, "-9e9"]
)
def test_what_is_no_number_of_seconds_is_told_apart_from_its_neighbors(typed: Typed, text: str) -> None:
    assert typed(MOMENT, ["1709164800", text], formats=("epoch_s",)) == [
        (datetime(2024, 2, 29, tzinfo=UTC), None),
        (None, "invalid_time"),
    ]


def test_years_of_two_digits_are_no_years(typed: Typed) -> None:
    assert typed(MOMENT, ["05/03/24"], formats=("%d/%m/%Y",)) == [(None, "invalid_time")]
    assert typed(DAY, ["05/03/24"], formats=("%d/%m/%Y",)) == [(None, "invalid_date")]
    wanted = datetime(2024, 3, 5, tzinfo=UTC)
    assert typed(MOMENT, ["05/03/24"], formats=("%d/%m/%y",)) == [(wanted, None)]


@pytest.mark.parametrize("sql_type", ["TIMESTAMP", "TIMESTAMPTZ", "DATE"])
@pytest.mark.parametrize("value", ["infinity", "-infinity", "200000-01-01"])
def test_a_typed_time_that_no_calendar_has_is_refused(typed: Typed, sql_type: str, value: str) -> None:
    assert typed(MOMENT, [value], sql_type=sql_type) == [(None, "invalid_time")]
    assert typed(DAY, [value], sql_type=sql_type) == [(None, "invalid_date")]


@pytest.mark.parametrize("sql_type", ["VARCHAR", "TIMESTAMP"])
def test_the_nights_the_clocks_change(typed: Typed, sql_type: str) -> None:
    skipped, repeated = "2017-03-12 02:30:00", "2017-11-05 01:30:00"
    moments = [m for m, _ in typed(MOMENT, [skipped, repeated], sql_type=sql_type, zone="America/New_York")]
    assert moments == [datetime(2017, 3, 12, 7, 30, tzinfo=UTC), datetime(2017, 11, 5, 5, 30, tzinfo=UTC)]


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Shanghai",
    "America/Sao_Paulo",
    "UTC",
]
# Days around changes of the clock, and any others.
LOCAL_TIMES = st.one_of(
    st.datetimes(datetime(1985, 1, 1), datetime(2035, 1, 1)),
    st.datetimes(datetime(2017, 11, 4, 22), datetime(2017, 11, 5, 4)),
    st.datetimes(datetime(2017, 3, 12), datetime(2017, 3, 12, 5)),
    st.datetimes(datetime(2021, 4, 3, 22), datetime(2021, 4, 4, 4)),
    st.datetimes(datetime(2018, 2, 17, 20), datetime(2018, 2, 18, 3)),
    st.datetimes(datetime(2021, 10, 31), datetime(2021, 10, 31, 5)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=st.sampled_from(ZONES), times=st.lists(LOCAL_TIMES, min_size=1, max_size=10))
def test_local_times_mean_what_python_says(typed: Typed, zone: str, times: list[datetime]) -> None:
    wanted = [(time.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC), None) for time in times]
    assert typed(MOMENT, [time.isoformat(" ") for time in times], zone=zone) == wanted
    assert typed(MOMENT, times, sql_type="TIMESTAMP", zone=zone) == wanted
