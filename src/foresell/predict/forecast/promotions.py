"""How much of a series is on promotion, by the calendar of promotions."""

from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.dimensions import DIMENSIONS
from foresell.predict.forecast.levels import SeriesSpec, series_ids
from foresell.predict.forecast.periods import Span, next_period
from foresell.predict.forecast.sales import sold

if TYPE_CHECKING:
    import ibis.expr.types as ir

COLUMNS = ("series_id", "date", "share", "weight")


def promotion_column(
    tables: Tables, settings: Settings, spec: SeriesSpec, sold_in: Span, asked: Span
) -> pl.DataFrame:
    """series_id, date, promotion: the share of the series on promotion, of the periods of `asked` with any.

    Of a product, the share of the period's time in which a promotion runs, everywhere or at the place; of a
    series, the mean over its products (at their places) weighted by the units they sold in `sold_in`.
    """
    by_place = _any_place(tables)
    weights = _weights(tables, settings, spec, sold_in, by_place)
    running = _running(tables, settings, asked, weights)
    everywhere = running.filter(running.location.isnull()).drop("location")
    own = ibis.memtable(weights)
    parts = everywhere.inner_join(own, "product").select(*COLUMNS)
    if by_place:
        placed = running.filter(running.location.notnull())
        at_place = placed.inner_join(own, [placed.product == own["product"], placed.location == own.place])
        parts = parts.union(at_place.select(*COLUMNS))
    weighted = (parts.share * parts.weight).sum().clip(0.0, 1.0)
    found: pl.DataFrame = parts.group_by("series_id", "date").agg(promotion=weighted).to_polars()
    return found


def last_planned(tables: Tables, settings: Settings, last_day: date) -> date:
    """The local day on which the last promotion begins that is known; `last_day`, where none does later."""
    latest = tables.current("promotions").starts_at.max().to_pyarrow().as_py()
    if latest is None:
        return last_day
    begins: date = latest.astimezone(ZoneInfo(settings.store.time_zone)).date()
    return max(last_day, begins)


def _any_place(tables: Tables) -> bool:
    promotions = tables.current("promotions")
    return bool(promotions.location_id.notnull().any().to_pyarrow().as_py())


def _running(tables: Tables, settings: Settings, asked: Span, weights: pl.DataFrame) -> "ir.Table":
    """product (of those with a weight), location (null: everywhere), date, share: of the period's time, 0–1.

    Many promotions begin and end together: what of a period lies within is asked of each such span once.
    """
    zone = ZoneInfo(settings.store.time_zone)
    dates = asked.dates().to_list()
    bounds = {
        "date": dates,
        "begins": [datetime.combine(day, time(), zone).timestamp() for day in dates],
        "ends": [datetime.combine(next_period(day, asked.period), time(), zone).timestamp() for day in dates],
    }
    periods = ibis.memtable(pl.DataFrame(bounds))
    promotions = tables.current("promotions")
    timed = promotions.select(
        product="product_id",
        location="location_id",
        starts=promotions.starts_at.epoch_seconds().cast("float64"),
        stops=promotions.ends_at.epoch_seconds().cast("float64").fill_null(bounds["ends"][-1]),
    )
    sold_at = ibis.memtable(weights.select("product", "place").unique())
    placed = timed.filter(timed.location.notnull())
    placed = placed.semi_join(
        sold_at, [placed["product"] == sold_at["product"], placed.location == sold_at.place]
    )
    timed = timed.filter(timed.location.isnull()).semi_join(sold_at, "product").union(placed)
    spans = timed.select("starts", "stops").distinct()
    both = spans.inner_join(periods, [spans.starts < periods.ends, spans.stops > periods.begins])
    time_on = ibis.least(both.stops, both.ends) - ibis.greatest(both.starts, both.begins)
    within = both.select("starts", "stops", "date", share=time_on / (both.ends - both.begins))
    shares = timed.inner_join(within, ["starts", "stops"])
    # Promotions that run at once count once.
    return shares.group_by("product", "location", "date").agg(share=shares.share.sum().clip(0.0, 1.0))


def _weights(
    tables: Tables, settings: Settings, spec: SeriesSpec, sold_in: Span, by_place: bool
) -> pl.DataFrame:
    """series_id, product, place (null unless `by_place`), weight: of the series' units."""
    names = dict.fromkeys([*spec.names, "product", *(["location"] if by_place else [])])
    units = sold(tables, settings, "units", [DIMENSIONS[name] for name in names], sold_in, "month")
    place = pl.col("location") if by_place else pl.lit(None, pl.String)
    units = units.with_columns(series_ids(spec.names), place=place).filter(pl.col("value") > 0)
    summed = units.group_by("series_id", "product", "place").agg(weight=pl.col("value").sum())
    return summed.with_columns(pl.col("weight") / pl.col("weight").sum().over("series_id"))
