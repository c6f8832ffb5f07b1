"""Values that a rule names, typed as the column that they are for."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from foresell.contracts.columns import DECIMAL_PRECISION, DECIMAL_SCALE, Column, Type
from foresell.contracts.errors import InputError, did_you_mean

EXAMPLES: dict[Type, str] = {
    "decimal": "a number with at most 4 decimals, such as 4.99",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "date": "a date, such as 2024-12-31",
    "timestamp": "a time with its offset, such as 2024-12-31T12:00Z",
    "json": "JSON",
    "string": "text",
}


def read_value(column: Column, text: str, rule: str, *, words: tuple[str, ...] = ()) -> Any:
    """The text as the column's type; `words`: the only ones allowed. InputError where it is none."""
    try:
        value = READERS[column.type](text)
    except (ValueError, InvalidOperation) as error:
        raise InputError(
            f"The repair rule '{rule}': '{text}' is no value of '{column.name}'",
            do=f"Give {EXAMPLES[column.type]}.",
        ) from error
    if words and value not in words:
        raise InputError(
            f"The repair rule '{rule}': '{text}' is no value of '{column.name}'", do=did_you_mean(text, words)
        )
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > DECIMAL_SCALE:
        raise ValueError
    if abs(value) >= 10 ** (DECIMAL_PRECISION - DECIMAL_SCALE):
        raise ValueError
    return value


def _float(text: str) -> float:
    value = float(text)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError
    return value


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _timestamp(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError
    return value.astimezone(UTC)


def _json(text: str) -> str:
    json.loads(text)
    return text


READERS: dict[Type, Callable[[str], Any]] = {
    "string": str,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "date": date.fromisoformat,
    "integer": int,
    "float": _float,
    "boolean": _boolean,
    "json": _json,
}
