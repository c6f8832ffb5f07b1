"""Forecasts of a shop's series and of their sums, product → category → department → shop, that add up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.services.forecasting.answer import FIGURES
from foresell.services.forecasting.judge import history_of
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.shop import Progress, Shop, counting, silent

if TYPE_CHECKING:
    import polars

    from foresell.evaluation.splits import Origin
    from foresell.predict.forecast.backtest import Backtest
    from foresell.predict.forecast.hierarchy import Hierarchy
    from foresell.predict.forecast.panel import Panel
    from foresell.predict.forecast.reconciliation import Chosen, Window
    from foresell.predict.forecast.series import BuiltPanel


@dataclass(frozen=True)
class AddedUp:
    """`rows`: level, series_id, date and FIGURES of every series and sum, the top level first. `model`,
    `method`: the forecaster and the way to make it add up that were best on past windows. `losses`: method
    ("base": as forecast), level, loss on the newest window, by which nothing was chosen; empty: there was
    none."""

    rows: "polars.DataFrame"
    model: str
    method: str
    losses: "polars.DataFrame"
    notes: tuple[str, ...]

    def lines(self) -> list[dict[str, object]]:
        return [
            {"level": row["level"], "series_id": row["series_id"], "time": row["date"].isoformat()}
            | {name: row[name] for name in FIGURES}
            for row in self.rows.to_dicts()
        ]

    def as_record(self) -> dict[str, object]:
        return {
            "rows": self.lines(),
            "model": self.model,
            "method": self.method,
            "losses": self.losses.to_dicts(),
            "notes": list(self.notes),
        }


def forecast_sums(
    shop: Shop,
    request: ForecastRequest = STORES_OWN,
    *,
    models: Sequence[str] = (),
    progress: Progress = silent,
) -> AddedUp:
    """The request's series, and the sums above them, whose means add up; nothing is kept.

    `models`: those that compete; none: all that do elsewhere. Model and method are those with the lowest
    error over all levels on the validation windows. Of series that sell no more nothing is forecast, nor is
    their past in the sums. InputError where the series have no sums (they are the whole shop), or the history
    is too short to hold a window back.
    """
    from foresell.predict.forecast.reconcile import reconciled
    from foresell.predict.forecast.reconciliation import choose_method
    from foresell.predict.forecast.served import fit_served

    horizon = request.horizon_of(shop)
    with shop.reading_matched() as tables:
        built = request.panel(shop, tables, horizon)
        hierarchy = _hierarchy(built)
        history = history_of(shop, tables, request, built)
    found = _judged(hierarchy, history, built, request, models, progress)
    whole = _nodes(built.panel, hierarchy)
    best = found.best
    if best is None:
        raise InputError(
            "The history is too short to choose a model by",
            do=f"Import more, or ask for a horizon below {horizon}.",
        )
    chosen = choose_method(_windows(found, best, "validation"), hierarchy)
    progress(f"fitting {best} on everything", 0, None)
    told = fit_served(best, whole, horizon, found.widths).forecast(horizon)
    added = reconciled(told, hierarchy, chosen.method, chosen.errors)
    return AddedUp(
        _rows(added, hierarchy), best, chosen.method, _losses(found, best, hierarchy, chosen), built.notes
    )


def _hierarchy(built: "BuiltPanel") -> "Hierarchy":
    import polars as pl

    from foresell.predict.forecast.hierarchy import usual_hierarchy

    whole = usual_hierarchy(built.attributes, built.spec)
    bottoms = whole.nodes[whole.num_sums :]
    alive = bottoms.filter(
        pl.col("series_id").is_in(built.panel.frame["series_id"].unique().implode())
        & ~pl.col("series_id").is_in(built.ended["series_id"].implode())
    )
    kept = whole.only(alive["node_id"])
    if not kept.num_sums:
        raise InputError(
            f"The series by {', '.join(built.spec.by)} have no sums above them",
            do="Ask for smaller ones, such as --by category, product or product,location.",
        )
    return kept


def _judged(
    hierarchy: "Hierarchy",
    history: "dict[Origin, Panel]",
    built: "BuiltPanel",
    request: ForecastRequest,
    models: Sequence[str],
    progress: Progress,
) -> "Backtest":
    from foresell.predict.forecast import competing
    from foresell.predict.forecast.backtest import backtest

    actual = _nodes(built.panel, hierarchy).frame
    chosen = tuple(models) or competing(hierarchy.nodes.height)
    panels = {origin: _nodes(panel, hierarchy) for origin, panel in history.items()}
    return backtest(
        panels.__getitem__,
        actual,
        list(panels),
        task="sums",
        models=chosen,
        horizon=next(iter(panels)).horizon,
        note=f"{request.measure} by {', '.join(built.spec.by)} and their sums",
        say=counting(progress, len(chosen) * len(panels)),
    )


def _nodes(panel: "Panel", hierarchy: "Hierarchy") -> "Panel":
    """The panel of all sums and of the series that it has of the hierarchy's."""
    import polars as pl

    from foresell.predict.forecast.hierarchy import aggregated

    bottoms = hierarchy.nodes[hierarchy.num_sums :]
    there = bottoms.filter(pl.col("series_id").is_in(panel.frame["series_id"].unique().implode()))
    wanted = pl.col("series_id").is_in(there["series_id"].implode())
    own = replace(
        panel,
        frame=panel.frame.filter(wanted),
        future=panel.future.filter(wanted),
        static=panel.static.filter(wanted),
    )
    return aggregated(own, hierarchy.only(there["node_id"]))


def _windows(found: "Backtest", model: str, split: str) -> "list[Window]":
    import polars as pl

    from foresell.predict.forecast.reconciliation import Window

    rows = found.forecasts.filter((pl.col("model") == model) & (pl.col("split") == split))
    return [
        Window(part, part.select("series_id", "date", "value"))
        for part in rows.partition_by("num_train", maintain_order=True)
    ]


def _losses(found: "Backtest", model: str, hierarchy: "Hierarchy", chosen: "Chosen") -> "polars.DataFrame":
    import polars as pl

    from foresell.predict.forecast.reconciliation import losses_on

    windows = _windows(found, model, "test")
    return pl.concat(
        [losses_on(window, hierarchy, chosen) for window in windows[:1]] or [chosen.losses.clear()]
    )


def _rows(added: "polars.DataFrame", hierarchy: "Hierarchy") -> "polars.DataFrame":
    import polars as pl

    from foresell.predict.forecast.model import BOUNDS, MEDIAN

    names = hierarchy.nodes.with_row_index("node")
    joined = added.join(names, left_on="series_id", right_on="node_id", how="inner")
    bounds = [pl.col(column).alias(name) for name, column in BOUNDS.items()]
    ordered = joined.sort("node", "date").select(
        "level",
        pl.col("series_id_right").alias("series_id"),
        "date",
        "mean",
        pl.col(MEDIAN).alias("median"),
        *bounds,
    )
    return ordered.select("level", "series_id", "date", *FIGURES)
