"""Which way to make forecasts add up, chosen by how far each was from what came on past windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.forecast.hierarchy import Hierarchy
from foresell.predict.forecast.reconcile import METHODS, Method, means

Floats = NDArray[np.float64]
BASE = "base"
LOSSES = pl.Schema({"method": pl.String(), "level": pl.String(), "loss": pl.Float64()})
# With fewer errors than this for each node, their covariance is not looked at.
LEAST_ERRORS = 4


@dataclass(frozen=True, slots=True)
class Window:
    """A past window: `forecasts` series_id (node), date, mean (and more) of every node that had begun;
    `actual` series_id, date, value: what came, null where that is unknown."""

    forecasts: pl.DataFrame
    actual: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Chosen:
    """`method`: of the lowest mean loss over levels, ties to the earlier in METHODS. `losses`: LOSSES, those
    of the forecasts as they were under "base". `errors`: (nodes, T) of all windows, for mint_shrink."""

    method: Method
    losses: pl.DataFrame
    errors: Floats


def choose_method(windows: Sequence[Window], hierarchy: Hierarchy) -> Chosen:
    """Each of METHODS on each window; mint_shrink learns from the errors of the other windows alone, and is
    left out where they are fewer than LEAST_ERRORS; top_down where sums cross.

    A loss is √(Σ (forecast − value)² ÷ Σ value²) over the nodes of a level and all windows; levels count
    alike. InputError without a window.
    """
    if not windows:
        raise InputError("There is no window to choose by", do="Backtest one at least.")
    parts = [_arrays(window, hierarchy) for window in windows]
    errors = [actual - base for base, actual in parts]
    found: dict[str, list[Floats]] = {BASE: [base for base, _ in parts]}
    for method in METHODS:
        if method == "top_down" and not hierarchy.is_tree:
            continue
        others = [
            np.hstack(errors[:at] + errors[at + 1 :] or [errors[at][:, :0]]) for at in range(len(parts))
        ]
        if method == "mint_shrink" and min(other.shape[1] for other in others) < LEAST_ERRORS:
            continue
        found[method] = [
            means(base, hierarchy, method, other) for (base, _), other in zip(parts, others, strict=True)
        ]
    actual = np.hstack([one for _, one in parts])
    losses = pl.concat([_losses(name, np.hstack(one), actual, hierarchy) for name, one in found.items()])
    tried: list[Method] = [method for method in METHODS if method in found]
    by_method = dict(losses.group_by("method").agg(pl.col("loss").mean()).iter_rows())
    return Chosen(min(tried, key=lambda method: by_method[method]), losses, np.hstack(errors))


def losses_on(window: Window, hierarchy: Hierarchy, chosen: Chosen) -> pl.DataFrame:
    """LOSSES of "base" and of the chosen method on a window that was not chosen by."""
    base, actual = _arrays(window, hierarchy)
    made = {BASE: base, chosen.method: means(base, hierarchy, chosen.method, chosen.errors)}
    return pl.concat([_losses(name, one, actual, hierarchy) for name, one in made.items()])


def _arrays(window: Window, hierarchy: Hierarchy) -> tuple[Floats, Floats]:
    """(nodes, H) forecasts, 0 of what had not begun, and what came; NaN: unknown."""
    names = hierarchy.nodes["node_id"].to_frame("series_id").with_row_index("node")
    dates = window.forecasts.select("date").unique()
    forecasts = window.forecasts.select("series_id", "date", "mean")
    actual = window.actual.select("series_id", "date", pl.col("value").cast(pl.Float64))
    both = names.join(dates, how="cross").join(forecasts, on=["series_id", "date"], how="left")
    both = both.join(actual, on=["series_id", "date"], how="left").sort("node", "date")
    shape = (names.height, -1)
    return both["mean"].fill_null(0.0).to_numpy().reshape(shape), both["value"].to_numpy().reshape(shape)


def _losses(method: str, forecasts: Floats, actual: Floats, hierarchy: Hierarchy) -> pl.DataFrame:
    known = ~np.isnan(actual)
    squared = np.where(known, (forecasts - np.nan_to_num(actual)) ** 2, 0.0).sum(axis=1)
    sizes = np.where(known, np.nan_to_num(actual) ** 2, 0.0).sum(axis=1)
    by_node = hierarchy.nodes.select("level", squared=pl.Series(squared), size=pl.Series(sizes))
    loss = (pl.col("squared").sum() / pl.max_horizontal(pl.col("size").sum(), 1e-12)).sqrt()
    by_level = by_node.group_by("level", maintain_order=True).agg(loss=loss)
    return by_level.select(pl.lit(method).alias("method"), "level", "loss")
