"""A file of sequences as a task: a line a user, `user item item …`, oldest first.

The last item of a user is the test, the one before it the validation, the rest is learned from. A user of
fewer than three items is learned from and not judged.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from benchmarks.quality.sequential.cold import without_cold
from benchmarks.quality.sequential.task import FIRST_DAY, BadFileError, Exam, Task

LEAST_ITEMS = 3
PRODUCTS = pl.Schema(
    {"product_id": pl.String(), "labels": pl.List(pl.String()), "price": pl.Float64(), "text": pl.String()}
)
Lines = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Files:
    """`days`: the day of each item, a line a user as in `sequences`; with it, items of one day are shuffled
    by `shuffle_seed`. `attributes`: JSON, item → ids. `texts`: tab-separated with a heading, the first column
    the item and the last its text. `cold_share`: the share of products, drawn by `cold_seed`, that nobody is
    seen to take: they are gone from all histories, and only they are asked for in the test."""

    sequences: Path
    attributes: Path | None = None
    texts: Path | None = None
    days: Path | None = None
    shuffle_seed: int = 0
    cold_share: float = 0.0
    cold_seed: int = 0

    def hash(self) -> str:
        """Of all that the task is made of."""
        told = f"leave-last-out 1, shuffle {self.shuffle_seed}"
        if self.cold_share:
            told += f", cold {self.cold_share} {self.cold_seed}"
        digest = hashlib.sha256(told.encode())
        for path in (self.sequences, self.attributes, self.texts, self.days):
            digest.update(hashlib.sha256(b"" if path is None else path.read_bytes()).digest())
        return digest.hexdigest()


def read_task(files: Files) -> Task:
    """Raises BadFileError, which names the line."""
    lines = read_lines(files.sequences)
    if files.days is not None:
        lines = shuffled_days(lines, read_lines(files.days), files)
    rows = _interactions(lines)
    judged = pl.col("num_items") >= LEAST_ITEMS
    last, before_last = pl.col("place") == pl.col("num_items"), pl.col("place") == pl.col("num_items") - 1
    learned = rows.filter(~judged | ~(last | before_last))
    if learned.height == rows.height:
        raise BadFileError(
            f"{files.sequences}: no user has {LEAST_ITEMS} items or more, so nobody can be judged"
        )
    exams = [
        Exam(_plain(rows.filter(judged & past)), _plain(rows.filter(judged & target)))
        for past, target in ((~(last | before_last), before_last), (~last, last))
    ]
    whole = Task(
        learned=_plain(learned),
        later=exams[0].targets,
        validation=exams[0],
        test=exams[1],
        products=_products(rows, files),
        masks_history=True,
        facts=_facts(rows, learned, exams[1]),
    )
    return without_cold(whole, files.cold_share, files.cold_seed) if files.cold_share else whole


def read_lines(path: Path) -> Lines:
    """User → items. Raises BadFileError for an empty file, a line without items, a user's second line."""
    lines: Lines = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFileError(f"{path} cannot be read as UTF-8 text: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        user, *items = line.split() or [""]
        if not user:
            continue
        if not items:
            raise BadFileError(f"{path}, line {number}: '{line[:60]}' has no items; wanted: user item item …")
        if user in lines:
            raise BadFileError(
                f"{path}, line {number}: user '{user}' has an earlier line; wanted: one a user"
            )
        lines[user] = items
    if not lines:
        raise BadFileError(f"{path} holds no sequences; wanted: a line a user, user item item …")
    return lines


def shuffled_days(lines: Lines, days: Lines, files: Files) -> Lines:
    """The items of each user, those of one day in a random order. Days must not fall."""
    random = np.random.default_rng(files.shuffle_seed)
    result = {}
    for user, items in lines.items():
        when = days.get(user, [])
        if len(when) != len(items):
            raise BadFileError(f"{files.days}: user '{user}' has {len(when)} days, but {len(items)} items")
        starts = [0, *(n for n in range(1, len(when)) if when[n] != when[n - 1]), len(when)]
        if len(set(when)) != len(starts) - 1:
            raise BadFileError(f"{files.days}: the days of user '{user}' are not in order")
        spans = pairwise(starts)
        result[user] = [items[n] for a, b in spans for n in a + random.permutation(b - a)]
    return result


def _interactions(lines: Lines) -> pl.DataFrame:
    """INTERACTIONS with `place` (from 1) and `num_items`; the n-th item comes after n days."""
    rows = pl.DataFrame(
        {"customer_id": list(lines), "product_id": list(lines.values())},
        schema={"customer_id": pl.String, "product_id": pl.List(pl.String)},
    )
    numbered = rows.with_columns(num_items=pl.col("product_id").list.len().cast(pl.Int64)).explode(
        "product_id"
    )
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("customer_id")
    return numbered.with_columns(
        place=place,
        occurred_at=(pl.lit(FIRST_DAY) + pl.duration(days=place)).cast(pl.Datetime("us", "UTC")),
        weight=pl.lit(1.0),
    ).sort("customer_id", "occurred_at")


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("customer_id", "product_id", "occurred_at", "weight")


def _products(rows: pl.DataFrame, files: Files) -> pl.DataFrame | None:
    """The PRODUCTS frame of the sequences' products; None where no file tells of them."""
    if files.attributes is None and files.texts is None:
        return None
    labels = {} if files.attributes is None else _labels(files.attributes)
    texts = {} if files.texts is None else _texts(files.texts)
    ids = rows["product_id"].unique().sort().to_list()
    columns: dict[str, Any] = {
        "product_id": ids,
        "labels": [labels.get(item, []) for item in ids],
        "price": [None] * len(ids),
        "text": [texts.get(item) for item in ids],
    }
    return pl.DataFrame(columns, schema=PRODUCTS)


def _labels(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(item): [f"attribute:{label}" for label in labels] for item, labels in found.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadFileError(f"{path}: wanted a JSON object of item → list of ids; {error}") from error


def _texts(path: Path) -> dict[str, str]:
    heading, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    num_columns = len(heading.split("\t"))
    texts = {}
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != num_columns or num_columns < 2:
            raise BadFileError(f"{path}, line {number}: {len(cells)} columns; wanted {max(num_columns, 2)}")
        texts[cells[0]] = cells[-1]
    return texts


def _facts(rows: pl.DataFrame, learned: pl.DataFrame, test: Exam) -> dict[str, int]:
    masked = test.targets.join(test.histories, on=["customer_id", "product_id"], how="semi")
    cold = test.targets.join(learned, on="product_id", how="anti")
    return {
        "users": rows["customer_id"].n_unique(),
        "products": rows["product_id"].n_unique(),
        "interactions": rows.height,
        "judged_users": test.targets.height,
        # Neither can be hit: the first are masked, the second unknown to models that know ids only.
        "targets_among_earlier_products": masked.height,
        "targets_never_learned": cold.height,
    }


def named(paths: Sequence[Path | None]) -> list[str]:
    """For the record: file names without their folders."""
    return [path.name for path in paths if path is not None]
