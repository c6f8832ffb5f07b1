"""What in raw rows leads to a person: kind of identifier → SQL that gives it whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.privacy.nested import identified
from foresell.sources.compiling import joined_text
from foresell.sources.mapping import (
    CUSTOMER_KINDS,
    LINKING_KINDS,
    Field,
    Mapping,
    identifier_columns,
    mapping_from_json,
)
from foresell.sources.normalize import identifier_expressions
from foresell.store.engine import literal, quoted
from foresell.store.raw import RawRun, raw_rows_sql

if TYPE_CHECKING:
    import duckdb

TOKEN_KIND = "id_token"  # noqa: S105  # a kind of identifier, no secret

# Kind of identifier → SQL expressions over the columns of a relation.
Expressions = dict[str, tuple[str, ...]]


def raw_expressions(
    connection: "duckdb.DuckDBPyConnection", mapping: Mapping, parts: Sequence[Path]
) -> Expressions:
    """What identifies people in the rows of a run's parts, direct identifiers as their tokens."""
    described = connection.execute(f"DESCRIBE {raw_rows_sql(parts)}").fetchall()
    columns = {row[0]: row[1] for row in described}
    found = {kind: list(sql) for kind, sql in identifier_expressions(mapping, columns).items()}
    tokens = token_columns(mapping, columns, LINKING_KINDS)
    found.setdefault(TOKEN_KIND, []).extend(quoted(column) for column in tokens)
    for target in mapping.targets:
        if target.table == "risk_labels":
            entity_type = _text(target.fields["entity_type"], columns)
            entity_id = _text(target.fields["entity_id"], columns)
            for kind, sql in entity_expressions(entity_type, entity_id).items():
                found.setdefault(kind, []).extend(sql)
    return {kind: tuple(sql) for kind, sql in found.items()}


def run_expressions(
    connection: "duckdb.DuckDBPyConnection", run: RawRun, parts: Sequence[Path]
) -> Expressions:
    return raw_expressions(connection, mapping_from_json(run.mapping), parts)


def token_columns(mapping: Mapping, columns: dict[str, str], kinds: Sequence[str] | None = None) -> list[str]:
    """The raw columns, of those there are, that hold tokens of direct identifiers (of these kinds)."""
    found = identified(identifier_columns(mapping), list(columns))
    return [column for column, kind in found.items() if kinds is None or kind in kinds]


def entity_expressions(entity_type: str, entity_id: str) -> Expressions:
    """The id of an entity as the kind of identifier that its type says: 'customer' or 'customer_id', …"""
    return {
        kind: (
            f"CASE WHEN lower({entity_type}) IN ({literal(kind)}, {literal(kind.removesuffix('_id'))}) "
            f"THEN {entity_id} END",
        )
        for kind in CUSTOMER_KINDS
    }


def _text(source: Field, columns: dict[str, str]) -> str:
    if source.value is not None:
        return literal(source.value)
    return joined_text(source, columns) if all(c in columns for c in source.columns) else "NULL::VARCHAR"
