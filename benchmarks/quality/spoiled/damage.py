"""What one kind of damage does to the files: changed cells and added rows, each with its truth."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

# A row's number in the clean file, from 1; added rows have numbers that no clean row has.
ROW = "_clean_row"
# Where an added row stands: after this clean row.
AFTER = "_after"
Frames = dict[str, pl.DataFrame]

CHANGE = {"row": pl.Int64, "column": pl.String, "spoiled": pl.String}


@dataclass
class Damage:
    """Collected by file: `cells` (clean row, column, new text, variant) and `rows` added whole.

    A cell is damaged once: a later change of the same cell is left out.
    """

    files: Frames
    cells: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    rows: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def change(self, file: str, column: str, rows: pl.Series, texts: pl.Series, variant: str) -> None:
        made = pl.DataFrame(
            {
                "row": rows.cast(pl.Int64),
                "column": column,
                "spoiled": texts.cast(pl.String),
                "variant": variant,
            },
            schema={**CHANGE, "variant": pl.String},
        )
        self.cells.setdefault(file, []).append(made)

    def add(self, file: str, rows: pl.DataFrame, after: pl.Series, variant: str) -> None:
        """`rows` with ROW still that of the clean row each is a copy of."""
        made = rows.with_columns(after.cast(pl.Float64).alias(AFTER), pl.lit(variant).alias("variant"))
        self.rows.setdefault(file, []).append(made)

    def apply(self) -> tuple[Frames, pl.DataFrame]:
        """The spoiled files and the truth: a row a damaged cell or added row."""
        spoiled, truths = {}, []
        for file, clean in self.files.items():
            rows, truth = self._spoil(file, clean)
            spoiled[file] = rows
            truths.append(truth)
        return spoiled, pl.concat([t for t in truths if t.height] or truths[:1])

    def _spoil(self, file: str, clean: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        changed, changes = self._change_cells(file, clean)
        added = self._added(file, clean)
        together = pl.concat(
            [changed.with_columns(pl.col(ROW).cast(pl.Float64).alias(AFTER), twin=None, variant=None), added],
            how="vertical_relaxed",
        )
        # Stable: an added row stands behind the row it follows.
        together = together.sort(AFTER, maintain_order=True).with_row_index("row", offset=1)
        place = together.filter(pl.col("twin").is_null()).select(
            pl.col(ROW).alias("clean_row"), pl.col("row").cast(pl.Int64)
        )
        cells = (
            changes.rename({"row": "clean_row"})
            .join(place, on="clean_row")
            .with_columns(twin=pl.lit(None, pl.Int64))
        )
        copies = together.filter(pl.col("twin").is_not_null()).select(
            clean_row=pl.col("twin"), column=pl.lit(None, pl.String), original=pl.lit(None, pl.String),
            spoiled=pl.lit(None, pl.String), variant="variant", row=pl.col("row").cast(pl.Int64), twin="twin",
        )  # fmt: skip
        copies = copies.drop("twin").join(
            place.select(clean_row="clean_row", twin="row"), on="clean_row", how="left"
        )
        order = ["file", "row", "column", "variant", "original", "spoiled", "clean_row", "twin"]
        truth = pl.concat([cells.select(order[1:]), copies.select(order[1:])]).with_columns(file=pl.lit(file))
        return together.drop("row", AFTER, "twin", "variant"), truth.select(order).sort("row", "column")

    def _change_cells(self, file: str, clean: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        schema = {**CHANGE, "variant": pl.String, "original": pl.String}
        changes, result = [], clean
        wanted = (
            pl.concat(self.cells[file])
            if file in self.cells
            else pl.DataFrame(schema={**CHANGE, "variant": pl.String})
        )
        wanted = wanted.unique(["row", "column"], keep="first", maintain_order=True)
        for (column,), part in wanted.group_by("column", maintain_order=True):
            name = str(column)
            found = clean.select(pl.col(ROW).alias("row"), pl.col(name).alias("original")).join(
                part, on="row"
            )
            found = found.filter(~pl.col("original").eq_missing(pl.col("spoiled")))
            changes.append(found.select(list(schema)))
            new = found.select(
                pl.col("row").alias(ROW), pl.col("spoiled").alias("_new"), pl.lit(True).alias("_is")
            )
            result = (
                result.join(new, on=ROW, how="left", maintain_order="left")
                .with_columns(pl.when("_is").then("_new").otherwise(name).alias(name))
                .drop("_new", "_is")
            )
        return result, pl.concat(changes) if changes else pl.DataFrame(schema=schema)

    def _added(self, file: str, clean: pl.DataFrame) -> pl.DataFrame:
        schema = {**clean.schema, AFTER: pl.Float64, "twin": pl.Int64, "variant": pl.String}
        if file not in self.rows:
            return pl.DataFrame(schema=schema)
        rows = pl.concat(self.rows[file]).with_columns(twin=pl.col(ROW))
        fresh = pl.int_range(pl.len()) + clean.height + 1
        return rows.with_columns(fresh.cast(pl.Int64).alias(ROW)).select(list(schema))


def pick(generator: np.random.Generator, candidates: pl.Series, count: int) -> pl.Series:
    """`count` of them (all, if there are fewer) at random, in their own order."""
    size = min(count, len(candidates))
    chosen = np.sort(generator.choice(len(candidates), size=size, replace=False))
    return candidates[chosen.tolist()]


def pick_block(generator: np.random.Generator, candidates: pl.Series, count: int) -> pl.Series:
    """`count` neighbors, beginning anywhere."""
    size = min(count, len(candidates))
    start = int(generator.integers(0, len(candidates) - size + 1))
    return candidates[start : start + size]


def parts(total: int, names: Sequence[str]) -> dict[str, int]:
    """An equal share of `total` for each name, at least 1."""
    return {name: max(1, total // len(names)) for name in names}
