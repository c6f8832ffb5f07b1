"""Sampled rows as the mapping would give them, by the very road of an import, identifiers masked."""

import secrets
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foresell.contracts.settings import Settings
from foresell.sources.mapping import Mapping, Target, identifier_columns
from foresell.sources.mapping_toml import mapping_from_tree
from foresell.sources.normalize import normalize_sql
from foresell.sources.suggest.sample import Sample
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NUM_ROWS = 10
RAW = "suggest_raw"


@dataclass(frozen=True)
class Preview:
    """`rows`: table.column → value, of the first rows; `num_usable`: of all sampled rows; `faults`: why the
    others are not."""

    rows: list[dict[str, str | None]]
    num_usable: int
    faults: dict[str, int]


def preview(
    connection: "DuckDBPyConnection", sample: Sample, mapping_toml: str, name: str, settings: Settings
) -> Preview:
    mapping = mapping_from_tree(tomllib.loads(mapping_toml), name, where=name)
    _make_raw(connection, sample, mapping)
    targets = [target for target in mapping.targets if target.table != "identities" and not target.is_stub]
    rows: list[dict[str, str | None]] = [{} for _ in range(min(NUM_ROWS, sample.num_rows))]
    faults: dict[int, str] = {}
    for target in targets:
        sql = normalize_sql(target, mapping, sample.types, RAW, settings)
        _add(connection, sql, target, rows)
        # A row counts as faulty once, by the first of its tables that refuses it.
        faults = _faults(connection, sql) | faults
    connection.execute(f"DROP TABLE {RAW}")
    connection.unregister("suggest_table")
    titles = [title for target in targets for title in _titles(target, list(target.all_fields))]
    whole = [{title: row.get(title) for title in titles} for row in rows]
    return Preview(whole, sample.num_rows - len(faults), dict(Counter(faults.values())))


def _make_raw(connection: "DuckDBPyConnection", sample: Sample, mapping: Mapping) -> None:
    connection.register("suggest_table", sample.table)
    salt = literal(secrets.token_hex(16))
    masked = [
        f"'•' || left(sha256({salt} || CAST({quoted(column)} AS VARCHAR)), 6) AS {quoted(column)}"
        for column in identifier_columns(mapping)
        if column in sample.types
    ]
    replaced = f" REPLACE ({', '.join(masked)})" if masked else ""
    connection.execute(
        f"CREATE TEMP TABLE {RAW} AS SELECT *{replaced}, row_number() OVER () AS _row_number"
        " FROM suggest_table"
    )


def _add(connection: "DuckDBPyConnection", sql: str, target: Target, rows: list[dict[str, Any]]) -> None:
    names = list(target.all_fields)
    selected = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in names)
    found = connection.execute(
        f"SELECT _row_number, {selected} FROM ({sql}) WHERE _row_number <= {len(rows)} ORDER BY _row_number"
    ).fetchall()
    for number, *values in found:
        rows[number - 1].update(zip(_titles(target, names), values, strict=True))


def _titles(target: Target, names: Sequence[str]) -> list[str]:
    return [f"{target.table}.{name}" for name in names]


def _faults(connection: "DuckDBPyConnection", sql: str) -> dict[int, str]:
    """Row number → what is wrong with it."""
    rows = connection.execute(
        f"SELECT _row_number, _error_code, _error_column FROM ({sql}) WHERE _error_code IS NOT NULL"
    ).fetchall()
    return {number: f"{code} in '{column}'" for number, code, column in rows}
