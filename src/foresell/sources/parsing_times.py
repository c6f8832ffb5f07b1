"""Dates and times as shops write them, and local times across the changes of the clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from foresell.contracts.columns import Column
from foresell.sources.parsing import FIRST, IN_A_MAPPING, SECOND, Fault, Parsed, Reading, Value, as_text
from foresell.store.engine import literal

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}

DAY_PATTERNS = ("%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y")
TIME_PATTERNS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
# Formats that can mean one thing only. A point between the numbers is written where the day comes first.
UNMISTAKABLE = (
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%Y%m%dT%H%M%S",
    "%Y-%m-%dT%H",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    *(day + time for day in DAY_PATTERNS for time in TIME_PATTERNS),
)
UNMISTAKABLE_ZONED = (
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M %z",
    "%Y%m%dT%H%M%S%z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %Z",
)
SLASHED = r"^\s*(\d{1,2})[/-](\d{1,2})[/-]\d{4}(?:\D.*)?$"
EPOCH_LIKE = r"^\s*\d{9,19}\s*$"
HAS_ZONE = r"(?:[A-Za-z]|[+-]\d\d(?::?\d\d)?)\s*$"
LENGTH_OF_DATE = 10

# Years outside are typing errors, or text that a cast took for a year.
FIRST_DAY, LAST_DAY = "1000-01-01", "9999-12-31"
IS_ISO = f"{FIRST} BETWEEN TIMESTAMPTZ '{FIRST_DAY} 00:00:00+00' AND TIMESTAMPTZ '{LAST_DAY} 00:00:00+00'"
BEFORE_FIRST, AFTER_LAST = "0999-12-31", "10000-01-01"
FIRST_MICROSECOND, LAST_MICROSECOND = -30_610_224_000_000_000, 253_402_300_800_000_000
FIRST_CLOCK_YEAR, LAST_CLOCK_YEAR = 1970, 2060


def parse_date(value: Value, column: Column, reading: Reading) -> Parsed:
    """A calendar day: ISO 8601 first, then the given formats; a time keeps its own date."""
    if value.kind == "zoned":
        local = f"timezone({literal(reading.time_zone)}, {_believable(value.sql, 'TIMESTAMPTZ')})"
        return Parsed(f"CAST({local} AS DATE)", (_unbelievable(column, "invalid_date"),))
    if value.kind in ("date", "naive"):
        day = _believable(f"TRY_CAST({value.sql} AS DATE)", "DATE")
        return Parsed(day, (_unbelievable(column, "invalid_date"),))
    text = value.sql if value.kind == "text" else as_text(value)
    iso = f"CASE WHEN {FIRST} BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' THEN {FIRST} END"
    written = f"CAST({_by_format(text, reading)} AS DATE)"
    is_first = any(fmt.startswith("%Y") for fmt in reading.formats)
    in_turn = f"coalesce({written}, {iso})" if is_first else f"coalesce({iso}, {written})"
    return Parsed(in_turn, _faults(column, text, reading, "invalid_date"), first=f"TRY_CAST({text} AS DATE)")


def parse_time(value: Value, column: Column, reading: Reading) -> Parsed:
    """A moment. A time that names no zone is local in `reading.time_zone`; a bare date is its midnight.

    When the clocks go back, an hour happens twice: its local times mean the first one. When they go forward,
    an hour is left out: its local times mean those an hour later (the rule of Python's fold=0, PEP 495).
    """
    zone = reading.time_zone
    epoch = next((EPOCHS[name] for name in reading.formats if name in EPOCHS), None)
    if value.kind == "zoned":
        return Parsed(_believable(value.sql, "TIMESTAMPTZ"), (_unbelievable(column, "invalid_time"),))
    if value.kind in ("naive", "date"):
        naive = _believable(f"TRY_CAST({value.sql} AS TIMESTAMP)", "TIMESTAMP")
        return Parsed(localized(FIRST, zone), (_unbelievable(column, "invalid_time"),), first=naive)
    text = value.sql if value.kind == "text" else as_text(value)
    if epoch is not None:
        number = f"regexp_matches({text}, '^\\s*-?\\d{{1,17}}(?:\\.\\d+)?\\s*$')"
        since_1970 = f"TRY_CAST(TRY_CAST({text} AS DECIMAL(38,6)) * {epoch} AS BIGINT)"
        is_believable = f"{number} AND {FIRST} BETWEEN {FIRST_MICROSECOND} AND {LAST_MICROSECOND} - 1"
        return Parsed(
            f"CASE WHEN {is_believable} THEN make_timestamptz({FIRST}) END",
            _faults(column, text, reading, "invalid_time"),
            first=f"CASE WHEN {number} THEN {since_1970} END",
        )
    return Parsed(
        f"CASE WHEN {SECOND} IS NOT NULL THEN {localized(SECOND, zone)} ELSE {_zoned(text, reading)} END",
        _faults(column, text, reading, "invalid_time"),
        first=f"TRY_CAST({text} AS TIMESTAMPTZ)",
        second=_local_time(text, reading),
    )


def _local_time(text: str, reading: Reading) -> str:
    """The naive time that a text without a zone says; null if it names one, or cannot be read."""
    # The session's zone is UTC, so the cast has read a text without a zone as if it were UTC.
    has_offset = f"length({text}) > {LENGTH_OF_DATE} AND regexp_matches({text}, '{HAS_ZONE}')"
    has_zone = f"CASE WHEN ends_with({text}, 'Z') THEN true ELSE {has_offset} END"
    iso = f"CASE WHEN {has_zone} THEN NULL ELSE make_timestamp(epoch_us({FIRST})) END"
    if reading.time_zone == "UTC":
        iso = f"make_timestamp(epoch_us({FIRST}))"
    written = _by_format(text, reading)
    if any(fmt.startswith("%Y") for fmt in reading.formats):
        # Such a format could read ISO-like text otherwise: it goes first.
        return f"coalesce({written}, CASE WHEN {IS_ISO} THEN {iso} END)"
    return f"CASE WHEN {IS_ISO} THEN {iso} ELSE {written} END"


def _zoned(text: str, reading: Reading) -> str:
    """The moment of a text that names its zone."""
    formats = tuple(fmt for fmt in reading.formats or UNMISTAKABLE_ZONED if "%z" in fmt.lower())
    if not formats:
        return f"CASE WHEN {IS_ISO} THEN {FIRST} END"
    # strptime takes words such as 'infinity' for moments.
    has_digit = f"regexp_matches({text}, '[0-9]')"
    written = _believable(f"CAST({_strptime(f'trim({text})', formats)} AS TIMESTAMPTZ)", "TIMESTAMPTZ")
    return f"CASE WHEN {IS_ISO} THEN {FIRST} WHEN {has_digit} THEN {written} END"


def _by_format(text: str, reading: Reading) -> str:
    """A naive TIMESTAMP by the given formats; without any, by those that can mean one thing only.

    "%Y" reads 24 as the year 24: that is no day of a shop.
    """
    return _believable(_as_written(text, reading), "TIMESTAMP")


def _believable(moment: str, sql_type: str) -> str:
    """A moment, or null where its year is none from 1000 to 9999."""
    midnight = "" if sql_type == "DATE" else " 00:00:00"
    zone = "+00" if sql_type == "TIMESTAMPTZ" else ""
    before, after = (f"{sql_type} '{day}{midnight}{zone}'" for day in (BEFORE_FIRST, AFTER_LAST))
    # A limit takes the place of what lies beyond it, so that the expression stands here once.
    return f"nullif(nullif(greatest(least({moment}, {after}), {before}), {before}), {after})"


def _unbelievable(column: Column, code: str) -> Fault:
    return Fault(code, f"'{column.name}' lies outside the years 1000 to 9999")


def _as_written(text: str, reading: Reading) -> str:
    trimmed = f"trim({text})"
    if reading.formats:
        return _strptime(
            trimmed, tuple(f for f in reading.formats if "%z" not in f.lower() and f not in EPOCHS)
        )
    first = f"TRY_CAST(regexp_extract({text}, '{SLASHED}', 1) AS INTEGER)"
    second = f"TRY_CAST(regexp_extract({text}, '{SLASHED}', 2) AS INTEGER)"
    day_first = _strptime(trimmed, _slashed("%d{0}%m{0}%Y"))
    month_first = _strptime(trimmed, _slashed("%m{0}%d{0}%Y"))
    slashed = f"CASE WHEN {first} > 12 THEN {day_first} WHEN {second} > 12 THEN {month_first} END"
    # strptime takes words such as 'infinity' for days.
    other = f"CASE WHEN regexp_matches({text}, '[0-9]') THEN {_strptime(trimmed, UNMISTAKABLE)} END"
    return f"CASE WHEN regexp_matches({text}, '{SLASHED}') THEN {slashed} ELSE {other} END"


def _slashed(day: str) -> tuple[str, ...]:
    return tuple(day.format(sign) + time for sign in "/-" for time in TIME_PATTERNS)


def _strptime(text: str, formats: tuple[str, ...]) -> str:
    if not formats:
        return "CAST(NULL AS TIMESTAMP)"
    return f"try_strptime({text}, [{', '.join(literal(fmt) for fmt in formats)}])"


def _faults(column: Column, text: str, reading: Reading, code: str) -> tuple[Fault, ...]:
    name = column.name
    if reading.formats:
        given = ", ".join(reading.formats)
        return (
            Fault(
                code, f"'{name}' is neither ISO 8601 nor in a format of the mapping ({given}), or no such day"
            ),
        )
    ambiguous = (
        f"regexp_matches({text}, '{SLASHED}')"
        f" AND TRY_CAST(regexp_extract({text}, '{SLASHED}', 1) AS INTEGER) BETWEEN 1 AND 12"
        f" AND TRY_CAST(regexp_extract({text}, '{SLASHED}', 2) AS INTEGER) BETWEEN 1 AND 12"
    )
    return (
        Fault(
            "ambiguous_date",
            f'Day and month of \'{name}\' cannot be told apart: say formats = ["%d/%m/%Y"] or ["%m/%d/%Y"]'
            f' (with the time, such as " %H:%M", where there is one) {IN_A_MAPPING}',
            ambiguous,
        ),
        Fault(
            code,
            f"'{name}' looks like seconds since 1970: say formats ="
            f' ["epoch_s"], ["epoch_ms"] or ["epoch_us"] {IN_A_MAPPING}',
            f"regexp_matches({text}, '{EPOCH_LIKE}')",
        ),
        Fault(code, f"'{name}' is no day that exists, or not written as 2024-02-29 or 2024-02-29T13:45:00"),
    )


def localized(naive: str, zone: str) -> str:
    """A naive TIMESTAMP as the moment it means in a zone; see `parse_time` for the changes of the clock.

    DuckDB gives the second moment of a local time that happens twice. So near the days when clocks went
    back, the moment before it, by as much as they did, is asked whether it has the same local time.
    """
    if zone == "UTC":
        return f"make_timestamptz(epoch_us({naive}))"
    moment = f"timezone({literal(zone)}, {naive})"
    days, steps = _clocks_back(zone)
    cases = []
    for seconds in steps:
        earlier = f"{moment} - to_seconds({seconds})"
        cases.append(f"WHEN timezone({literal(zone)}, {earlier}) = {naive} THEN {earlier}")
    if not cases:
        return moment
    listed = ", ".join(f"DATE '{day}'" for day in days)
    near = f"CAST({naive} AS DATE) IN ({listed})"
    return f"CASE WHEN {near} THEN CASE {' '.join(cases)} ELSE {moment} END ELSE {moment} END"


@cache
def _clocks_back(zone: str) -> tuple[tuple[date, ...], tuple[int, ...]]:
    """The local days around those on which the clocks of a zone went back, and by how many seconds."""
    time_zone = ZoneInfo(zone)
    days: set[date] = set()
    steps: set[int] = set()
    for day in _days_of_change(time_zone):
        back = _offset(day, time_zone) - _offset(day + timedelta(days=1), time_zone)
        # More is a change of the calendar day, as of islands that moved over the date line.
        if timedelta() < back < timedelta(hours=12):
            steps.add(int(back.total_seconds()))
            days |= {(day + timedelta(days=shift)).date() for shift in (-1, 0, 1)}
    return tuple(sorted(days)), tuple(sorted(steps, reverse=True))


def _days_of_change(zone: ZoneInfo) -> Iterator[datetime]:
    """The days of the weeks in which the offset of a zone changed."""
    week = datetime(FIRST_CLOCK_YEAR, 1, 1, tzinfo=UTC)
    while week.year < LAST_CLOCK_YEAR:
        following = week + timedelta(weeks=1)
        if _offset(week, zone) != _offset(following, zone):
            yield from (week + timedelta(days=shift) for shift in range(7))
        week = following


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
