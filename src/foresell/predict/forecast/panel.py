"""What a forecaster learns from: many series of one period, with what else is known of them."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import polars as pl

Period = Literal["day", "week", "month"]
# Polars' names of the steps.
EVERY: dict[Period, str] = {"day": "1d", "week": "1w", "month": "1mo"}
SERIES = pl.Schema({"series_id": pl.String(), "date": pl.Date(), "value": pl.Float64()})


@dataclass(frozen=True, slots=True)
class Panel:
    """`frame`: SERIES and the regressor columns, sorted, one row a series and period, no date left out.

    A value of 0 is known to be 0; null is unknown: a gap, or a period in which a stock-out hid the demand.
    A series starts at its first known value and ends at its last period, at `last` unless it has stopped.

    `future`: series_id, date and the `known` regressors after `last`, as far as they are known; empty where
    there are none. `static`: series_id and what does not change (String: categories, Float64: numbers).
    `known` regressors are known for the future too (price, promotion, holiday); of `lagged` ones only the
    past is known (views, carts). `season`: periods of the main season, 1: none. `is_count`: values are
    whole numbers of things.
    """

    frame: pl.DataFrame
    period: Period
    season: int = 1
    known: tuple[str, ...] = ()
    lagged: tuple[str, ...] = ()
    future: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"series_id": pl.String(), "date": pl.Date()})
    )
    static: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"series_id": pl.String()}))
    is_count: bool = False

    @property
    def last(self) -> date:
        """The last period of all series."""
        last: date = self.frame.select(pl.col("date").max()).item()
        return last

    @property
    def regressors(self) -> tuple[str, ...]:
        return (*self.known, *self.lagged)


def held_back(panel: Panel, periods: int) -> tuple[Panel, pl.DataFrame]:
    """The panel as it was so many periods ago, counted from the end of each series, and what came: series_id,
    date, value of the periods held back that are known.

    Known regressors of those periods are its future. Series that had not begun are not in it.
    """
    age = pl.int_range(pl.len(), 0, -1).over("series_id")
    aged = panel.frame.sort("series_id", "date", maintain_order=True).with_columns(age=age)
    past = aged.filter(pl.col("age") > periods).drop("age")
    begun = past.filter(pl.col("value").is_not_null()).select("series_id").unique()
    past = past.join(begun, on="series_id", how="semi", maintain_order="left")
    coming = aged.filter(pl.col("age") <= periods)
    known = [name for name in panel.known if name in panel.future.columns]
    future = coming.select("series_id", "date", *panel.known)
    if known:
        future = pl.concat([future, panel.future.select("series_id", "date", *known)], how="diagonal_relaxed")
    came = coming.select("series_id", "date", "value").filter(pl.col("value").is_not_null())
    return replace(panel, frame=past, future=future.unique(["series_id", "date"], keep="first")), came
