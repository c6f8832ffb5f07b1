"""Dates and times as shops write them, and local times across the changes of the clock."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from foresell.contracts.columns import Column
from foresell.sources.parsing import FIRST, Fault, Parsed, Reading, Value, as_text
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
SLASHED = r"^\s*(\d{1,2})[/-](\d{1,2})[/-]\d{4}(?:\D.*)?$"
EPOCH_LIKE = r"^\s*\d{9,19}\s*$"
HAS_ZONE = r"(?:[A-Za-z]|[+-]\d\d(?::?\d\d)?)\s*$"
LENGTH_OF_DATE = 10

# Years outside are typing errors, or text that a cast took for a year.
FIRST_DAY, LAST_DAY = "1000-01-01", "9999-12-31"
FIRST_CLOCK_YEAR, LAST_CLOCK_YEAR = 1970, 2060


def parse_date(value: Value, column: Column, reading: Reading) -> Parsed:
    """A calendar day: ISO 8601 first, then the given formats; a time keeps its own date."""
    if value.kind == "zoned":
        return Parsed(f"CAST(timezone({literal(reading.time_zone)}, {value.sql}) AS DATE)")
    if value.kind in ("date", "naive"):
        return Parsed(f"CAST({value.sql} AS DATE)")
    text = value.sql if value.kind == "text" else as_text(value)
    iso = f"CASE WHEN {FIRST} BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' THEN {FIRST} END"
    other = f"CAST({_by_format(text, reading)} AS DATE)"
    faults = _faults(column, text, reading, "invalid_date")
    return Parsed(_in_turn(iso, other, reading), faults, f"TRY_CAST({text} AS DATE)")


def parse_time(value: Value, column: Column, reading: Reading) -> Parsed:
    """A moment. A time that names no zone is local in `reading.time_zone`; a bare date is its midnight.

    When the clocks go back, an hour happens twice: its local times mean the first one. When they go forward,
    an hour is left out: its local times mean those an hour later (the rule of Python's fold=0, PEP 495).
    """
    zone = reading.time_zone
    epoch = next((EPOCHS[name] for name in reading.formats if name in EPOCHS), None)
    if value.kind == "zoned":
        return Parsed(value.sql)
    if value.kind in ("naive", "date"):
        return Parsed(localized(f"CAST({value.sql} AS TIMESTAMP)", zone))
    text = value.sql if value.kind == "text" else as_text(value)
    if epoch is not None:
        moment = f"make_timestamptz(CAST(TRY_CAST({text} AS DECIMAL(38,6)) * {epoch} AS BIGINT))"
        number = f"regexp_matches({text}, '^\\s*-?\\d{{1,17}}(?:\\.\\d+)?\\s*$')"
        return Parsed(f"CASE WHEN {number} THEN {moment} END", _faults(column, text, reading, "invalid_time"))
    bounds = f"TIMESTAMPTZ '{FIRST_DAY} 00:00:00+00' AND TIMESTAMPTZ '{LAST_DAY} 00:00:00+00'"
    iso = f"CASE WHEN {FIRST} BETWEEN {bounds} THEN {FIRST} END"
    if zone != "UTC":
        # The session's zone is UTC, so a text without a zone was read as if it were UTC.
        has_zone = f"length({text}) > {LENGTH_OF_DATE} AND regexp_matches({text}, '{HAS_ZONE}')"
        local = localized(f"make_timestamp(epoch_us({FIRST}))", zone)
        moment = f"CASE WHEN {has_zone} THEN {FIRST} ELSE {local} END"
        iso = f"CASE WHEN {FIRST} BETWEEN {bounds} THEN {moment} END"
    other = localized(_by_format(text, reading), zone)
    if zoned := tuple(fmt for fmt in reading.formats if "%z" in fmt.lower()):
        other = f"coalesce(CAST({_strptime(f'trim({text})', zoned)} AS TIMESTAMPTZ), {other})"
    faults = _faults(column, text, reading, "invalid_time")
    return Parsed(_in_turn(iso, other, reading), faults, f"TRY_CAST({text} AS TIMESTAMPTZ)")


def _in_turn(iso: str, other: str, reading: Reading) -> str:
    """A given format that begins with the year could read ISO-like text otherwise: it goes first."""
    is_first = any(fmt.startswith("%Y") for fmt in reading.formats)
    return f"coalesce({other}, {iso})" if is_first else f"coalesce({iso}, {other})"


def _by_format(text: str, reading: Reading) -> str:
    """A naive TIMESTAMP by the given formats; without any, by those that can mean one thing only."""
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
    other = _strptime(trimmed, UNMISTAKABLE)
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
            ' (with the time, such as " %H:%M", where there is one) in the mapping',
            ambiguous,
        ),
        Fault(
            code,
            f"'{name}' looks like seconds since 1970: say formats ="
            ' ["epoch_s"], ["epoch_ms"] or ["epoch_us"] in the mapping',
            f"regexp_matches({text}, '{EPOCH_LIKE}')",
        ),
        Fault(code, f"'{name}' is no day that exists, or not written as 2024-02-29 or 2024-02-29T13:45:00"),
    )


def localized(naive: str, zone: str) -> str:
    """A naive TIMESTAMP as the moment it means in a zone; see `parse_time` for the changes of the clock."""
    if zone == "UTC":
        return f"make_timestamptz(epoch_us({naive}))"
    plain = f"timezone({literal(zone)}, {naive})"
    repeated = _repeated_hours(zone)
    if not repeated:
        return plain
    days = ", ".join(sorted({f"DATE '{start.date()}'" for start, _, _ in repeated}))
    # DuckDB's own rule is the second of the two; so the few such hours are named.
    cases = " ".join(
        f"WHEN {naive} >= TIMESTAMP '{start}' AND {naive} < TIMESTAMP '{end}'"
        f" THEN make_timestamptz(epoch_us({naive}) - ({offset}))"
        for start, end, offset in repeated
    )
    return f"CASE WHEN CAST({naive} AS DATE) IN ({days}) THEN CASE {cases} ELSE {plain} END ELSE {plain} END"


@cache
def _repeated_hours(zone: str) -> tuple[tuple[datetime, datetime, int], ...]:
    """The local times that happened twice: start, end, and the first one's offset in microseconds."""
    time_zone = ZoneInfo(zone)
    found = []
    day = datetime(FIRST_CLOCK_YEAR, 1, 1, tzinfo=UTC)
    while day.year < LAST_CLOCK_YEAR:
        before, after = _offset(day, time_zone), _offset(day + timedelta(days=1), time_zone)
        if after < before:
            change = _change(day, before, time_zone)
            start, end = ((change + offset).replace(tzinfo=None) for offset in (after, before))
            found += [
                (begin, min(end, midnight), before // timedelta(microseconds=1))
                for begin, midnight in _by_day(start, end)
            ]
        day += timedelta(days=1)
    return tuple(found)


def _by_day(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The interval cut at midnight, so that the day of each part is that of its start."""
    midnight = datetime(start.year, start.month, start.day) + timedelta(days=1)  # noqa: DTZ001 - a local time
    return [(start, midnight), (midnight, end)] if end > midnight else [(start, end)]


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _change(day: datetime, before: timedelta, zone: ZoneInfo) -> datetime:
    """The moment within the day from which the offset is no longer `before`, by bisection."""
    low, high = day, day + timedelta(days=1)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high.replace(microsecond=0)
