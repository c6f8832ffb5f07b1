"""The randomized probability integral transform: are forecasts of counts as sure as they say?

An interval of counts cannot cover exactly 80%: if 71% of all months have no sale, [0, 0] covers 71% and
[0, 1] perhaps 85%. So a count y gets a number u drawn uniformly from [F(y − 1), F(y)]; where the forecasts
are right, these are uniform over 0 … 1 (Brockwell, 2007; Czado, Gneiting and Held, Biometrics 65, 2009).

From quantiles, F is known between levels only: F(y) lies between the last level whose quantile is y or less
and the next one, F(y − 1) between the last level whose quantile is less than y and the next. Each is taken
in the middle of that; 0 where no quantile is less than y. An actual that meets no quantile has its u
anywhere between the levels around it, which says exactly on which side of each level it lies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
EDGES = np.array([0.0, *LEVELS, 1.0])
# Where the share of u below is compared with what it should be.
POINTS = np.linspace(0.02, 0.98, 49)
RESAMPLES = 1_000


def column_of(level: float) -> str:
    """The name of a level's column in a forecast."""
    return f"q{level:g}"


@dataclass(frozen=True, slots=True)
class Uniformity:
    """`distance`: the largest difference, over POINTS, between the share of u below a point and the point.
    `p_value`: how often so large a one comes by chance, where whole series come by chance together;
    `p_value_shared`: where what all series share in a period does too; NaN below two series (periods).
    `histogram`: shares of u in ten equal bins."""

    distance: float
    p_value: float
    p_value_shared: float
    num_series: int
    num_values: int
    histogram: tuple[float, ...]


def grid_bounds(levels: ArrayLike, actual: ArrayLike) -> tuple[Floats, Floats]:
    """F(y − 1) and F(y) of each row, between which its u lies: (N,) each; NaN where a level is.

    `levels`: (N, 11) the quantiles of LEVELS; `actual`: (N,)."""
    quantiles, values = np.asarray(levels, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    less = (quantiles < values[:, None]).sum(axis=1)
    not_more = (quantiles <= values[:, None]).sum(axis=1)
    is_met = not_more > less
    middles = (EDGES[:-1] + EDGES[1:]) / 2
    below = np.where(is_met & (less > 0), middles[less], EDGES[less])
    upto = np.where(is_met, middles[not_more], EDGES[not_more + 1])
    is_known = ~np.isnan(quantiles).any(axis=1)
    return np.where(is_known, below, np.nan), np.where(is_known, upto, np.nan)


def randomized(below: ArrayLike, upto: ArrayLike, *, seed: int) -> Floats:
    """(N,) u, drawn uniformly from [below, upto], such as a predictive distribution's F(y − 1) and F(y)."""
    lower, upper = np.asarray(below, dtype=np.float64), np.asarray(upto, dtype=np.float64)
    return lower + np.random.default_rng(seed).random(len(lower)) * (upper - lower)


def pit(forecasts: pl.DataFrame, actuals: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """series_id, date, u of every period with an actual and all levels, sorted.

    Where `forecasts` has the columns cdf_below and cdf, F(y − 1) and F(y) of the model's own distribution at
    the actual, they are taken instead of the levels."""
    both = forecasts.join(actuals.select("series_id", "date", "value"), on=["series_id", "date"])
    both = both.filter(pl.col("value").is_not_null()).sort("series_id", "date")
    if {"cdf_below", "cdf"} <= set(both.columns):
        below, upto = both["cdf_below"].to_numpy(), both["cdf"].to_numpy()
    else:
        below, upto = _bounds_of(both)
    values = pl.Series("u", randomized(below, upto, seed=seed), nan_to_null=True)
    return both.select("series_id", "date", values).drop_nulls()


def pit_shares(both: pl.DataFrame) -> Mapping[str, Floats]:
    """Interval ("80", "95") → (N,) the chance that a row's u lies in it; NaN where a level is null.

    `both`: value and the columns of the levels."""
    below, upto = _bounds_of(both)
    shares = {}
    for name, lower, upper in (("80", 0.1, 0.9), ("95", 0.025, 0.975)):
        inside = np.clip(upto, lower, upper) - np.clip(below, lower, upper)
        length = upto - below
        shares[name] = np.divide(inside, length, out=np.zeros_like(length), where=length != 0)
    return shares


def _bounds_of(both: pl.DataFrame) -> tuple[Floats, Floats]:
    names = [column_of(level) for level in LEVELS]
    levels = both.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    return grid_bounds(levels, both["value"].cast(pl.Float64).to_numpy())


def uniformity(values: pl.DataFrame, *, seed: int) -> Uniformity:
    """Whether the u of `pit` are uniform. Periods of one series are not independent, so that chance is drawn
    once a series (a multiplier bootstrap of the empirical process, Kosorok, 2003). Nor are series of one
    period: a poor month, which no forecast could know, moves all to one side. `p_value_shared` draws chance
    once a period too, by the variance of two-way clusters (Cameron, Gelbach and Miller, 2011); of few
    periods that variance is too small, and the test the stricter.
    """
    u = values["u"].to_numpy()
    num = len(u)
    if not num:
        return Uniformity(np.nan, np.nan, np.nan, 0, 0, (np.nan,) * 10)
    is_below = (u[:, None] <= POINTS).astype(np.float64)
    shares = is_below.mean(axis=0)
    distance = float(np.abs(shares - POINTS).max())
    apart = is_below - shares
    of_series, of_periods = _sums(values["series_id"], apart), _sums(values["date"], apart)
    by_series = of_series.T @ of_series
    shared = by_series + of_periods.T @ of_periods - apart.T @ apart
    is_told = len(of_series) > 1
    histogram = np.histogram(u, bins=10, range=(0.0, 1.0))[0] / num
    return Uniformity(
        distance,
        _chance(distance * num, by_series, seed) if is_told else np.nan,
        _chance(distance * num, shared, seed) if is_told and len(of_periods) > 1 else np.nan,
        len(of_series),
        num,
        tuple(float(one) for one in histogram),
    )


def _sums(groups: pl.Series, rows: Floats) -> Floats:
    """(groups, points) of (N, points)."""
    places = groups.rank("dense").to_numpy().astype(np.int64) - 1
    sums = np.zeros((int(places.max()) + 1, rows.shape[1]))
    np.add.at(sums, places, rows)
    return sums


def _chance(distance: float, covariance: Floats, seed: int) -> float:
    """How often a normal process of that covariance goes as far from 0 as `distance`."""
    found, vectors = np.linalg.eigh(covariance)
    spread = vectors * np.sqrt(np.maximum(found, 0.0))
    drawn = np.random.default_rng(seed).standard_normal((RESAMPLES, len(found)))
    return float((np.abs(drawn @ spread.T).max(axis=1) >= distance).mean())
