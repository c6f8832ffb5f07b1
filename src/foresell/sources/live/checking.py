"""Whether a live event can be used: its values as text, as imports read them, or what is wrong with it.

What is accepted here is accepted by the import of it, and what is refused is refused there too, until its
column at fault says something else: `mapping` sees to the second, and a test to the first.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from foresell.contracts.tables import EVENT_NAMES, events
from foresell.privacy.nested import may_hold_address
from foresell.sources.live.names import known_name
from foresell.sources.presets.behavior import ITEM_EVENTS
from foresell.sources.words import CURRENCIES

LONGEST_ID, LONGEST_TEXT, LONGEST_JSON = 200, 4_000, 32_000
MOST_ITEMS = 200
# A client's clock may be fast by so much; dates before the first are a broken clock too.
FASTEST_CLOCK = timedelta(days=1)
FIRST_MOMENT = datetime(1990, 1, 1, tzinfo=UTC)
LARGEST = Decimal(10) ** 12
STRUCTURED = ("items", "properties")
LONG_TEXTS = ("page_url", "referrer", "search_query")
ID_COLUMNS = tuple(c.name for c in events.own_columns if c.identifies)
ITEM_COLUMNS = ("product_id", "quantity", "price", "list_id", "position", "coupon_code")
# Of an event's rows after the first, what only the first says.
OF_FIRST = ("value", "properties")

# (value, name) → the value without direct identifiers.
Anonymize = Callable[[Any, str], Any]
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """`column`: the one at fault; None: it is no event at all. `value`: as it is stored."""

    column: str | None
    value: str | None
    reason: str
    do: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`rows`: of the table `events`, as text: one, or one an item. With a fault: one, as far as it can be
    read. `event_id`: None where the event has none that can be used."""

    event_id: str | None
    rows: tuple[Row, ...]
    fault: Fault | None = None


class _BadError(ValueError):
    """What is wrong, and what to do."""

    def __init__(self, reason: str, do: str) -> None:
        super().__init__(reason)
        self.do = do


def check(event: Any, received_at: datetime, anonymize: Anonymize, *, has_plain_ids: bool = True) -> Checked:
    """Read one event. Never raises; `anonymize` takes direct identifiers out of what is kept."""
    if not isinstance(event, Mapping):
        told = _refused_text(event, "event", anonymize)
        do = "Send an object with event_id, event_name and occurred_at."
        return Checked(None, ({"properties": told},), Fault(None, None, "This is no event", do))
    row: Row = {}
    extras: dict[str, Any] = {}
    fault = None
    for name, value in event.items():
        read = READERS.get(name)
        if value is None or name in STRUCTURED:
            continue
        if read is None:
            extras[clean(str(name))[:LONGEST_ID]] = value
            continue
        try:
            if text := read(value):
                row[name] = _kept(name, text, anonymize, has_plain_ids)
        except _BadError as error:
            row[name] = _refused_text(value, name, anonymize)
            fault = fault or Fault(name, row[name], f"{name}: {error}", error.do)
    fault = fault or _missing(row) or _out_of_time(row, received_at)
    more, fault = _with_items(row, event.get("items"), extras, fault)
    fault = _with_properties(row, event.get("properties"), extras, anonymize, fault)
    event_id = row.get("event_id") if fault is None or fault.column != "event_id" else None
    if fault is not None:
        return Checked(event_id, (row,), fault)
    return Checked(event_id, (row, *_further(row, more)))


def clean(text: str) -> str:
    """Without NUL, and without halves of signs, which no file can hold; trimmed."""
    if "\0" in text:
        text = text.replace("\0", "")
    text = text.strip()
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _kept(name: str, text: str, anonymize: Anonymize, has_plain_ids: bool) -> str:
    if not may_hold_address(text) or (has_plain_ids and name in ID_COLUMNS):
        return text
    return str(anonymize(text, name))


def _refused_text(value: Any, name: str, anonymize: Anonymize) -> str:
    """A value that cannot be used, as it is kept for whoever looks into the quarantine."""
    kept = anonymize(value, name)
    text = kept if isinstance(kept, str) else json.dumps(kept, ensure_ascii=False, default=str)
    return clean(text)[:LONGEST_TEXT] or " "


def _missing(row: Row) -> Fault | None:
    for name in ("event_id", "event_name", "occurred_at"):
        if name not in row:
            return Fault(name, None, f"{name} is missing", f"Give the event's {name}.")
    return None


def _out_of_time(row: Row, received_at: datetime) -> Fault | None:
    at = datetime.fromisoformat(row["occurred_at"])
    if FIRST_MOMENT <= at <= received_at + FASTEST_CLOCK:
        return None
    where = "in the future" if at > received_at else "before 1990"
    do = "Set the clock that made it."
    return Fault("occurred_at", row["occurred_at"], f"occurred_at is {where}", do)


