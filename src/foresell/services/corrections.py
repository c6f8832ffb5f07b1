"""Apply a repair's run: its raw parts are patches, each named by the row that it is about.

A part holds one table's patches of one action: the columns of `patch.naming_columns`, `old.*`, `new.*` and
`evidence`, and in every row the same TABLE, ACTION and PATCHED, the names of its old and new columns (it also
has the columns of the run's other parts, all null).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.records import RowCounts
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES, Table
from foresell.quality.repair.merging import INTO
from foresell.quality.repair.patch import NEW, OLD, naming_columns
from foresell.services.faults import write_quarantine
from foresell.sources.mapping import CUSTOMER_KINDS, Field, Mapping, Target
from foresell.sources.normalize import local_date_sql
from foresell.store.correct import Correction, correct
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder
from foresell.store.engine import literal, quoted
from foresell.store.merge import Stamp
from foresell.store.raw import RawRun, RawZone, raw_rows_sql

if TYPE_CHECKING:
    import duckdb

TABLE, ACTION, PATCHED = "table_name", "action", "patched"


def apply_corrections(
    connection: "duckdb.DuckDBPyConnection",
    raw: RawZone,
    tables: DeltaFolder,
    settings: Settings,
    run: RawRun,
) -> RowCounts:
    """Correct the tables. A patch that took effect is *updated*; one whose row is gone, or says something
    else by now, changes nothing and is *duplicate*; one of an erased person is quarantined."""
    stamp = Stamp(run.run_id, run.source, run.recorded_at)
    applied = stale = 0
    for position, part in enumerate(raw.part_paths(run)):
        correction = _read_part(connection, part, settings)
        if correction is not None:
            corrected = correct(connection, tables, stamp, correction, position)
            applied += corrected.num_applied
            stale += corrected.num_stale
    erased = _quarantine_erased(connection, raw, tables, run)
    reached("import.quarantine_committed")
    return RowCounts(
        rows_read=run.num_rows, rows_updated=applied, rows_duplicate=stale, rows_quarantined=erased
    )


def describe_parts(repair: str, tables: Iterable[Table]) -> Mapping:
    """A mapping that says whom the columns of a run's parts lead to; columns that no part has say nothing.

    Patches are applied without it: it is by the mapping that erasure finds people in raw rows.
    """
    targets = []
    for table in tables:
        when = f"{TABLE} = {literal(table.name)}"
        fields = {name: Field((name,)) for name in naming_columns(table) if name in _own(table)}
        targets.append(Target(table.name, fields, is_primary=True, when=when))
        people = [c.name for c in table.own_columns if c.identifies in CUSTOMER_KINDS]
        sides = [{name: Field((side + name,)) for name in people} for side in (OLD, NEW)]
        if table.name == "customers":
            sides.append({"customer_id": Field((INTO,))})
        targets += [Target(table.name, side, when=when) for side in sides if side]
    return Mapping(f"repair:{repair}", tuple(targets))


def _own(table: Table) -> set[str]:
    return {column.name for column in table.own_columns}


def _read_part(connection: "duckdb.DuckDBPyConnection", part: Path, settings: Settings) -> Correction | None:
    """The correction that a part holds, its rows numbered; None where all of it is erased."""
    rows = f"SELECT * EXCLUDE (_erased) FROM ({raw_rows_sql([part])}) WHERE NOT _erased"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE patches AS {rows}")
    first = connection.execute(f"SELECT {TABLE}, {ACTION}, {PATCHED} FROM patches LIMIT 1").fetchone()
    if first is None:
        return None
    table, action, names = TABLES[first[0]], first[1], first[2].split(",")
    old = tuple(name.removeprefix(OLD) for name in names if name.startswith(OLD))
    changed = [name.removeprefix(NEW) for name in names if name.startswith(NEW)]
    new = {name: f"CAST(p.{quoted(NEW + name)} AS {table.column[name].sql_type})" for name in changed}
    if table.time_column in new:
        new["local_date"] = local_date_sql(new[table.time_column], settings)
    return Correction(table, "patches", action, old, new)


def _quarantine_erased(
    connection: "duckdb.DuckDBPyConnection", raw: RawZone, tables: DeltaFolder, run: RawRun
) -> int:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_all AS {raw_rows_sql(raw.part_paths(run))}")
    connection.execute("CREATE OR REPLACE TEMP VIEW raw AS SELECT * FROM raw_all WHERE NOT _erased")
    connection.execute("CREATE OR REPLACE TEMP TABLE unmapped (n BIGINT)")
    return write_quarantine(connection, tables, raw, run, [], [])
