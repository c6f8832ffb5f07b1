"""Forecasts of series and of their sums made to add up.

Sources: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., chapter 11 (bottom-up,
forecast proportions); Wickramasuriya, Athanasopoulos and Hyndman, Optimal forecast reconciliation through
trace minimization, JASA 2019 (ols, wls_struct, mint_shrink); Schäfer and Strimmer, 2005 (the shrinkage).
MinTrace is computed as y − W C'(C W C')⁻¹ C y with C the constraints, which needs one sparse factorization of
the size of the sums, not of all series.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError, did_you_mean
from foresell.predict.forecast.hierarchy import Hierarchy
from foresell.predict.forecast.model import FORECAST, VALUES

Method = Literal["bottom_up", "top_down", "ols", "wls_struct", "mint_shrink"]
METHODS: tuple[Method, ...] = ("bottom_up", "top_down", "ols", "wls_struct", "mint_shrink")
Floats = NDArray[np.float64]
# A variance of errors is at least this share of the mean variance: a series without errors is not certain.
LEAST_VARIANCE = 1e-6
LEAST_SHRINKAGE = 1e-4
# Of a bottom series that is never negative at least so much is left of its own forecast: the rest would be
# nothing, for certain.
LEAST_LEFT = 0.05


def reconciled(
    forecasts: pl.DataFrame, hierarchy: Hierarchy, method: Method, errors: Floats | None = None
) -> pl.DataFrame:
    """FORECAST of every node (series_id: node_id) whose means add up.

    `forecasts`: FORECAST of the nodes, the same dates for each; a sum without one is left out by bottom-up
    alone, and bottom series without one must not be in the hierarchy (`Hierarchy.only`). `errors`: (nodes,
    T ≥ 2) of forecasts on past windows, which mint_shrink needs; NaN counts as 0.

    Where no quantile was below 0, bottom means are kept at LEAST_LEFT of their own and the sums are taken
    again. Quantiles keep their distance to the mean in proportion to it: each is multiplied by new mean ÷ old
    mean (added to where it has values below 0, or the old mean is 0); quantiles do not add up, as quantiles
    do not. Raises InputError for what cannot be used.
    """
    names = hierarchy.nodes["node_id"]
    ordered = names.to_frame("series_id").with_row_index("node").join(forecasts, on="series_id", how="left")
    ordered = ordered.sort("node", "date")
    if ordered["mean"].is_null().any() or ordered.height % max(len(names), 1):
        raise InputError(
            "Some series or sums have no forecast",
            do="Forecast every node, or leave it out with Hierarchy.only.",
        )
    base = ordered["mean"].to_numpy().reshape(len(names), -1)
    new = means(base, hierarchy, method, errors)
    floor = ordered.select(pl.min_horizontal(VALUES[1:]).min()).item()
    if floor is not None and floor >= 0:
        bottoms = np.maximum(new[hierarchy.num_sums :], LEAST_LEFT * base[hierarchy.num_sums :])
        new = np.vstack([hierarchy.sums @ bottoms, bottoms])
    moved = ordered.with_columns(new=pl.Series(new.ravel()))
    return moved.select(*FORECAST.names()[:2], pl.col("new").alias("mean"), *_quantiles()).sort(
        "series_id", "date"
    )


def means(base: Floats, hierarchy: Hierarchy, method: Method, errors: Floats | None = None) -> Floats:
    """(nodes, H) means that add up, of (nodes, H) that need not."""
    count = hierarchy.num_sums
    if method not in METHODS:
        raise InputError(f"'{method}' is no way to reconcile", do=did_you_mean(method, METHODS))
    if method == "bottom_up":
        return np.vstack([hierarchy.sums @ base[count:], base[count:]])
    if method == "top_down":
        return _top_down(base, hierarchy)
    if method == "ols":
        spread = Spread(np.ones(len(base)))
    elif method == "wls_struct":
        spread = Spread(
            np.concatenate([np.asarray(hierarchy.sums.sum(axis=1)).ravel(), np.ones(base.shape[0] - count)])
        )
    else:
        if errors is None or errors.shape[0] != len(base) or errors.shape[1] < 2:
            raise InputError(
                "mint_shrink needs two errors of every node at least", do="Backtest more windows."
            )
        spread = shrunk(errors)
    return _projected(base, hierarchy, spread)


@dataclass(frozen=True, slots=True)
class Spread:
    """A covariance of errors: diag(`own`) + `shared` `shared`'; (n,) and (n, T) or nothing."""

    own: Floats
    shared: Floats | None = None

    def dense(self) -> Floats:
        whole = np.diag(self.own)
        return whole if self.shared is None else np.asarray(whole + self.shared @ self.shared.T)


