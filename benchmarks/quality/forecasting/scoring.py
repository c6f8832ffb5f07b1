"""Results of one model, judged: scores with intervals, by class, and against a rival."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from benchmarks.quality.forecasting.long import LongFile

from foresell.evaluation.demand_classes import demand_classes
from foresell.evaluation.forecasting import (
    SCORES,
    forecast_scores,
    judge,
    mean_of,
    scales,
    score_difference,
    scores_by,
)
from foresell.evaluation.pit import pit, uniformity

COMPARED = ("mase", "wape", "crps")
SEED = 0


def judged(rows: pl.DataFrame, file: LongFile) -> pl.DataFrame:
    """Rows of `contest.with_values`: a row a series and origin, scaled by what was known then."""
    parts = []
    for (origin,), told in rows.group_by("origin", maintain_order=True):
        known = file.frame.filter(pl.col("date") <= origin)
        parts.append(
            judge(told.drop("value"), told.select("series_id", "date", "value"), scales(known, file.season))
        )
    return pl.concat(parts)


def scores(found: pl.DataFrame) -> dict[str, list[float]]:
    """Score → value, lower, upper."""
    return {
        name: [_rounded(one.value), _rounded(one.lower), _rounded(one.upper)]
        for name, one in forecast_scores(found, seed=SEED).items()
    }


def of_seeds(parts: Sequence[pl.DataFrame]) -> dict[str, dict[str, Any]]:
    """Score → the mean over seeds, and each seed's."""
    told = {}
    for name in SCORES:
        values = [mean_of(part, name) for part in parts]
        told[name] = {
            "mean": _rounded(sum(values) / len(values)),
            "seeds": [_rounded(value) for value in values],
        }
    return told


def less(ours: pl.DataFrame, rival: pl.DataFrame) -> dict[str, list[float]]:
    """Score → ours less the rival's, lower, upper, and the difference over the rival's own score (NaN where
    that is 0)."""
    told = {}
    for name in COMPARED:
        found = score_difference(ours, rival, name, seed=SEED)
        theirs = mean_of(rival, name)
        share = found.value / theirs if theirs else float("nan")
        numbers = [found.value, found.lower, found.upper, share]
        told[name] = [_rounded(number) for number in numbers]
    return told


def by_class(found: pl.DataFrame, file: LongFile, first_origin: date) -> dict[str, Any]:
    """Class ("abc A", "xyz X" …) → num_series and the scores that are compared; classes by what was known
    before the first test window."""
    known = file.frame.filter(pl.col("date") <= first_origin)
    classes = demand_classes(known.drop_nulls("value"))
    told: dict[str, Any] = {}
    for by in ("abc", "xyz"):
        table = scores_by(found, classes, by, seed=SEED).filter(pl.col("score").is_in([*COMPARED, "bias"]))
        for group, number, score, value, *_ in table.iter_rows():
            one = told.setdefault(f"{by} {group}", {"num_series": number})
            one[score] = None if value is None else _rounded(value)
    return told


def uniform(rows: pl.DataFrame) -> Mapping[str, Any]:
    """The test of the randomized PIT, over all origins."""
    keyed = rows.with_columns(
        series=pl.col("series_id"), series_id=pl.concat_str("series_id", "origin", separator="|")
    )
    actuals = keyed.select("series_id", "date", "value")
    values = pit(keyed.drop("value"), actuals, seed=SEED)
    of_series = values.with_columns(series_id=pl.col("series_id").str.split("|").list.first())
    found = uniformity(of_series, seed=SEED)
    return {
        "distance": _rounded(found.distance),
        "p_value": _rounded(found.p_value),
        "p_value_shared": _rounded(found.p_value_shared),
        "num_values": found.num_values,
        "histogram": [_rounded(share) for share in found.histogram],
    }


def _rounded(number: float) -> float:
    return round(float(number), 5)
