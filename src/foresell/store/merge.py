"""Record the typed rows of a run in a table: exactly once by key, with history, in one commit.

A row whose key is new is *accepted*; one that says what the store already believes is a
*duplicate*; one that says something else *updates* it: the old row is superseded, never lost.
Of rows in one file that share a key and disagree, the last is used and the others are
*conflicting* (they go to quarantine). A versioned table compares a row with the version in
effect at its `valid_from`, and a new version ends the one before. A statement that changes nothing is
no version of its own (a daily dump would bury the changes under repetitions): a later correction of
the version it repeats corrects it too.

Rows of the kind "retired" end their keys without a successor. Only their key columns count, and where the
table is versioned their `valid_from`: when it ended (null: when it is recorded). A fact is superseded; of
a versioned table the version in effect then ends, and its history stays. A key that is live counts as
updated, one that is unknown or retired already as duplicate; it lives again as soon as a row says so.

Most rows of most imports share their key with nothing. They are told apart by one narrow scan of
key hashes, and written straight from the source; only the few others are compared exactly. So
memory is bounded by the narrow scan, not by the width of the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.tables import Table
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder, WrittenFile
from foresell.store.engine import key_text, literal, quoted, read_files
from foresell.store.items import source_row
from foresell.store.merge_plans import FactPlan, Kind, VersionedPlan, moment_sql
from foresell.store.near import find_near, is_repair_near
from foresell.store.parquet import write_parquet
from foresell.store.said import recall_sources
from foresell.store.supersede import rewrite_superseded

if TYPE_CHECKING:
    import duckdb

CHOSEN = frozenset({"accepted", "updated"})
IS_CHOSEN = "outcome IN ('accepted', 'updated')"


@dataclass(frozen=True)
class TypedRows:
    """A relation of typed rows on its way into a table.

    Its columns: the table's own, `local_date` and `valid_from` where the table has them, then
    `_row_number`, `_error_code`. `chosen` gives the same columns for the rows alone whose numbers
    stand in the temporary table `chosen_rows` (n), without typing the others. Rows of the kind "retired" need
    no columns but those of the key, `valid_from` and the last two. `absent`: columns that the source does not
    have; they are left out of the files, and read as null. `holds_until`: what the rows say holds only until
    then, and from there on what was believed so far (versioned tables). `has_items`: its `_row_number` are
    those of items (`store.items`), several of a source row; it comes after the primary relations. `is_held`:
    the relation is a table, which costs little to read again.
    """

    table: Table
    relation: str
    chosen: str
    kind: Kind = "rows"
    is_primary: bool = True
    absent: frozenset[str] = frozenset()
    holds_until: datetime | None = None
    has_items: bool = False
    is_held: bool = False


@dataclass
class Merged:
    """How the good rows of one relation ended."""

    num_accepted: int = 0
    num_updated: int = 0
    num_duplicate: int = 0
    num_conflicting: int = 0


@dataclass(frozen=True)
class Stamp:
    """What every row of a run carries."""

    run_id: str
    source: str
    recorded_at: datetime

    @property
    def sql_time(self) -> str:
        return moment_sql(self.recorded_at)

    def transaction(self, position: int) -> str:
        """What marks the run's commit of its relation at this place."""
        return f"{self.run_id}/{position}"


