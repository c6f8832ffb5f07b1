"""Hours and weekdays of a place, from seconds since 1970 alone: alike on every engine."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

SECONDS_AN_HOUR = 3_600
SECONDS_A_DAY = 86_400
# Clocks of the years before are taken to have been set as at the beginning of these.
YEARS_BACK = 6
THURSDAY = 3


@cache
def offsets(time_zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """From which second on the zone's clock is how many seconds ahead of UTC, ascending, for some years up to
    the end of `year`. Clocks are taken to change on a full quarter of an hour."""
    zone = ZoneInfo(time_zone)
    moment, end = datetime(year - YEARS_BACK, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    found = [(int(moment.timestamp()), _offset(zone, moment))]
    while moment < end:
        later = moment + timedelta(days=1)
        if _offset(zone, later) != found[-1][1]:
            quarter = moment
            while _offset(zone, quarter) == found[-1][1]:
                quarter += timedelta(minutes=15)
            found.append((int(quarter.timestamp()), _offset(zone, quarter)))
        moment = later
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    shift = moment.astimezone(zone).utcoffset()
    return int(shift.total_seconds()) if shift is not None else 0


def local_second(at: Any, time_zone: str, year: int) -> Any:
    """The same seconds (an Ibis column) as the zone's clock shows them; `year`: the last of them."""
    import ibis

    changes = offsets(time_zone, year)
    if len(changes) == 1:
        return at + changes[0][1]
    branches = [(at >= since, ibis.literal(shift)) for since, shift in reversed(changes[1:])]
    return at + ibis.cases(*branches, else_=ibis.literal(changes[0][1]))


def hour(local: Any) -> Any:
    """0 to 23, of `local_second`."""
    return (local % SECONDS_A_DAY) // SECONDS_AN_HOUR


def weekday(local: Any) -> Any:
    """1, Monday, to 7, of `local_second`."""
    return (local // SECONDS_A_DAY + THURSDAY) % 7 + 1
