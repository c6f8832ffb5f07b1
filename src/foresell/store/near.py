"""Where the keys of a run's rows stand in a table already: one narrow scan, on which the others are spared.

Most corrections are of what came in lately, and a scan of keys is many times cheaper than one of whole rows.
Of a few rows the ranges of their keys are known too, so that most of a large table need not be looked at:
ids that count up, or begin with a time, lie together in its files.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from foresell.contracts.tables import Table
from foresell.store.engine import key_text, literal, quoted, read_files
from foresell.store.said import IS_DROPPED, IS_REPAIRED

if TYPE_CHECKING:
    import duckdb

COLUMNS = (
    "f VARCHAR, r BIGINT, h UBIGINT, k VARCHAR, c UBIGINT, valid_from TIMESTAMPTZ, valid_to TIMESTAMPTZ, "
    "is_believed BOOLEAN, is_dropped BOOLEAN, is_repaired BOOLEAN"
)
# More lengths of ids than these are one range.
MOST_RANGES = 8


def find_near(
    connection: "duckdb.DuckDBPyConnection",
    table: Table,
    files: Sequence[str],
    position: int,
    columns: Mapping[str, str],
    held: str | None = None,
) -> None:
    """Make the temporary table `near` of the recorded rows in `files` whose key stands in `scan_<position>`.

    Its columns: f, r, h (file, row in it, key hash), `columns` (k, c, valid_from, valid_to → SQL) and flags.
    The keys of those that are believed, or that a repair dropped, are added to `shared_keys` (h).
    `held`: a table of the typed rows, if they are few.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE near ({COLUMNS})")
    if not files:
        return
    key_hash = f"hash({key_text(table)})"
    ranges = [] if held is None else _key_ranges(connection, table, held)
    is_asked = " AND ".join([*ranges, f"{key_hash} IN (SELECT h FROM scan_{position})"])
    rows = read_files(table.columns, files, with_position=True)
    found = connection.execute(f"SELECT DISTINCT filename FROM ({rows}) WHERE {is_asked} ORDER BY 1")
    near_files = [str(file) for (file,) in found.fetchall()]
    if not near_files:
        return
    stated = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    connection.execute(
        f"INSERT INTO near BY NAME SELECT filename AS f, file_row_number AS r, {key_hash} AS h, {stated}, "
        f"superseded_at IS NULL AS is_believed, coalesce({IS_DROPPED}, false) AS is_dropped, "
        f"coalesce({IS_REPAIRED}, false) AS is_repaired "
        f"FROM ({read_files(table.columns, near_files, with_position=True)}) WHERE {is_asked}"
    )
    connection.execute("INSERT INTO shared_keys SELECT DISTINCT h FROM near WHERE is_believed OR is_dropped")


def _key_ranges(connection: "duckdb.DuckDBPyConnection", table: Table, held: str) -> list[str]:
    """SQL conditions of the recorded rows that may have a key of the held rows: Parquet files know the least
    and the greatest value of each of their columns. One range for each length, since numbers are no texts."""
    conditions = []
    for name in table.key:
        if table.column[name].type != "string" or not table.column[name].required:
            continue
        column = quoted(name)
        ranges = connection.execute(
            f"SELECT min({column}), max({column}) FROM {held} WHERE {column} IS NOT NULL "
            f"GROUP BY length({column}) ORDER BY 1"
        ).fetchall()
        if len(ranges) > MOST_RANGES:
            ranges = [(min(least for least, _ in ranges), max(greatest for _, greatest in ranges))]
        if ranges:
            within = [f"{column} BETWEEN {literal(a)} AND {literal(b)}" for a, b in ranges]
            conditions.append(f"({' OR '.join(within)})")
    return conditions


def is_repair_near(connection: "duckdb.DuckDBPyConnection") -> bool:
    """Whether a repair has said anything of a shared key."""
    found = connection.execute(
        "SELECT 1 FROM near WHERE is_repaired AND h IN (SELECT h FROM shared_keys) LIMIT 1"
    )
    return bool(found.fetchall())
