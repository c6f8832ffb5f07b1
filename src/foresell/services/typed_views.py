"""The raw rows of a run as relations of typed rows, as the merge takes them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.sources.mapping import Mapping, Target
from foresell.sources.normalize import normalize_sql
from foresell.store.engine import literal, quoted
from foresell.store.items import source_row
from foresell.store.merge import TypedRows
from foresell.store.merge_plans import Kind
from foresell.store.raw import raw_rows_sql

if TYPE_CHECKING:
    import duckdb


# So many rows of a run are typed once and held; those of more are typed anew by each statement that reads
# them, since a wide table of them would not stay within the memory of a narrow scan.
FEW_ROWS = 50_000
IS_CHOSEN = "_row_number IN (SELECT n FROM chosen_rows)"
# The columns of replayed rows without those that were prepared.
AS_READ = "COLUMNS(lambda c: c = '_row_number' OR NOT starts_with(c, '_'))"


def view_raw(
    connection: "duckdb.DuckDBPyConnection",
    parts: Sequence[Path],
    mapping: Mapping,
    *,
    is_replay: bool = False,
) -> None:
    """`raw_all`: every row; `raw`: those not erased, with what the mapping prepares."""
    rows = raw_rows_sql(parts)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_all AS {rows}")
    live = "SELECT * EXCLUDE (_erased) FROM raw_all WHERE NOT _erased"
    if mapping.prepare is None:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {live}")
    elif is_replay and not mapping.is_prepared_by_row:
        _view_replayed(connection, live, mapping.prepare)
    else:
        live = f"SELECT {AS_READ} FROM ({live})" if is_replay else live
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_live AS {live}")
        prepared = mapping.prepare.replace("{raw}", "raw_live")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE prepared AS {prepared}")
        connection.execute("CREATE OR REPLACE TEMP VIEW raw AS SELECT * FROM prepared")


def _view_replayed(connection: "duckdb.DuckDBPyConnection", live: str, prepare: str) -> None:
    """Replayed rows bring along what was prepared among the rows of their own file, and must keep it:

    prepared anew among the few replayed rows it would be another thing (the second of two like lines
    would become the first). A row that never was prepared has null there.
    """
    brought = [row[0] for row in connection.execute(f"DESCRIBE {live}").fetchall()]
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_live AS SELECT {AS_READ} FROM ({live})")
    prepared = connection.execute(f"DESCRIBE {prepare.replace('{raw}', 'raw_live')}").fetchall()
    missing = [f"NULL::{kind} AS {quoted(name)}" for name, kind, *_ in prepared if name not in brought]
    selected = ", ".join(["*", *missing])
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {selected} FROM ({live})")


def view_typed(
    connection: "duckdb.DuckDBPyConnection",
    settings: Settings,
    mapping: Mapping,
    num_rows: int | None = None,
) -> list[TypedRows]:
    """The typed rows of each target that `raw` feeds; those of a full dump begin with it.

    `num_rows`: of `raw` (None: many).
    """
    described = connection.execute("DESCRIBE raw").fetchall()
    raw_columns = {row[0]: row[1] for row in described if row[0] != "_row_number"}
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen_rows (n BIGINT)")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW raw_chosen AS SELECT * FROM raw "
        f"WHERE _row_number IN (SELECT {source_row('n')} FROM chosen_rows)"
    )
    are_held = num_rows is not None and num_rows <= FEW_ROWS
    typed: list[TypedRows] = []
    for position, target in enumerate(t for t in mapping.targets if _is_fed(t, raw_columns)):

        def typed_sql(raw: str, target: Target = target) -> str:
            return _dated(target, mapping, normalize_sql(target, mapping, raw_columns, raw, settings))

        whole, chosen = f"typed_{position}", f"chosen_{position}"
        of_chosen = f"SELECT * FROM {{}} WHERE {IS_CHOSEN}"
        if are_held:
            whole = f"held_{position}"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {whole} AS {typed_sql('raw')}")
            chosen_rows = of_chosen.format(whole)
        else:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {whole} AS {typed_sql('raw')}")
            chosen_rows = typed_sql("raw_chosen")
            if target.unnest is not None:
                chosen_rows = of_chosen.format(f"({chosen_rows})")
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {chosen} AS {chosen_rows}")
        typed.append(replace(_typed_rows(target, raw_columns, whole, chosen), is_held=are_held))
    return typed


def _typed_rows(target: Target, raw_columns: Collection[str], whole: str, chosen: str) -> TypedRows:
    return TypedRows(
        TABLES[target.table],
        whole,
        chosen,
        _kind(target),
        target.is_primary,
        _absent_columns(target, raw_columns),
        has_items=target.unnest is not None,
    )


def _dated(target: Target, mapping: Mapping, select: str) -> str:
    if mapping.snapshot_at is None or target.is_stub or not target.contract.is_versioned:
        return select
    return f"SELECT * REPLACE (TIMESTAMPTZ {literal(mapping.snapshot_at)} AS valid_from) FROM ({select})"


def _is_fed(target: Target, raw_columns: Collection[str]) -> bool:
    """Whether the file has a column for each key of the target; one that lacks it says nothing of it."""
    sources = [target.fields[name].columns for name in target.contract.key if name in target.fields]
    return target.is_primary or all(
        not columns or any(column in raw_columns for column in columns) for columns in sources
    )


def _absent_columns(target: Target, raw_columns: Collection[str]) -> frozenset[str]:
    """The columns that will be null in every row. A currency is never absent: it has a default."""
    names = {column.name for column in target.contract.own_columns} - {"currency"}
    mapped = {
        name
        for name, source in target.fields.items()
        if source.sql is not None
        or source.value is not None
        or any(column in raw_columns for column in source.columns)
    }
    return frozenset(names - mapped)


def _kind(target: Target) -> Kind:
    if target.is_stub:
        return "stub"
    if target.is_retired:
        return "retired"
    return "first_per_key" if target.is_one_per_key else "rows"
