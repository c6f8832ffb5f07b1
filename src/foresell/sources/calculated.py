"""Columns that a mapping computes: sums and products of columns of the same table, the year of a date.

The text of a formula never becomes SQL: only the names of columns and the three signs in it do.
"""

import re
from collections.abc import Mapping as MappingOf
from typing import Any

from foresell.contracts.errors import InputError
from foresell.contracts.tables import Table
from foresell.sources.mapping import Field
from foresell.store.engine import quoted

FORMULA = re.compile(r"\s*\w+(?:\s*[-+*]\s*\w+)*\s*")
NUMBERS = ("decimal", "float", "integer")


def calculated(formula: str, table: Table, place: str) -> Field:
    """`quantity * unit_price - discount_amount`: columns of the table, joined by `*`, `+` and `-`.

    `*` binds first. A product of which a column is null is null; what is added or taken off counts as 0
    where it is null. Raises InputError for anything else, and for columns that are no numbers.
    """
    names = re.findall(r"\w+", formula)
    valid = [column.name for column in table.own_columns if column.type in NUMBERS]
    if FORMULA.fullmatch(formula) is None or any(name not in valid for name in names):
        raise InputError(
            f"{place} calculate must be columns of {table.name} joined by *, + and -",
            received=repr(formula),
            do=f"Of: {', '.join(valid)}.",
        )
    first, *rest = re.split(r"([-+])", formula)
    parts = [_product(first)]
    for sign, term in zip(rest[::2], rest[1::2], strict=True):
        parts.append(f"{sign} coalesce({_product(term)}, 0)")
    return Field(sql=" ".join(parts))


def check_calculated(tree: MappingOf[str, Any], columns: MappingOf[str, Field], place: str) -> None:
    """Raise InputError if a formula names a column that is not mapped, or is computed itself.

    `tree`: target column → what the TOML says of it; `columns`: the same, read.
    """
    for column, value in tree.items():
        formula = value.get("calculate") if isinstance(value, MappingOf) else None
        names = re.findall(r"\w+", formula or "")
        unmapped = [name for name in names if name not in columns or columns[name].sql]
        if unmapped:
            raise InputError(
                f"{place} {column} needs {unmapped[0]}", do=f"Map {unmapped[0]} to a column, too."
            )


def year_of(column: str) -> Field:
    """The year in a date of any format that writes it with four digits; null where there is none."""
    year = f"regexp_extract(CAST({quoted(column)} AS VARCHAR), '(?:19|20)[0-9][0-9]')"
    return Field(columns=(column,), sql=f"TRY_CAST({year} AS BIGINT)")


def _product(text: str) -> str:
    return " * ".join(f"{{{name.strip()}}}" for name in text.split("*"))