class Merge:
    """Merges the relations of one run into the Delta tables, one `TypedRows` at a time.

    `scan` every relation first: a row that is bad for one table is bad for all. What could not be
    used stands afterwards in the temporary tables `bad_rows` and `conflicting_rows` (row number n,
    position of the relation).
    """

    def __init__(self, connection: "duckdb.DuckDBPyConnection", tables: DeltaFolder, stamp: Stamp) -> None:
        self._connection = connection
        self._tables = tables
        self._stamp = stamp
        self._typed: list[TypedRows] = []
        self._files: list[str] = []

    def scan(self, rows: Sequence[TypedRows]) -> None:
        """One narrow pass over each relation: row numbers, key hashes, and which rows are bad."""
        self._typed = list(rows)
        for name in ("bad_rows", "conflicting_rows"):
            self._execute(f"CREATE OR REPLACE TEMP TABLE {name} (n BIGINT, position INTEGER)")
        for position, typed in enumerate(rows):
            self._execute(
                f"CREATE OR REPLACE TEMP TABLE scan_{position} AS SELECT _row_number AS n, "
                f"hash({key_text(typed.table)}) AS h, _error_code IS NOT NULL AS is_bad "
                f"FROM {typed.relation}"
            )
            if typed.kind != "stub":
                self._execute(f"INSERT INTO bad_rows SELECT n, {position} FROM scan_{position} WHERE is_bad")
            if typed.has_items and typed.kind != "stub":
                self._execute(
                    f"INSERT INTO bad_rows SELECT DISTINCT {source_row('n')}, {position} "
                    f"FROM scan_{position} WHERE is_bad"
                )

    def merge(self, position: int) -> Merged:
        """Write and commit a scanned relation. If this run has already committed it, only count again."""
        typed = self._typed[position]
        if typed.has_items:
            self._leave_out_items(position)
        transaction = self._stamp.transaction(position)
        is_committed = self._tables.has_committed(typed.table.name, transaction)
        self._files = self._tables.files_before(typed.table.name, transaction)
        self._find_candidates(typed, position)
        merged = self._count_plain(typed, position)
        has_plain = merged.num_accepted > 0
        outcomes = self._decide(typed)
        if not is_committed:
            folder = self._tables.folder(typed.table.name) / self._stamp.run_id / f"{position}"
            self._commit(typed, folder, transaction, self._stated(typed, outcomes, has_plain=has_plain))
        for outcome, count in outcomes.items():
            _add_outcome(merged, outcome, count)
        if "conflict" in outcomes:
            self._execute(
                f"INSERT INTO conflicting_rows SELECT n, {position} FROM decided WHERE outcome = 'conflict'"
            )
        return merged

    def _decide(self, typed: TypedRows) -> dict[str, int]:
        """What becomes of the candidates: outcome → how many."""
        plan = (
            VersionedPlan(typed.kind, self._stamp.sql_time, typed.holds_until)
            if typed.table.is_versioned
            else FactPlan(typed.kind)
        )
        for statement in plan.statements():
            self._execute(statement)
        return dict(self._rows("SELECT outcome, count(*) FROM decided GROUP BY outcome"))

    def _find_candidates(self, typed: TypedRows, position: int) -> None:
        """Rows whose key hash is shared, in the file or with the store, and their rivals there."""
        shared = f"SELECT h FROM scan_{position} WHERE NOT is_bad GROUP BY h HAVING count(*) > 1"
        self._execute(f"CREATE OR REPLACE TEMP TABLE shared_keys AS {shared}")
        content = f"hash({', '.join(quoted(c.name) for c in typed.table.own_columns)})"
        is_versioned = typed.table.is_versioned
        columns = {
            "k": key_text(typed.table),
            "c": content,
            **{name: name if is_versioned else "NULL::TIMESTAMPTZ" for name in ("valid_from", "valid_to")},
        }
        held = typed.relation if typed.is_held else None
        find_near(self._connection, typed.table, self._files, position, columns, held)
        self._choose(
            f"SELECT n FROM scan_{position} WHERE h IN (SELECT h FROM shared_keys) AND NOT is_bad "
            "AND n NOT IN (SELECT n FROM bad_rows)"
        )
        stated = "NULL::UBIGINT" if typed.kind == "retired" else content
        self._execute(
            f"CREATE OR REPLACE TEMP TABLE candidates AS SELECT _row_number AS n, {columns['k']} AS k, "
            f"{stated} AS c, {columns['valid_from']} AS valid_from "
            f"FROM {typed.chosen} WHERE _error_code IS NULL"
        )
        self._execute(
            "CREATE OR REPLACE TEMP TABLE believed AS "
            "SELECT f, r, k, c, valid_from, valid_to, is_repaired FROM near WHERE is_believed"
        )
        if is_repair_near(self._connection):
            hashed = f"hash({columns['k']}) IN (SELECT h FROM shared_keys)"
            recorded = _recorded(typed.table, self._files_of("near"))
            recall_sources(self._connection, recorded, hashed, columns)

    def _leave_out_items(self, position: int) -> None:
        """Items go the way of their source row: it may be bad, or a later row may say otherwise."""
        primary = ", ".join(str(place) for place, typed in enumerate(self._typed) if typed.is_primary)
        unused = (
            "SELECT n FROM bad_rows UNION ALL "
            f"SELECT n FROM conflicting_rows WHERE position IN ({primary or -1})"
        )
        self._execute(
            f"INSERT INTO bad_rows SELECT n, {position} FROM scan_{position} "
            f"WHERE {source_row('n')} IN ({unused}) AND n NOT IN (SELECT n FROM bad_rows)"
        )

    def _choose(self, rows: str) -> None:
        self._execute("DELETE FROM chosen_rows")
        self._execute(f"INSERT INTO chosen_rows {rows}")

    def _files_of(self, rows: str) -> list[str]:
        """The files (f) that a temporary table names."""
        found = self._rows(f"SELECT DISTINCT f FROM {rows} WHERE f IS NOT NULL ORDER BY f")
        return [str(file) for (file,) in found]

    def _count_plain(self, typed: TypedRows, position: int) -> Merged:
        """The rows that share their key with nothing are accepted; candidates are decided later."""
        others = "".join(f" AND n NOT IN (SELECT n FROM {table})" for table in self._excluded())
        [(alone,)] = self._rows(f"SELECT count(*) FROM scan_{position} WHERE NOT is_bad{others}")
        return Merged(num_duplicate=alone) if typed.kind == "retired" else Merged(num_accepted=alone)

    def _excluded(self) -> list[str]:
        """The tables of row numbers that are not written plainly, as far as they hold any."""
        return [table for table in ("bad_rows", "candidates") if self._count(table)]

    def _commit(self, typed: TypedRows, folder: Path, transaction: str, stated: Sequence[str]) -> None:
        """Write the rows of the SELECTs `stated`, and what they end, and commit both together."""
        added = (
            write_parquet(self._connection, " UNION ALL BY NAME ".join(stated), folder / "new")
            if stated
            else []
        )
        added += self._write_ended(typed, folder)
        removed, rewritten = rewrite_superseded(self._connection, typed.table, self._stamp.sql_time, folder)
        if added or removed:
            reached("import.table_written")
            self._tables.commit(typed.table, [*added, *rewritten], removed, transaction)
            reached("import.table_committed")

    def _stated(self, typed: TypedRows, outcomes: Mapping[str, int], *, has_plain: bool) -> list[str]:
        """SELECTs of the rows to record: those that share their key with nothing, and chosen candidates."""
        if typed.kind == "retired":
            return []
        stated = [self._plain(typed)] if has_plain else []
        if CHOSEN.intersection(outcomes):
            self._choose(f"SELECT n FROM decided WHERE {IS_CHOSEN}")
            stated.append(self._chosen(typed))
        return stated

    def _plain(self, typed: TypedRows) -> str:
        excluded = [f"_row_number NOT IN (SELECT n FROM {table})" for table in self._excluded()]
        conditions = ["_error_code IS NULL", *excluded]
        end = None if typed.holds_until is None else moment_sql(typed.holds_until)
        columns = _stamped(typed, self._stamp, valid_from="valid_from", valid_to=end)
        return f"SELECT {columns} FROM {typed.relation} WHERE {' AND '.join(conditions)}"

    def _chosen(self, typed: TypedRows) -> str:
        columns = _stamped(typed, self._stamp, valid_from="d.valid_from", valid_to="d.valid_to")
        return (
            f"SELECT {columns} FROM {typed.chosen} t "
            f"JOIN (SELECT * FROM decided WHERE {IS_CHOSEN}) d ON d.n = t._row_number"
        )

    def _write_ended(self, typed: TypedRows, folder: Path) -> list[WrittenFile]:
        """Versions recorded again with another start or end."""
        files = self._files_of("ended") if typed.table.is_versioned else []
        if not files:
            return []
        columns = ", ".join(
            f"{_replaced_lineage(c.name, self._stamp)} AS {quoted(c.name)}" for c in typed.table.columns
        )
        ended = (
            f"SELECT {columns} FROM {_recorded(typed.table, files)} t "
            "JOIN ended e ON e.f = t.filename AND e.r = t.file_row_number"
        )
        return write_parquet(self._connection, ended, folder / "ended")

    def _count(self, table: str) -> int:
        [(count,)] = self._rows(f"SELECT count(*) FROM {table}")
        return int(count)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement)


