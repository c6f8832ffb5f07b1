"""The statements that read a source: from where, in which order, and on from a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from foresell.sources.sql.database import PARAMETER, Database, OrderValue, SourceColumn, Statement


@dataclass(frozen=True, slots=True)
class Start:
    """Where a reading begins. `at`: order values of the row to go on from, itself included, as many as are
    known. `floor`: of a new pass, the least watermark; rows without one are read too if `has_nulls`. Neither:
    the first row.
    """

    at: tuple[OrderValue, ...] = ()
    floor: OrderValue = None
    has_nulls: bool = False


def rows_from(
    database: Database,
    relation: str,
    columns: Sequence[SourceColumn],
    order: Sequence[str],
    start: Start,
) -> Statement:
    """All rows from `start` on, in order; rows without a watermark first.

    Row values ((a, b) > (x, y)) are spelled out, since MySQL does not use an index for them.
    """
    names = [database.quoted(name) for name in order]
    condition, parameters = _condition(names, start)
    listed = ", ".join(column.select for column in columns)
    by_order = f" ORDER BY {', '.join(database.nulls_first(name) for name in names)}" if names else ""
    return Statement(f"SELECT {listed} FROM {relation}{condition}{by_order}", parameters)


def greatest(database: Database, relation: str, column: str, limit: OrderValue = None) -> Statement:
    """The greatest value of a column, or the greatest that is not above `limit`."""
    name = database.quoted(column)
    if limit is None:
        return Statement(f"SELECT max({name}) FROM {relation}")
    return Statement(f"SELECT max({name}) FROM {relation} WHERE {name} <= {PARAMETER}", (limit,))


def any_null(database: Database, relation: str, column: str) -> Statement:
    return Statement(
        f"SELECT count(*) FROM (SELECT 1 AS is_null FROM {relation} "
        f"WHERE {database.quoted(column)} IS NULL LIMIT 1) AS without"
    )


def _condition(names: Sequence[str], start: Start) -> tuple[str, tuple[OrderValue, ...]]:
    if start.at:
        sql, parameters = _at_or_after(names, start.at)
        return (f" WHERE {sql}", parameters)
    if start.floor is None:
        return "", ()
    above = f"{names[0]} >= {PARAMETER}"
    return f" WHERE {f'({above} OR {names[0]} IS NULL)' if start.has_nulls else above}", (start.floor,)


def _at_or_after(names: Sequence[str], values: Sequence[OrderValue]) -> tuple[str, tuple[OrderValue, ...]]:
    """Rows that are not before one with these values, where null is before everything."""
    name, value = names[0], values[0]
    after = f"{name} IS NOT NULL" if value is None else f"{name} > {PARAMETER}"
    same = f"{name} IS NULL" if value is None else f"{name} = {PARAMETER}"
    own = () if value is None else (value,)
    if len(values) == 1:
        return f"({after} OR {same})", own * 2
    rest, parameters = _at_or_after(names[1:], values[1:])
    # The first test alone is one that an index answers.
    bound = "" if value is None else f"{name} >= {PARAMETER} AND "
    return f"({bound}({after} OR ({same} AND {rest})))", (*own * 3, *parameters)
