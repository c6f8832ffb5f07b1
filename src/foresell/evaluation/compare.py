"""Models side by side: chosen on validation, reported on test, with what they cost in time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from foresell.contracts.columns import Type
from foresell.contracts.errors import NotFoundError
from foresell.contracts.results import leaderboard as LEADERBOARD  # noqa: N812
from foresell.evaluation.intervals import Interval
from foresell.evaluation.splits import Split

POLARS_TYPES: dict[Type, pl.DataType] = {
    "string": pl.String(),
    "float": pl.Float64(),
    "timestamp": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One model judged on one split. `scores`: name → value with interval; seconds are wall time.

    `note`: the conditions that a reader must know, such as the rule for repeats.
    """

    task: str
    model: str
    split: Split
    scores: Mapping[str, Interval]
    fit_seconds: float
    predict_seconds: float
    note: str = ""


def leaderboard(trials: Iterable[Trial], made_at: datetime) -> pl.DataFrame:
    """The trials as the `leaderboard` table of the contracts; a score that is not defined is left out."""
    rows = [
        {
            "task": trial.task,
            "model": trial.model,
            "split": trial.split,
            "score": name,
            "value": found.value,
            "lower": found.lower,
            "upper": found.upper,
            "fit_seconds": trial.fit_seconds,
            "predict_seconds": trial.predict_seconds,
            "note": trial.note,
            "made_at": made_at,
        }
        for trial in trials
        for name, found in trial.scores.items()
    ]
    schema = {column.name: POLARS_TYPES[column.type] for column in LEADERBOARD.columns}
    frame = pl.DataFrame(rows, schema=schema)
    return frame.filter(pl.col("value").is_not_nan()).with_columns(pl.col("lower", "upper").fill_nan(None))


def choose(board: pl.DataFrame, score: str, *, higher_is_better: bool, split: Split = "validation") -> str:
    """The best model by `score` on `split`; equal values: the first name.

    Choosing on the validation split keeps the test split honest. Raises NotFoundError where the board has
    no such score there.
    """
    rows = board.filter(pl.col("split") == split, pl.col("score") == score)
    if rows.is_empty():
        found = ", ".join(sorted(board.filter(pl.col("split") == split)["score"].unique())) or "none"
        raise NotFoundError(f"No model has the score '{score}' on {split}", do=f"Scores there: {found}.")
    best = rows.sort("value", "model", descending=[higher_is_better, False]).row(0, named=True)
    return str(best["model"])
