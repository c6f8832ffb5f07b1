"""What a source last said of a row that a repair has changed or ended.

An import is compared with what its source said before, not with what a repair made of it: the same file
again changes nothing, a new word of the source takes the place of the repaired row.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

REPAIR_SOURCE = "repair:"
IS_REPAIRED = f"starts_with(source, '{REPAIR_SOURCE}')"
# A dropped row's copy: recorded, and superseded in the same moment.
IS_DROPPED = f"({IS_REPAIRED} AND superseded_at = recorded_at)"


def recall_sources(
    connection: "duckdb.DuckDBPyConnection", existing: str, hashed: str, columns: dict[str, str]
) -> None:
    """Give the temporary table `believed` the content that sources last said of repaired rows, and a row
    without a place (f, r null) for each row that a repair ended.

    `existing`: the recorded rows; `hashed`: the condition of those that matter; `columns`: SQL of k, c,
    valid_from and valid_to over them.
    """
    rows = f"(SELECT *, {', '.join(f'{sql} AS _{name}' for name, sql in columns.items())} FROM {existing})"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE repaired AS
        SELECT _k AS k, _valid_from AS valid_from,
            arg_max(_c, recorded_at) FILTER (NOT {IS_REPAIRED}) AS said,
            arg_max({IS_DROPPED}, recorded_at) AND NOT bool_or(superseded_at IS NULL) AS is_dropped,
            arg_max(_valid_to, recorded_at) AS valid_to
        FROM {rows} WHERE {hashed} GROUP BY ALL HAVING bool_or({IS_REPAIRED})"""
    )
    connection.execute(
        """UPDATE believed SET c = s.said FROM repaired s
        WHERE s.k = believed.k AND s.valid_from IS NOT DISTINCT FROM believed.valid_from
            AND believed.is_repaired AND s.said IS NOT NULL"""
    )
    connection.execute(
        """INSERT INTO believed (k, c, valid_from, valid_to, is_repaired)
        SELECT k, said, valid_from, valid_to, true FROM repaired WHERE is_dropped AND said IS NOT NULL"""
    )
