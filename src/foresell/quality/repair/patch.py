"""What a repair would change: a lazy table, a row for each row of a canonical table.

A patch names a believed row by its key (and `valid_from` where the table is versioned), says what it held
(`old.COLUMN`), what it is to hold (`new.COLUMN`) and why (`evidence`). It takes effect only where the row
still holds what it held, so that patches stay true when others are undone, whatever came in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from foresell.contracts.columns import Type
from foresell.contracts.protocols import Tables
from foresell.contracts.tables import TABLES, Table
from foresell.quality.repair.rule import Condition, Rule

# change: the row holds new values; drop: the row is no more; add: a row that nobody told of.
Action = Literal["change", "drop", "add"]

OLD, NEW = "old.", "new."
IBIS_TYPES: dict[Type, str] = {
    "string": "string",
    "decimal": "decimal(18, 4)",
    "timestamp": "timestamp('UTC')",
    "date": "date",
    "integer": "int64",
    "float": "float64",
    "boolean": "boolean",
    "json": "string",
}


@dataclass(frozen=True)
class Patch:
    """`rows`: lazy Ibis table with the columns of `naming_columns`, `old.*`, `new.*` (none where rows are
    dropped) and `evidence`; at most one row for each row of the table."""

    table: str
    action: Action
    rows: Any

    @property
    def contract(self) -> Table:
        return TABLES[self.table]


def naming_columns(table: Table) -> list[str]:
    """What names a row in a patch: its key and start; and whom it leads to, so that erasure finds it."""
    people = [c.name for c in table.own_columns if c.identifies and c.name not in table.key]
    return [*table.key, *(["valid_from"] if table.is_versioned else []), *people]


def believed(tables: Tables, name: str) -> Any:
    """The rows believed now, past versions of versioned tables included: each is repaired."""
    rows = tables.history(name)
    return rows.filter(rows.superseded_at.isnull())


def is_wrong(rows: Any, column: str, condition: Condition) -> Any:
    """Which cells of a column a condition calls wrong; never null."""
    import ibis

    values = rows[column]
    if condition.operator == "missing":
        return values.isnull()
    given = [ibis.literal(value).cast(values.type()) for value in condition.values]
    if condition.operator == "in":
        return values.isin(given).fill_null(False)
    compared = {
        "=": values == given[0],
        "<": values < given[0],
        "<=": values <= given[0],
        ">": values > given[0],
        ">=": values >= given[0],
    }
    return compared[condition.operator].fill_null(False)


def changes(rows: Any, rule: Rule, new: Mapping[str, Any], evidence: Any) -> Patch:
    """The patch that gives columns new values (column → expression over `rows`), where they differ.

    A new value is cast to the column's type: money to 4 decimals, halves away from zero, whole numbers
    likewise. Rows whose new values are all null are left.
    """
    table = rule.contract
    columns = {name: rows[name] for name in naming_columns(table)}
    columns |= {OLD + name: rows[name] for name in new}
    columns |= {NEW + name: typed(value, table.column[name].type) for name, value in new.items()}
    found = rows.select(**columns, evidence=evidence.cast("string"))
    differs = [
        found[NEW + name].notnull() & ~found[NEW + name].identical_to(found[OLD + name]) for name in new
    ]
    kept = differs[0]
    for condition in differs[1:]:
        kept = kept | condition
    return Patch(rule.table, "change", found.filter(kept))


def drops(rows: Any, rule: Rule, evidence: Any, shown: Sequence[str] = ()) -> Patch:
    """The patch that ends rows; `shown`: columns whose old values the log shows."""
    columns = {name: rows[name] for name in naming_columns(rule.contract)}
    columns |= {OLD + name: rows[name] for name in shown}
    return Patch(rule.table, "drop", rows.select(**columns, evidence=evidence.cast("string")))


def typed(value: Any, kind: Type) -> Any:
    """An expression as a column's type, rounded to what it can hold."""
    if kind == "decimal":
        return (value.round(4) if value.type().is_floating() else value).cast(IBIS_TYPES[kind])
    if kind == "integer" and not value.type().is_integer():
        return value.round().cast(IBIS_TYPES[kind])
    return value.cast(IBIS_TYPES[kind])