def _with_items(
    row: Row, items: Any, extras: dict[str, Any], fault: Fault | None
) -> tuple[list[Row], Fault | None]:
    """Put the first item on the event's row, as imports do; the rows of the others."""
    if items is None or items == [] or fault is not None:
        return [], fault
    try:
        read = _read_items(items)
    except _BadError as error:
        extras["items"] = items
        return [], Fault("items", None, f"items: {error}", error.do)
    is_of_items = row["event_name"] in ITEM_EVENTS
    if not is_of_items and len(read) > 1:
        extras["items"] = items
        return [], None
    row.update({name: text for name, text in read[0].items() if name not in row})
    return read[1:], None


def _read_items(items: Any) -> list[Row]:
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise _BadError(f"must be a list of at most {MOST_ITEMS} objects", "Send them as such a list.")
    found = []
    for item in items:
        if not isinstance(item, Mapping):
            raise _BadError("must be objects", "Send each with its product_id.")
        read = {name: READERS[name](item[name]) for name in ITEM_COLUMNS if item.get(name) is not None}
        found.append({name: text for name, text in read.items() if text})
    return found


def _with_properties(
    row: Row, properties: Any, extras: dict[str, Any], anonymize: Anonymize, fault: Fault | None
) -> Fault | None:
    """Put whatever else was said into the properties."""
    if properties is not None and not isinstance(properties, Mapping):
        extras["properties"] = properties
        do = 'Send an object, such as {"color": "red"}.'
        fault = fault or Fault("properties", None, "properties must be an object", do)
    elif properties:
        extras = {**extras, **properties}
    if not extras:
        return fault
    text = clean(json.dumps(anonymize(extras, "properties"), ensure_ascii=False, default=str))
    if len(text) > LONGEST_JSON:
        row["properties"] = json.dumps({"cut_short": text[:LONGEST_TEXT]})
        do = f"Send at most {LONGEST_JSON:,} characters of JSON."
        fault = fault or Fault("properties", None, "properties are too long", do)
    else:
        row["properties"] = text
    if fault is not None and fault.column in STRUCTURED:
        return Fault(fault.column, row["properties"], fault.reason, fault.do)
    return fault


def _further(row: Row, items: list[Row]) -> list[Row]:
    if not items:
        return []
    shared = {name: text for name, text in row.items() if name not in (*OF_FIRST, *ITEM_COLUMNS)}
    first = row["event_id"]
    return [{**shared, **item, "event_id": f"{first}-{place}"} for place, item in enumerate(items, start=2)]


def _id(value: Any) -> str:
    return _text(value, LONGEST_ID)


def _text(value: Any, longest: int) -> str:
    if isinstance(value, str):
        text = clean(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = _number_text(value)
    else:
        raise _BadError("must be text", "Send it as text.")
    if len(text) > longest:
        raise _BadError(f"is longer than {longest} characters", "Shorten it.")
    return text


def _number_text(value: float) -> str:
    """A whole number without point: an id that was sent as a number is the number."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(value: Any, *, is_whole: bool = False) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _BadError("must be a number", "Send it as a number, such as 9.90.")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _BadError("must be a number", "Send it as a number, such as 9.90.") from None
    if not number.is_finite() or abs(number) >= LARGEST:
        raise _BadError("is no number that can be stored", "Send a finite number below 10¹².")
    if is_whole and number != number.to_integral_value():
        raise _BadError("must be a whole number", "Send it without a fraction.")
    return f"{number.quantize(Decimal(1)) if is_whole else round(number, 6):f}"


def _moment(value: Any) -> str:
    do = "Send it as 2026-11-22T19:50:00Z, with its offset."
    if not isinstance(value, str):
        raise _BadError("must be a time", do)
    try:
        at = datetime.fromisoformat(clean(value))
        if at.tzinfo is None:
            raise _BadError("has no time zone", do)
        return at.astimezone(UTC).isoformat()
    except _BadError:
        raise
    except (ValueError, OverflowError):
        raise _BadError("must be a time", do) from None


def _event_name(value: Any) -> str:
    found = known_name(value) if isinstance(value, str) else None
    if found is None:
        raise _BadError("is not known", f"Send one of: {', '.join(EVENT_NAMES)}.")
    return found


def _currency(value: Any) -> str:
    code = value.strip().upper() if isinstance(value, str) else ""
    if code not in CURRENCY_SET:
        raise _BadError("must be an ISO 4217 code", "Send one such as EUR or USD.")
    return code


CURRENCY_SET = frozenset(CURRENCIES)
OWN_READERS: dict[str, Callable[[Any], str]] = {
    "event_name": _event_name,
    "occurred_at": _moment,
    "currency": _currency,
    "quantity": _number,
    "price": _number,
    "value": _number,
    "position": partial(_number, is_whole=True),
}
READERS: dict[str, Callable[[Any], str]] = {
    column.name: OWN_READERS.get(
        column.name, partial(_text, longest=LONGEST_TEXT) if column.name in LONG_TEXTS else _id
    )
    for column in events.own_columns
    if column.name not in STRUCTURED
}
