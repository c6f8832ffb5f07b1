"""Dirt: what befalls data on its way from a shop's systems, done to the canonical files before they are
imported, with the truth of every spoiled row kept.

Which rows are spoiled is a draw by their keys, so that it does not depend on how the files are cut. A row is
spoiled in one way at most. Every row must end somewhere: see ENDS.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foresell.simulator.draws import Draws, Ints
from foresell.simulator.settings import DirtKind, DirtSection

# By level: the share of the rows of a table that each of its kinds spoils.
RATES = (0.0, 0.002, 0.01, 0.05)
# How a row of each kind ends when it is imported and checked. What is late is only late.
ENDS: dict[DirtKind, str] = {
    "duplicates": "duplicate",
    "missing": "flagged",
    "late_rows": "accepted",
    "broken_encodings": "flagged",
    "swapped_columns": "flagged",
    "unknown_ids": "flagged",
    "unreadable": "quarantined",
}
# Table → kind → the columns that it spoils; whole rows where there are none.
TARGETS: dict[str, dict[DirtKind, tuple[str, ...]]] = {
    "orders": {"duplicates": (), "late_rows": (), "missing": ("payment_method",)},
    "order_lines": {
        "duplicates": (),
        "swapped_columns": ("quantity", "line_amount"),
        "unknown_ids": ("product_id",),
        "unreadable": ("quantity",),
    },
    "products": {"broken_encodings": ("title",), "missing": ("brand",)},
    "customers": {"duplicates": (), "missing": ("birth_year",)},
    "events": {"duplicates": (), "late_rows": (), "unknown_ids": ("product_id",)},
    "refunds": {"late_rows": (), "unreadable": ("amount",)},
}
KEYS = {
    "orders": ("order_id",),
    "order_lines": ("order_line_id",),
    "products": ("product_id", "valid_from"),
    "customers": ("customer_id",),
    "events": ("event_id",),
    "refunds": ("refund_id",),
}
UNREADABLE = ("n/a?", "#REF!", "two", "1O.5")
UNKNOWN = "lost-"
LOST_SIGN = "\ufffd"
TRUTH = pa.schema(
    [(name, pa.string()) for name in ("table_name", "row_key", "kind", "column_name", "clean", "spoiled")]
)
CLEAN = -1


@dataclass
class Spoiler:
    """Spoils the rows of one table; `truth` grows by a row a spoiled cell or moved or doubled row."""

    table: str
    kinds: tuple[DirtKind, ...]
    rate: float
    draws: Draws
    truth: list[pa.Table] = field(default_factory=list)

    def spoil(self, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The rows as they arrive, and those that arrive late."""
        keys = self._keys(rows)
        drawn = self.draws.uniform(f"dirt.{self.table}", _numbers(keys)) / self.rate
        kind = np.where(drawn < len(self.kinds), drawn, CLEAN).astype(np.int64)
        for place, name in enumerate(self.kinds):
            if columns := TARGETS[self.table][name]:
                rows = self._change(rows, keys, np.flatnonzero(kind == place), name, columns)
        again, late = (self._whole(rows, keys, kind, name) for name in ("duplicates", "late_rows"))
        on_time = np.setdiff1d(np.arange(len(rows)), late)
        return pa.concat_tables([rows.take(on_time), rows.take(again)]), rows.take(late)

    def _keys(self, rows: pa.Table) -> list[str]:
        columns = [pc.cast(rows[name], pa.string()).to_pylist() for name in KEYS[self.table]]
        return ["|".join(part or "" for part in parts) for parts in zip(*columns, strict=True)]

    def _whole(self, rows: pa.Table, keys: list[str], kind: Ints, name: DirtKind) -> Ints:
        if name not in self.kinds:
            return np.empty(0, dtype=np.int64)
        chosen = np.flatnonzero(kind == self.kinds.index(name))
        self._note(keys, chosen, name, None, None, None)
        return chosen

    def _change(
        self, rows: pa.Table, keys: list[str], chosen: Ints, kind: DirtKind, columns: tuple[str, ...]
    ) -> pa.Table:
        if kind == "unreadable":
            place = rows.column_names.index(columns[0])
            rows = rows.set_column(place, columns[0], pc.cast(rows[columns[0]], pa.string()))
        spoiled = {name: self._spoiled(rows, keys, chosen, kind, columns, name) for name in columns}
        for name, values in spoiled.items():
            clean = rows[name].take(pa.array(chosen))
            changes = pc.fill_null(pc.not_equal(clean, values), True)
            changes = pc.and_(changes, pc.is_valid(clean)).to_numpy(zero_copy_only=False)
            self._note(keys, chosen[changes], kind, name, clean.filter(changes), values.filter(changes))
            mask = np.zeros(len(rows), dtype=bool)
            mask[chosen] = True
            column = rows[name].combine_chunks()
            whole = pc.replace_with_mask(column, pa.array(mask), values.cast(column.type))
            rows = rows.set_column(rows.column_names.index(name), name, whole)
        return rows

    def _spoiled(
        self,
        rows: pa.Table,
        keys: list[str],
        chosen: Ints,
        kind: DirtKind,
        columns: tuple[str, ...],
        name: str,
    ) -> pa.Array:
        """The values of column `name` in the chosen rows, after the damage."""
        clean = rows[name].take(pa.array(chosen)).combine_chunks()
        if kind == "missing":
            return pa.nulls(len(chosen), clean.type)
        if kind == "swapped_columns":
            other = columns[1 - columns.index(name)]
            return rows[other].take(pa.array(chosen)).combine_chunks().cast(clean.type)
        if kind == "unreadable":
            return pa.array([UNREADABLE[zlib.crc32(keys[i].encode()) % len(UNREADABLE)] for i in chosen])
        change = _misread if kind == "broken_encodings" else _unknown
        return pa.array([None if one is None else change(one) for one in clean.to_pylist()], pa.string())

    def _note(
        self,
        keys: list[str],
        chosen: Ints,
        kind: DirtKind,
        column: str | None,
        clean: pa.Array | None,
        spoiled: pa.Array | None,
    ) -> None:
        number = len(chosen)
        nothing = pa.nulls(number, pa.string())
        cells = {
            "table_name": pa.array([self.table] * number, pa.string()),
            "row_key": pa.array([keys[i] for i in chosen], pa.string()),
            "kind": pa.array([kind] * number, pa.string()),
            "column_name": pa.array([column] * number, pa.string()),
            "clean": nothing if clean is None else pc.cast(clean, pa.string()),
            "spoiled": nothing if spoiled is None else pc.cast(spoiled, pa.string()),
        }
        self.truth.append(pa.table(cells, schema=TRUTH))


