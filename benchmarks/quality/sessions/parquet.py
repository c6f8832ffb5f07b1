"""Sessions as a task: TRAIN has `items`, a session a row, the oldest first; TEST has `prefix` and `target`.

The last tenth of TRAIN is for validation: each of its sessions is cut at random, what comes before the cut is
known, the product after it is to be foretold. Times are made up: a session a minute, a product a second.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from benchmarks.quality.sequential.task import FIRST_DAY, BadFileError, Exam, Task

VALIDATION_SHARE = 0.1
SEED = 0


@dataclass(frozen=True, slots=True)
class Files:
    """`validation_targets`: at most so many sessions of the last tenth are judged, drawn by a fixed seed."""

    train: Path
    test: Path
    validation_targets: int = 5_000

    def hash(self) -> str:
        digest = hashlib.sha256(f"sessions 1, {VALIDATION_SHARE}, {self.validation_targets}".encode())
        for path in (self.train, self.test):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def read_task(files: Files) -> Task:
    """The model that is judged on the test is fitted again on all of TRAIN. Raises BadFileError."""
    train = _column(files.train, "items")
    num_learned = train.height - round(train.height * VALIDATION_SHARE)
    prefixes, targets = _validation(train.slice(num_learned), files)
    test = _test(files.test, train.height)
    everything = _interactions(train)
    return Task(
        learned=pl.concat([_interactions(train.head(num_learned)), prefixes]),
        later=targets,
        validation=Exam(prefixes, targets),
        test=test,
        products=None,
        masks_history=False,
        everything=everything,
        facts=_facts(train, everything, targets, test),
    )


def _column(path: Path, *names: str) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadFileError(f"{path} cannot be read as Parquet: {error}") from error
    if missing := [name for name in names if name not in rows.columns]:
        raise BadFileError(f"{path} has no column {', '.join(missing)}; it has {', '.join(rows.columns)}")
    sequence = rows[names[0]]
    if not isinstance(sequence.dtype, pl.List) or (sequence.list.len().fill_null(0) == 0).any():
        raise BadFileError(f"{path}: each `{names[0]}` must be a list of at least one product")
    return rows.select(*names).with_row_index("session")


def _interactions(sessions: pl.DataFrame, first_place: int = 0) -> pl.DataFrame:
    """INTERACTIONS of rows (session, items); `session` numbers the minutes."""
    rows = sessions.select("session", product_id="items").explode("product_id")
    place = pl.int_range(pl.len(), dtype=pl.Int64).over("session") + first_place
    moment = pl.duration(minutes=pl.col("session"), seconds=place)
    return rows.select(
        customer_id=_name(pl.col("session")),
        product_id=pl.col("product_id").cast(pl.String),
        occurred_at=(pl.lit(FIRST_DAY) + moment).cast(pl.Datetime("us", "UTC")),
        weight=pl.lit(1.0),
    )


def _name(session: pl.Expr) -> pl.Expr:
    return session.cast(pl.String).str.zfill(9)


def _validation(sessions: pl.DataFrame, files: Files) -> tuple[pl.DataFrame, pl.DataFrame]:
    cuttable = sessions.filter(pl.col("items").list.len() > 1)
    if cuttable.is_empty():
        raise BadFileError(f"{files.train}: no session of the last tenth has two products")
    random = np.random.default_rng(SEED)
    chosen = random.permutation(cuttable.height)[: files.validation_targets]
    cut = cuttable[np.sort(chosen)]
    lengths = cut["items"].list.len().cast(pl.Int64).to_numpy()
    at = pl.Series("at", random.integers(1, lengths))
    cut = cut.with_columns(at)
    known = cut.with_columns(items=pl.col("items").list.head(pl.col("at")))
    next_one = cut.with_columns(items=pl.col("items").list.slice(pl.col("at"), 1))
    return _interactions(known), _after(next_one, cut["at"])


def _test(path: Path, first_minute: int) -> Exam:
    rows = _column(path, "prefix", "target").with_columns(pl.col("session") + first_minute)
    prefixes = rows.select("session", items="prefix")
    targets = rows.select("session", items=pl.concat_list("target"))
    return Exam(_interactions(prefixes), _after(targets, prefixes["items"].list.len()))


def _after(targets: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """The interactions of one product a session, that many seconds after its first."""
    rows = _interactions(targets)
    return rows.with_columns(pl.col("occurred_at") + pl.duration(seconds=places.cast(pl.Int64)))


def _facts(
    train: pl.DataFrame, everything: pl.DataFrame, validation: pl.DataFrame, test: Exam
) -> dict[str, int]:
    repeated = test.targets.join(test.histories, on=["customer_id", "product_id"], how="semi")
    return {
        "sessions": train.height,
        "products": everything["product_id"].n_unique(),
        "interactions": everything.height,
        "validation_targets": validation.height,
        "test_targets": test.targets.height,
        "targets_among_own_products": repeated.height,
        "targets_never_learned": test.targets.join(everything, on="product_id", how="anti").height,
    }


def read_sessions(paths: dict[str, Any]) -> Task:
    return read_task(Files(Path(paths["train"]), Path(paths["test"]), paths["validation_targets"]))


def named(files: Files) -> Sequence[str]:
    return [files.train.name, files.test.name]
