"""How far a source has been read: the memory between two imports, kept with the rows it speaks of."""

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError
from foresell.sources.sql.database import OrderKind, OrderValue

DEFAULT_OVERLAP = "1 hour"
DEFAULT_NUMBERS = Decimal(1000)
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
DURATION = re.compile(r"^\s*(\d+)\s*(second|minute|hour|day|week)s?\s*$")
NUMBER = re.compile(r"^\s*\d+(?:\.\d+)?\s*$")


@dataclass(frozen=True, slots=True)
class Position:
    """After a batch.

    `origin`: what was read, and in which order. `floor`: the greatest watermark when the pass over the source
    began, from which, less the overlap, the next pass begins. `watermark`, `key`: of the last row read, while
    the pass goes on. `follows`: the run before, without whose rows this position means nothing; None where a
    pass began with the first row.
    """

    origin: str
    floor: OrderValue
    is_complete: bool
    watermark: OrderValue = None
    key: tuple[OrderValue, ...] = ()
    follows: str | None = None

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def read_position(text: str | None) -> Position | None:
    """The position that `as_json` wrote; None for a run that has none of this kind."""
    tree: Any = json.loads(text) if text else None
    if not isinstance(tree, dict) or set(tree) != {field.name for field in fields(Position)}:
        return None
    return Position(**{**tree, "key": tuple(tree["key"])})


def without_key(text: str | None) -> str | None:
    """A position that does not name its last row: the key may be that of somebody who was erased."""
    position = read_position(text)
    return text if position is None or not position.key else replace(position, key=()).as_json()


def check_overlap(overlap: str | None) -> None:
    """InputError for what is neither a length of time nor a number."""
    if overlap is not None and not DURATION.match(overlap) and not NUMBER.match(overlap):
        raise InputError(
            "The overlap is neither a length of time nor a number",
            received=repr(overlap),
            do="Write it such as '30 minutes' or '2 days'; for a watermark of numbers, such as 1000.",
        )


def start_of_pass(floor: OrderValue, kind: OrderKind, overlap: str | None) -> OrderValue:
    """Where the next pass begins: the floor less the overlap, written as the floor is."""
    if floor is None:
        return None
    if kind == "number" or not isinstance(floor, str):
        return _less(floor, overlap)
    seconds = _seconds(overlap)
    moment = read_moment(floor)
    return floor if moment is None else _like(floor, moment - timedelta(seconds=seconds))


def _less(floor: OrderValue, overlap: str | None) -> OrderValue:
    if overlap is not None and not NUMBER.match(overlap):
        raise InputError(
            "The watermark is a number, and the overlap a length of time",
            received=overlap,
            do="Give the overlap as a number too, such as --overlap 1000.",
        )
    start = Decimal(str(floor)) - (Decimal(overlap.strip()) if overlap else DEFAULT_NUMBERS)
    return int(start) if start == start.to_integral_value() else str(start)


def _seconds(overlap: str | None) -> int:
    match = DURATION.match(overlap or DEFAULT_OVERLAP)
    if match is None:
        raise InputError(
            "The watermark is a time, and the overlap a number",
            received=overlap,
            do="Give the overlap as a length of time, such as --overlap '1 hour'.",
        )
    return int(match.group(1)) * UNITS[match.group(2)]


def read_moment(text: str) -> datetime | None:
    """The time that a text in ISO 8601 says; None for any other text."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def floor_limit(greatest: str, kind: OrderKind, now: datetime, zone: ZoneInfo) -> str | None:
    """The present, written as the greatest watermark is, if that lies in the future; else None.

    A row from the future would hide what changes before it. `zone`: of times that name none.
    """
    moment = read_moment(greatest)
    zone = ZoneInfo("UTC") if kind == "utc" else zone
    if moment is not None and (moment if moment.tzinfo else moment.replace(tzinfo=zone)) <= now:
        return None
    has_zone = kind == "zoned" or (moment is not None and moment.tzinfo is not None)
    present = now if has_zone else now.astimezone(zone).replace(tzinfo=None)
    pattern = {"date": "2024-02-29", "text": greatest}.get(kind, "2024-02-29 00:00:00")
    return _like(pattern, present)


def _like(pattern: str, moment: datetime) -> str:
    """A moment written as another is: a day alone, or a time with the same sign between day and time."""
    if len(pattern) == len("2024-02-29"):
        return moment.date().isoformat()
    return moment.isoformat(sep=pattern[10])
