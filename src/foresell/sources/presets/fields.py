"""How presets write their fields: short forms of `Field`, and columns that a file may lack."""

from collections.abc import Iterable

from foresell.sources.mapping import Field
from foresell.store.engine import quoted


def column(name: str, *, time_zone: str | None = None) -> Field:
    """A source column as it is; the file must have it."""
    return Field(columns=(name,), time_zone=time_zone)


def optional(name: str, *, time_zone: str | None = None) -> Field:
    """A source column as it is; null where the file has none."""
    return Field(columns=(name,), time_zone=time_zone, is_optional=True)


def by_sql(sql: str, *columns: str) -> Field:
    """SQL over columns that the file must have; those that `prepare` adds begin with an underscore."""
    return Field(columns=columns, sql=sql)


def optional_by_sql(sql: str, *columns: str) -> Field:
    """SQL over columns that the file may lack."""
    return Field(columns=columns, sql=sql, is_optional=True)


def text(name: str) -> str:
    """A source column's text in SQL, null where it is empty."""
    return f"nullif(trim(CAST({quoted(name)} AS VARCHAR)), '')"


def amount(name: str) -> str:
    """A source column's amount in SQL, null where it is none."""
    return f"TRY_CAST({text(name)} AS DECIMAL(18,4))"


def with_columns(names: Iterable[str], raw: str = "{raw}") -> str:
    """The raw rows as a relation that has these text columns, null in files that lack them."""
    empty = ", ".join(f"NULL::VARCHAR AS {quoted(name)}" for name in dict.fromkeys(names))
    return f"(SELECT {empty} WHERE false UNION ALL BY NAME SELECT * FROM {raw})"