def shrunk(errors: Floats) -> Spread:
    """The covariance of (n, T) errors around their means, its off-diagonal shrunk towards 0 by Schäfer and
    Strimmer's intensity, without forming the (n, n) matrix."""
    errors = np.nan_to_num(errors)
    length = errors.shape[1]
    centered = errors - errors.mean(axis=1, keepdims=True)
    variance = (centered**2).sum(axis=1) / (length - 1)
    least = LEAST_VARIANCE * max(float(variance.mean()), 1e-12)
    deviation = centered.std(axis=1, keepdims=True)
    scaled = np.divide(centered, deviation, out=np.zeros_like(centered), where=deviation > 0)
    # Sums over the pairs i ≠ j of the mean and of the squares of w = scaled_i × scaled_j.
    gram = scaled.T @ scaled if length < len(scaled) else scaled @ scaled.T
    mean_squares = ((gram**2).sum() - ((scaled**2).sum(axis=1) ** 2).sum()) / length**2
    squares = ((scaled**2).sum(axis=0) ** 2).sum() - (scaled**4).sum()
    noise = (squares - length * mean_squares) / (length * (length - 1))
    intensity = float(np.clip(noise / max(mean_squares, 1e-12), LEAST_SHRINKAGE, 1.0))
    shared = centered * np.sqrt((1.0 - intensity) / (length - 1))
    return Spread(np.maximum(variance, least) - (1.0 - intensity) * variance, shared)


def _projected(base: Floats, hierarchy: Hierarchy, spread: Spread) -> Floats:
    """The coherent means nearest to `base` under the spread."""
    from scipy.sparse import csc_array, diags_array, eye_array, hstack
    from scipy.sparse.linalg import splu

    if hierarchy.num_sums == 0:
        return base
    constraints = csc_array(hstack([eye_array(hierarchy.num_sums), -hierarchy.sums]))
    inner = csc_array(constraints @ diags_array(spread.own) @ constraints.T)
    gap = constraints @ base
    if spread.shared is None:
        return np.asarray(base - spread.own[:, None] * (constraints.T @ splu(inner).solve(gap)))
    wide = constraints @ spread.shared
    if wide.shape[1] >= hierarchy.num_sums:
        solved = np.linalg.solve(inner.toarray() + wide @ wide.T, gap)
    else:
        # Woodbury's identity for the part that the errors share.
        factored: Any = splu(inner)
        through, alone = factored.solve(wide), factored.solve(gap)
        core = np.eye(wide.shape[1]) + wide.T @ through
        solved = alone - through @ np.linalg.solve(core, wide.T @ alone)
    back = constraints.T @ solved
    return np.asarray(base - spread.own[:, None] * back - spread.shared @ (spread.shared.T @ back))


def _top_down(base: Floats, hierarchy: Hierarchy) -> Floats:
    """Each node gets the share of what its parent got that its forecast has in those of its siblings; equal
    shares where they are all 0."""
    if not hierarchy.is_tree:
        raise InputError("Sums that cross cannot be passed down", do="Reconcile bottom-up or by MinTrace.")
    new = base.copy()
    levels = [_node_of_bottom(hierarchy, *bounds) for bounds in pairwise(_level_starts(hierarchy))]
    for upper, lower in pairwise(levels):
        nodes, first = np.unique(lower, return_index=True)
        parents = upper[first]
        given = np.maximum(base[nodes], 0.0)
        sums = np.zeros_like(base)
        np.add.at(sums, parents, given)
        siblings = np.bincount(parents, minlength=len(base))[parents][:, None]
        shares = np.where(sums[parents] > 0, given / np.maximum(sums[parents], 1e-300), 1.0 / siblings)
        new[nodes] = new[parents] * shares
    return new


def _level_starts(hierarchy: Hierarchy) -> list[int]:
    """Where each level begins among the nodes, and their number."""
    levels = hierarchy.nodes["level"]
    changes = np.flatnonzero((levels != levels.shift(1)).fill_null(True).to_numpy())
    return [*changes.tolist(), len(levels)]


def _node_of_bottom(hierarchy: Hierarchy, start: int, stop: int) -> NDArray[np.intp]:
    """(bottoms,) the node of each in the level of nodes `start` to `stop`."""
    if start == hierarchy.num_sums:
        return np.arange(start, stop)
    level = hierarchy.sums[start:stop].tocsc()
    return np.asarray(start + level.indices, np.intp)


def _quantiles() -> list[pl.Expr]:
    can_scale = (pl.col("mean") > 0) & (pl.min_horizontal(VALUES[1:]) >= 0)
    scaled, added = pl.col("new") / pl.col("mean"), pl.col("new") - pl.col("mean")
    return [
        pl.when(can_scale).then(pl.col(name) * scaled).otherwise(pl.col(name) + added).alias(name)
        for name in VALUES[1:]
    ]
