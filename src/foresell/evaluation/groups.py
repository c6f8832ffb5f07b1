"""Whom a model serves worse: a score's gap between each group and everyone else, with honest intervals.

With many groups one is always worst; gaps are therefore judged all together (Bonferroni, 1936), and a group
too small to be judged is named as such. Source of the intervals: Welch, Biometrika 34, 1947; a group's own
variance is taken to be no less than that of all.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtrit

from foresell.contracts.errors import InputError

SMALL = 30
Floats = NDArray[np.float64]
# A number and its interval.
Triple = tuple[float | None, float | None, float | None]


def group_gaps(scores: pl.DataFrame, score: str, *, small: int = SMALL, level: float = 0.95) -> pl.DataFrame:
    """A row a group, ascending by group, null first:

        group, num_customers
        value, lower, upper          the group's mean and its own interval
        gap, gap_lower, gap_upper    mean less the mean of everyone else; the intervals of all groups hold
                                     together with a chance of `level`
        is_small                     fewer than `small` customers: no ground for a judgment, whatever the gap
        is_apart                     not small, and the gap's interval leaves out 0

    `scores`: a row a customer, with `group` (null is a group of its own) and the column `score`; customers
    whose score is null or NaN are left out. An interval needs two customers on each side, else null.
    Raises InputError where `scores` lacks a column, or no customer has a score.
    """
    if missing := [name for name in ("group", score) if name not in scores.columns]:
        raise InputError(
            "Scores by group need a column of each",
            received=", ".join(scores.columns),
            do=f"Add {', '.join(missing)}.",
        )
    known = scores.select("group", value=pl.col(score).cast(pl.Float64).fill_nan(None)).drop_nulls("value")
    if known.is_empty():
        raise InputError(f"No customer has the score '{score}'", do="Give at least one.")
    values = {
        keys[0]: rows["value"].to_numpy()
        for keys, rows in known.sort("group", nulls_last=False).group_by("group", maintain_order=True)
    }
    # Two-sided: the share below the upper end of one interval, and of one of as many as there are groups.
    alone, together = (1 + level) / 2, 1 - (1 - level) / (2 * len(values))
    rows = []
    for group, own in values.items():
        others = [other for name, other in values.items() if name != group]
        gap = _gap(own, np.concatenate(others) if others else np.empty(0), together)
        rows.append([group, len(own), *_mean(own, alone), *gap])
    numbers = ["value", "lower", "upper", "gap", "gap_lower", "gap_upper"]
    schema: dict[str, pl.DataType] = {"group": known.schema["group"], "num_customers": pl.Int64()}
    schema |= {name: pl.Float64() for name in numbers}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    is_apart = (pl.col("gap_lower") > 0) | (pl.col("gap_upper") < 0)
    return found.with_columns(is_small=pl.col("num_customers") < small).with_columns(
        is_apart=(is_apart & ~pl.col("is_small")).fill_null(False)
    )


def _mean(own: Floats, share: float) -> Triple:
    middle = float(own.mean())
    if len(own) < 2:
        return middle, None, None
    half = float(stdtrit(len(own) - 1, share)) * float(own.std(ddof=1)) / len(own) ** 0.5
    return middle, middle - half, middle + half


def _gap(own: Floats, others: Floats, share: float) -> Triple:
    if not len(others):
        return None, None, None
    middle = float(own.mean() - others.mean())
    if min(len(own), len(others)) < 2:
        return middle, None, None
    free = np.array([len(own) - 1, len(others) - 1])
    variances = np.array([own.var(ddof=1), others.var(ddof=1)])
    # A small group that by luck has missed the rare high scores looks both low and sure of it.
    variances[0] = max(variances[0], float(variances @ free) / float(free.sum()))
    parts = variances / (free + 1)
    error = float(parts.sum()) ** 0.5
    if error == 0:
        return middle, middle, middle
    # Welch and Satterthwaite's degrees of freedom.
    freedom = error**4 / float((parts**2 / free).sum())
    half = float(stdtrit(freedom, share)) * error
    return middle, middle - half, middle + half
