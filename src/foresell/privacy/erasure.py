"""Erasing people from raw files: their rows are blanked, so that row numbers and counts stay true.

Who was erased is known only as tombstones: HMACs of their identifiers under the store's key.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.privacy.tokens import token, token_sql
from foresell.store.durable import sync_folder
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    import duckdb

Tombstone = tuple[str, str]

# Words of a line that could not be split: what stands between any separators, and between all signs.
WORD_SEPARATORS = (r"[\s,;|\t\"'']+", r"[\s,;|\t\"'':={}\[\]()<>/\\^~]+")


def tombstone(key: bytes, kind: str, value: str) -> Tombstone:
    return kind, token(key, f"erased:{kind}", value)


def load_tombstones(connection: "duckdb.DuckDBPyConnection", tombstones: Sequence[Tombstone]) -> None:
    """Give a prepared connection the table `tombstones` (kind, token)."""
    connection.execute("CREATE OR REPLACE TEMP TABLE tombstones (kind VARCHAR, token VARCHAR)")
    if tombstones:
        kinds, marks = zip(*tombstones, strict=True)
        connection.execute(
            "INSERT INTO tombstones SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [list(kinds), list(marks)],
        )


def is_buried_sql(kind: str, text: str) -> str:
    """The SQL condition that an identifier, as text, was erased."""
    mark = token_sql(f"erased:{kind}", text)
    return f"{mark} IN (SELECT token FROM tombstones WHERE kind = {literal(kind)})"


def blank_erased_rows(
    connection: "duckdb.DuckDBPyConnection",
    folder: Path,
    identifiers: Mapping[str, Sequence[str]],
    tombstones: Sequence[Tombstone],
) -> int:
    """Blank the rows of erased people in a run's folder; returns how many.

    `identifiers`: kind → SQL expressions over the raw columns that give an identifier of that kind.
    A blanked row keeps its place, with every column null and `_erased` true. Of lines that could not
    be split, the text goes if any word of it is an erased identifier of any kind. The connection has
    the store's key (`prepare_tokens`).
    """
    load_tombstones(connection, tombstones)
    connection.execute("SET preserve_insertion_order = true")
    try:
        parts = sorted(folder.glob("part-*.parquet"))
        blanked = sum(_blank_part(connection, part, identifiers) for part in parts)
        rejects = folder / "rejects.parquet"
        if rejects.exists():
            blanked += _blank_rejects(connection, rejects, sorted({kind for kind, _ in tombstones}))
    finally:
        connection.execute("SET preserve_insertion_order = false")
    return blanked


def _blank_part(
    connection: "duckdb.DuckDBPyConnection", part: Path, identifiers: Mapping[str, Sequence[str]]
) -> int:
    source = f"read_parquet({literal(str(part))})"
    conditions: list[str] = []
    for kind, expressions in identifiers.items():
        for text in expressions:
            erased = f"erased_values_{len(conditions)}"
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {erased} AS SELECT value FROM "
                f"(SELECT DISTINCT {text} AS value FROM {source}) WHERE {is_buried_sql(kind, 'value')}"
            )
            conditions.append(f"coalesce({text} IN (SELECT value FROM {erased}), false)")
    if not conditions:
        return 0
    is_erased = f"({' OR '.join(conditions)})"
    [(blanked,)] = connection.execute(f"SELECT count(*) FROM {source} WHERE {is_erased}").fetchall()
    if blanked:
        names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        was_erased = "coalesce(_erased, false) OR " if "_erased" in names else ""
        kept = ", ".join(
            f"CASE WHEN _is_erased THEN NULL ELSE {quoted(name)} END AS {quoted(name)}"
            for name in names
            if name != "_erased"
        )
        # The condition is long: written once for each column of a wide file it takes the planner minutes.
        judged = f"SELECT *, {is_erased} AS _is_erased FROM {source}"
        _rewrite(connection, f"SELECT {kept}, {was_erased}_is_erased AS _erased FROM ({judged})", part)
    return int(blanked)


def _blank_rejects(connection: "duckdb.DuckDBPyConnection", path: Path, kinds: Sequence[str]) -> int:
    splits = [f"string_split_regex(raw, {literal(separators)})" for separators in WORD_SEPARATORS]
    words = f"list_distinct(list_concat({', '.join(splits)}))"
    marks = [
        f"list_has_any(list_transform({words}, lambda w: {token_sql(f'erased:{kind}', 'w')}), "
        f"(SELECT coalesce(list(token), []) FROM tombstones WHERE kind = {literal(kind)}))"
        for kind in kinds
    ]
    if not marks:
        return 0
    source = f"read_parquet({literal(str(path))})"
    is_erased = f"coalesce({' OR '.join(marks)}, false)"
    [(blanked,)] = connection.execute(f"SELECT count(*) FROM {source} WHERE {is_erased}").fetchall()
    if blanked:
        replaced = f"CASE WHEN {is_erased} THEN NULL ELSE raw END AS raw"
        _rewrite(connection, f"SELECT * REPLACE ({replaced}) FROM {source}", path)
    return int(blanked)


def _rewrite(connection: "duckdb.DuckDBPyConnection", select: str, path: Path) -> None:
    """Put a SELECT over a file in its place, at once and durably."""
    temporary = path.with_suffix(".new")
    connection.execute(f"COPY ({select}) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_folder(path.parent)
