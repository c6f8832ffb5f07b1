"""Intervals as wide as held in windows of the past, around medians that stay.

Every pair of quantiles lies a factor farther from the median than the model told: the conformal quantile of
what was missed in units of the pair's own distance (split conformal prediction with a normalized score; Lei
et al., Distribution-Free Predictive Inference for Regression, 2018). It never lies nearer: where most series
sell nothing in most periods nothing is missed there, which says nothing of those that sell. Both sides, all
steps and all series share a factor: errors of one window go together, and what finer groups learn of them is
that window (the medians that were moved by step and class told The Complete Journey and Rossmann worse in
every model).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.predict.forecast.conformal import conformal_quantiles
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import LEVELS_ARRAY, QUANTILES

_MIDDLE = len(QUANTILES) // 2
# What each pair of quantiles promises to hold, the outermost first.
_HELD = 1 - 2 * LEVELS_ARRAY[:_MIDDLE]


@dataclass(frozen=True, eq=False)
class Widths:
    """`factors` (pairs,): of the distances from the median, the outermost pair first."""

    factors: Floats

    def applied(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """A FORECAST frame with the quantiles set. None falls below 0, or below the lowest that was told; an
        inner one never lies outside an outer one; a row with a null stays as it is."""
        if forecasts.is_empty():
            return forecasts
        told = forecasts.select(QUANTILES).to_numpy().astype(np.float64)
        median = told[:, [_MIDDLE]]
        found = median + np.concatenate([self.factors, [1.0], self.factors[::-1]]) * (told - median)
        found[:, _MIDDLE:] = np.maximum.accumulate(found[:, _MIDDLE:], axis=1)
        found[:, _MIDDLE::-1] = np.minimum.accumulate(found[:, _MIDDLE::-1], axis=1)
        found = np.maximum(found, np.minimum(0.0, told[:, [0]]))
        found = np.where(np.isnan(told).any(axis=1, keepdims=True), told, found)
        columns = [pl.Series(name, found[:, place]).fill_nan(None) for place, name in enumerate(QUANTILES)]
        return forecasts.with_columns(columns)

    def factor(self, held: float) -> float:
        """Of the pair that promises to hold that share."""
        return float(self.factors[int(np.argmin(np.abs(_HELD - held)))])

    def to_table(self) -> pl.DataFrame:
        return pl.DataFrame({"held": _HELD, "factor": self.factors})

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> "Widths":
        return cls(table["factor"].to_numpy())


def learn_widths(results: pl.DataFrame) -> Widths:
    """From FORECAST columns and `value` of one or more windows. A row without a width tells nothing; where
    none has one, the factor is 1."""
    known = results.drop_nulls(["value", *QUANTILES])
    told, came = known.select(QUANTILES).to_numpy().astype(np.float64), known["value"].to_numpy()
    median = told[:, _MIDDLE]
    missed = np.abs(came - median)
    factors = []
    for place, held in enumerate(_HELD):
        side = np.where(came >= median, told[:, -1 - place] - median, median - told[:, place])
        relative = np.divide(missed, side, out=np.full(len(missed), np.nan), where=side > 0)
        factors.append(conformal_quantiles(relative, (float(held),))[0])
    return Widths(np.maximum(np.nan_to_num(np.array(factors), nan=1.0), 1.0))
