"""A column: its name, its type, and what it means."""

from dataclasses import dataclass, replace
from typing import Literal

type_names = ("string", "decimal", "timestamp", "date", "integer", "float", "boolean", "json", "floats")
Type = Literal["string", "decimal", "timestamp", "date", "integer", "float", "boolean", "json", "floats"]

# Money: DECIMAL(18,4), in the currency of the row's `currency` column.
DECIMAL_PRECISION = 18
DECIMAL_SCALE = 4

SQL_TYPES: dict[Type, str] = {
    "string": "VARCHAR",
    "decimal": f"DECIMAL({DECIMAL_PRECISION},{DECIMAL_SCALE})",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "json": "VARCHAR",
    # A vector: 32-bit numbers, as models compute them. Result tables only; no source maps to it.
    "floats": "FLOAT[]",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    `required`: a row without it cannot be used and goes to quarantine.
    `identifies`: the kind of identifier it holds ("customer_id", "order_id", …), None for a
    column that identifies nobody. Erasure follows these.
    """

    name: str
    type: Type
    doc: str = ""
    required: bool = False
    identifies: str | None = None

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    def as_required(self) -> "Column":
        return replace(self, required=True)


def text(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "string", doc, required)


def identifier(name: str, doc: str = "", *, kind: str | None = None, required: bool = False) -> Column:
    """An identifier of a person or of something that leads to one; `kind` defaults to the name."""
    return Column(name, "string", doc, required, kind or name)


def money(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "decimal", doc, required)


def moment(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "timestamp", doc, required)


def day(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "date", doc, required)


def whole(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "integer", doc, required)


def real(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "float", doc, required)


def flag(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "boolean", doc, required)


def json_text(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "json", doc, required)


def vector(name: str, doc: str = "", *, required: bool = False) -> Column:
    return Column(name, "floats", doc, required)
