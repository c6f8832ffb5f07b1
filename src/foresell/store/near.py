"""Where the keys of a run's rows stand in a table already: one narrow scan, on which the others are spared.

Most corrections are of what came in lately, and a scan of keys is many times cheaper than one of whole rows.
"""

from typing import TYPE_CHECKING

from foresell.contracts.tables import Table
from foresell.store.engine import key_text
from foresell.store.said import IS_DROPPED, IS_REPAIRED

if TYPE_CHECKING:
    import duckdb

COLUMNS = "f VARCHAR, h UBIGINT, is_believed BOOLEAN, is_dropped BOOLEAN, is_repaired BOOLEAN"
SHARED = "h IN (SELECT h FROM shared_keys)"


def find_near(
    connection: "duckdb.DuckDBPyConnection", table: Table, existing: str, position: int, has_files: bool
) -> None:
    """Make the temporary table `near` (f, h: file, key hash) of rows whose key stands in `scan_<position>`,
    and add those that are believed to `shared_keys` (h). `existing`: the recorded rows with `filename`.
    """
    if not has_files:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE near ({COLUMNS})")
        return
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE near AS SELECT DISTINCT filename AS f, hash({key_text(table)}) AS h, "
        f"superseded_at IS NULL AS is_believed, coalesce({IS_DROPPED}, false) AS is_dropped, "
        f"coalesce({IS_REPAIRED}, false) AS is_repaired FROM {existing} "
        f"WHERE hash({key_text(table)}) IN (SELECT h FROM scan_{position})"
    )
    connection.execute("INSERT INTO shared_keys SELECT DISTINCT h FROM near WHERE is_believed OR is_dropped")


def near_files(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """The files that hold a believed row of a shared key."""
    found = connection.execute(f"SELECT DISTINCT f FROM near WHERE is_believed AND {SHARED} ORDER BY f")
    return [str(file) for (file,) in found.fetchall()]


def is_repair_near(connection: "duckdb.DuckDBPyConnection") -> bool:
    """Whether a repair has said anything of a shared key."""
    found = connection.execute(f"SELECT 1 FROM near WHERE is_repaired AND {SHARED} LIMIT 1")
    return bool(found.fetchall())
