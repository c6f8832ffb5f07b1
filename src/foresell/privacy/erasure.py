"""Erasing people from raw files: their rows are blanked, so that row numbers and counts stay true.

Who was erased is known only as tombstones: HMACs of their identifiers under the store's key.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.privacy.tokens import token, token_sql
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    import duckdb

Tombstone = tuple[str, str]

# Words of a line that could not be split: whatever stands between separators.
WORD_SEPARATORS = r"[\s,;|\t\"'']+"


def tombstone(key: bytes, kind: str, value: str) -> Tombstone:
    return kind, token(key, f"erased:{kind}", value)


def load_tombstones(connection: "duckdb.DuckDBPyConnection", tombstones: Sequence[Tombstone]) -> None:
    """Give a prepared connection the table `tombstones` (kind, token)."""
    connection.execute("CREATE OR REPLACE TEMP TABLE tombstones (kind VARCHAR, token VARCHAR)")
    if tombstones:
        connection.executemany("INSERT INTO tombstones VALUES (?, ?)", [list(mark) for mark in tombstones])


def is_buried_sql(kind: str, text: str) -> str:
    """The SQL condition that an identifier, as text, was erased."""
    mark = token_sql(f"erased:{kind}", text)
    return f"{mark} IN (SELECT token FROM tombstones WHERE kind = {literal(kind)})"


def blank_erased_rows(
    connection: "duckdb.DuckDBPyConnection",
    folder: Path,
    columns: Mapping[str, str],
    tombstones: Sequence[Tombstone],
) -> int:
    """Blank the rows of erased people in a run's folder; returns how many.

    `columns`: raw column → kind of identifier. A blanked row keeps its place, with every column
    null and `_erased` true. Of lines that could not be split, the text goes if any word of it is
    an erased identifier. The connection has the store's key (`prepare_tokens`).
    """
    load_tombstones(connection, tombstones)
    connection.execute("SET preserve_insertion_order = true")
    try:
        blanked = sum(
            _blank_part(connection, part, columns) for part in sorted(folder.glob("part-*.parquet"))
        )
    finally:
        connection.execute("SET preserve_insertion_order = false")
    rejects = folder / "rejects.parquet"
    if rejects.exists():
        _blank_rejects(connection, rejects, sorted(set(columns.values())))
    return blanked


def _blank_part(connection: "duckdb.DuckDBPyConnection", part: Path, columns: Mapping[str, str]) -> int:
    source = f"read_parquet({literal(str(part))})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    types = {row[0]: row[1] for row in described}
    conditions = []
    for position, (column, kind) in enumerate((c, k) for c, k in columns.items() if c in types):
        text = identifier_text(column, types[column])
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE erased_values_{position} AS SELECT DISTINCT {text} AS value "
            f"FROM {source} WHERE {is_buried_sql(kind, text)}"
        )
        conditions.append(f"coalesce({text} IN (SELECT value FROM erased_values_{position}), false)")
    if not conditions:
        return 0
    is_erased = f"({' OR '.join(conditions)})"
    [(blanked,)] = connection.execute(f"SELECT count(*) FROM {source} WHERE {is_erased}").fetchall()
    if blanked:
        was_erased = "coalesce(_erased, false) OR " if "_erased" in types else ""
        kept = ", ".join(
            f"CASE WHEN {is_erased} THEN NULL ELSE {quoted(c)} END AS {quoted(c)}"
            for c in types
            if c != "_erased"
        )
        _rewrite(connection, f"SELECT {kept}, {was_erased}{is_erased} AS _erased FROM {source}", part)
    return int(blanked)


def _blank_rejects(connection: "duckdb.DuckDBPyConnection", path: Path, kinds: Sequence[str]) -> None:
    words = f"string_split_regex(raw, {literal(WORD_SEPARATORS)})"
    marks = [
        f"list_has_any(list_transform({words}, lambda w: {token_sql(f'erased:{kind}', 'w')}), "
        f"(SELECT coalesce(list(token), []) FROM tombstones WHERE kind = {literal(kind)}))"
        for kind in kinds
    ]
    if not marks:
        return
    select = (
        f"SELECT * REPLACE (CASE WHEN {' OR '.join(marks)} THEN NULL ELSE raw END AS raw) "
        f"FROM read_parquet({literal(str(path))})"
    )
    _rewrite(connection, select, path)


def identifier_text(column: str, sql_type: str) -> str:
    """An identifier of a raw column as the canonical tables spell it."""
    text = f"nullif(trim(CAST({quoted(column)} AS VARCHAR)), '')"
    if sql_type in ("DOUBLE", "FLOAT"):
        return f"regexp_replace({text}, '\\.0$', '')"
    return text


def _rewrite(connection: "duckdb.DuckDBPyConnection", select: str, path: Path) -> None:
    temporary = path.with_suffix(".new")
    connection.execute(f"COPY ({select}) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
    temporary.rename(path)
