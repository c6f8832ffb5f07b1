"""Since when a full dump is true: as the user says, as its name says, or as of its import."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError
from foresell.contracts.tables import TABLES
from foresell.services.file_notes import Note
from foresell.services.inputs import ImportRequest, Input
from foresell.sources.mapping import Mapping

# 2026-11-21, 2026_11_21, 2026.11.21 or 20261121, and no digit beside it.
DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})([-_.]?)(\d{2})\2(\d{2})(?!\d)")


def dated_inputs(
    inputs: Iterable[Input], request: ImportRequest, time_zone: str, now: datetime, note: Note
) -> Iterable[Input]:
    """The inputs, those that are full dumps with the moment from which they are true.

    Errors: InputError for two inputs that are the same dump, for a date in the future, and for `as_of`
    without a dump.
    """
    if request.as_of is None and not request.is_snapshot:
        return _dated_by_mapping(inputs, request, time_zone, now, note)
    dumps = [_dated(given, request, time_zone, now, note) for given in inputs]
    seen: set[tuple[str, str | None]] = set()
    for given in dumps:
        if (dump := (given.mapping.name, given.mapping.snapshot_at)) in seen:
            raise InputError(
                f"{given.name} is a second full dump of '{given.mapping.name}' at the same time",
                do="A dump must be one file. Of several days, each file needs its date in its name.",
            )
        seen.add(dump)
    return dumps


def _dated_by_mapping(
    inputs: Iterable[Input], request: ImportRequest, time_zone: str, now: datetime, note: Note
) -> Iterable[Input]:
    for given in inputs:
        yield _dated(given, request, time_zone, now, note) if given.mapping.is_snapshot else given


def _dated(given: Input, request: ImportRequest, time_zone: str, now: datetime, note: Note) -> Input:
    if not request.is_snapshot and not given.mapping.is_snapshot:
        raise InputError(
            "A date is given, but not that the file is a full dump",
            received=request.as_of,
            do="Add --snapshot if it holds everything there was on that day; leave out --as-of if not.",
        )
    named = date_in_name(given.name)
    day = request.as_of or named
    moment = now if day is None else _start_of(day, time_zone)
    if moment > now:
        raise InputError(
            f"{given.name} is a dump of a day that has not come yet",
            received=day,
            do="Say the right one with --as-of YYYY-MM-DD.",
        )
    origin = "as given" if request.as_of else "by its name" if named else "the time of import, no date said"
    note(
        f"{given.name} is a full dump, true from {day or moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d} "
        f"({origin}). What '{given.mapping.name}' had given and it lacks is retired."
    )
    mapping = replace(given.mapping, is_snapshot=True, snapshot_at=moment.astimezone(UTC).isoformat())
    return replace(given, mapping=mapping)


def date_in_name(name: str) -> date | None:
    """The one date in a file's name, year first; None if there is none, or several."""
    found = set()
    for year, _, month, day in DATE_IN_NAME.findall(name):
        try:
            found.add(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found.pop() if len(found) == 1 else None


def _start_of(day: date, time_zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def refuse_own_times(mapping: Mapping, columns: Iterable[str], file_name: str) -> None:
    """InputError for a full dump whose rows say themselves since when they are true."""
    present = set(columns)
    for target in mapping.targets:
        own = () if target.valid_from is None else target.valid_from.columns
        if mapping.snapshot_at is not None and present.intersection(own):
            raise InputError(
                f"{file_name} says itself since when its {TABLES[target.table].name} are true",
                received=", ".join(own),
                do="That is a history, not a dump of one day: leave out --snapshot, or the column.",
            )