def _stamped(typed: TypedRows, stamp: Stamp, *, valid_from: str, valid_to: str | None) -> str:
    """The select list that turns typed rows into rows of the table, without columns that are all null."""
    values: dict[str, str | None] = {
        "valid_from": valid_from,
        "valid_to": valid_to,
        "source": literal(stamp.source),
        "ingest_run_id": literal(stamp.run_id),
        "recorded_at": stamp.sql_time,
        "superseded_at": None,
        **dict.fromkeys(typed.absent),
    }
    chosen = {c.name: values.get(c.name, quoted(c.name)) for c in typed.table.columns}
    return ", ".join(f"{value} AS {quoted(name)}" for name, value in chosen.items() if value is not None)


def _recorded(table: Table, files: Sequence[str]) -> str:
    """The recorded rows of some files, with the file and the row in it that each comes from."""
    return f"({read_files(table.columns, files, with_position=True)})"


def _replaced_lineage(column: str, stamp: Stamp) -> str:
    """An ended version keeps its content and source; what changed is its time, and who says so."""
    values = {
        "valid_from": "e.starts_at",
        "valid_to": "e.ends_at",
        "ingest_run_id": literal(stamp.run_id),
        "recorded_at": stamp.sql_time,
        "superseded_at": "NULL::TIMESTAMPTZ",
    }
    return values.get(column, f"t.{quoted(column)}")


def _add_outcome(merged: Merged, outcome: str, number: int) -> None:
    if outcome == "accepted":
        merged.num_accepted += number
    elif outcome in ("updated", "retired"):
        merged.num_updated += number
    elif outcome == "duplicate":
        merged.num_duplicate += number
    elif outcome == "conflict":
        merged.num_conflicting += number