def spoil_folder(folder: Path, truth: Path, settings: DirtSection, seed: int) -> dict[str, int]:
    """Spoil `FOLDER/<table>/*.parquet` in place, a group of rows at a time; late rows go to files of their
    own, whose names come after the others'. `TRUTH/dirt.parquet` tells what was done; so does the answer:
    kind → cells changed and rows moved or doubled. Level 0 does nothing.
    """
    if not settings.level:
        return {}
    draws = Draws(seed)
    truth.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with pq.ParquetWriter(truth / "dirt.parquet", TRUTH) as writer:
        for table, targets in TARGETS.items():
            kinds = tuple(kind for kind in targets if not settings.kinds or kind in settings.kinds)
            spoiler = Spoiler(table, kinds, RATES[settings.level], draws)
            for file in sorted((folder / table).glob("*.parquet")) if kinds else ():
                for part in _spoil_file(spoiler, file):
                    writer.write_table(part)
                    for kind in part["kind"].to_pylist():
                        counts[kind] = counts.get(kind, 0) + 1
    return counts


def _spoil_file(spoiler: Spoiler, file: Path) -> Iterator[pa.Table]:
    """Rewrites a file; yields what is to be known of it."""
    on_time, late = file.with_suffix(".part"), file.with_name(f"{spoiler.table}-late-{file.name}")
    writers: dict[Path, pq.ParquetWriter] = {}
    with pq.ParquetFile(file) as source:
        for group in range(source.num_row_groups):
            parts = spoiler.spoil(source.read_row_group(group))
            for path, rows in zip((on_time, late), parts, strict=True):
                if not rows.num_rows:
                    continue
                if path not in writers:
                    writers[path] = pq.ParquetWriter(path, rows.schema, compression="zstd")
                writers[path].write_table(rows)
            yield from spoiler.truth
            spoiler.truth.clear()
    for writer in writers.values():
        writer.close()
    if on_time in writers:
        on_time.replace(file)
    else:
        file.unlink()


def _numbers(keys: list[str]) -> Ints:
    return np.array([zlib.crc32(key.encode()) for key in keys], dtype=np.int64)


def _misread(text: str) -> str:
    """UTF-8 read as Latin-1; of plain text, which that leaves as it is, a letter is lost."""
    wrong = text.encode().decode("latin-1")
    return wrong if wrong != text else text[:1] + LOST_SIGN + text[2:]


def _unknown(identifier: str) -> str:
    return UNKNOWN + identifier
