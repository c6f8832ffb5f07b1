"""What was there once and has ended: a product that is no longer sold still has its category and its past."""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.store.engine import ALL_TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir


def ever_there(tables: Tables, name: str) -> "ir.Table":
    """The current rows of a table, and the last believed version of each key that has ended: one row a key.

    For what the past says of a thing. What is there now is `tables.current(name)`.
    """
    import ibis

    rows = tables.current(name)
    table = ALL_TABLES[name]
    if not table.is_versioned:
        return rows
    history = tables.history(name)
    ended = history.filter(history.superseded_at.isnull() & history.valid_to.notnull())
    ended = ended.mutate(last_end=ended.valid_to.max().over(ibis.window(group_by=list(table.key))))
    last = ended.filter(ended.valid_to == ended.last_end).anti_join(rows, list(table.key))
    return rows.union(last.select(*rows.columns))
