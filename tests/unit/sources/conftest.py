"""Staging a file, and typing values as a mapping says, on a small DuckDB."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from foresell.contracts.settings import EngineSettings, make_settings
from foresell.sources.mapping import Field, Target
from foresell.sources.mapping import Mapping as SourceMapping
from foresell.sources.normalize import normalize_sql
from foresell.sources.readers import ReadOptions, StagedFile, stage_file
from foresell.store.engine import connect, literal

# What each table needs besides the column under test.
NEEDED = {
    "order_lines": {
        "order_line_id": "1",
        "order_id": "1",
        "product_id": "1",
        "quantity": "1",
        "line_amount": "1",
    },
    "customers": {"customer_id": "1"},
    "events": {"event_id": "1", "event_name": "search", "occurred_at": "2024-01-01"},
    "orders": {"order_id": "1", "created_at": "2024-01-01"},
    "exchange_rates": {"date": "2024-01-01", "currency": "EUR", "rate_to_store": "1"},
}


@dataclass(frozen=True)
class Staged:
    """A staged file and what lies in its folder."""

    file: StagedFile
    rows: list[tuple[Any, ...]]
    rejects: list[dict[str, Any]]


@pytest.fixture(scope="session")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    made = connect(EngineSettings(memory_limit="500MB", threads=2))
    yield made
    made.close()


@pytest.fixture
def stage(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., Staged]:
    """`stage(bytes, name, replaced={column: SQL}, **options)`: the rows in file order, and the rejects."""

    def run(
        data: bytes, name: str = "file.csv", replaced: Mapping[str, str] | None = None, **options: Any
    ) -> Staged:
        path, into = tmp_path / name, tmp_path / "staged"
        path.write_bytes(data)
        for part in into.glob("*"):
            part.unlink()
        file = stage_file(
            connection, path, into, options=ReadOptions(**options), projection=lambda _: replaced or {}
        )
        return Staged(file, in_order(connection, into / "part-*.parquet"), rejects_of(connection, into))

    return run


def in_order(connection: duckdb.DuckDBPyConnection, parts: Path) -> list[tuple[Any, ...]]:
    rows = connection.execute(
        f"SELECT * EXCLUDE (file_row_number, filename) FROM read_parquet({literal(str(parts))}, "
        "file_row_number=true, filename=true) ORDER BY filename, file_row_number"
    )
    return rows.fetchall()


def rejects_of(connection: duckdb.DuckDBPyConnection, into: Path) -> list[dict[str, Any]]:
    path = into / "rejects.parquet"
    if not path.exists():
        return []
    rows = connection.execute(f"SELECT * FROM read_parquet({literal(str(path))}) ORDER BY line_number")
    names = [item[0] for item in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


@pytest.fixture
def typed(connection: duckdb.DuckDBPyConnection) -> Callable[..., list[tuple[Any, str | None]]]:
    """`typed("orders.status", values)`: the typed value and the error code of each."""

    def run(
        column: str,
        given: Sequence[object],
        *,
        sql_type: str = "VARCHAR",
        zone: str = "UTC",
        decimal: str | None = None,
        null_words: tuple[str, ...] = (),
        **options: Any,
    ) -> list[tuple[Any, str | None]]:
        table, name = column.split(".")
        fields = {key: Field(value=value) for key, value in NEEDED[table].items()}
        fields[name] = Field(columns=("raw",), **options)
        target = Target(table, fields, is_primary=True)
        mapping = SourceMapping("test", (target,), time_zone=zone, decimal=decimal, null_words=null_words)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE given (raw {sql_type}, _row_number BIGINT)")
        connection.executemany("INSERT INTO given VALUES (?, ?)", [[v, n] for n, v in enumerate(given, 1)])
        select = normalize_sql(target, mapping, {"raw": sql_type}, "given", make_settings({}))
        rows = connection.execute(f'SELECT "{name}", _error_code FROM ({select}) ORDER BY _row_number')
        return rows.fetchall()

    return run
