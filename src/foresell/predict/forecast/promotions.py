"""How much of a series is on promotion, by the calendar of promotions."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.dimensions import DIMENSIONS
from foresell.predict.forecast.levels import SeriesSpec, series_ids
from foresell.predict.forecast.periods import Span, next_period
from foresell.predict.forecast.sales import sold


def promotion_column(
    tables: Tables, settings: Settings, spec: SeriesSpec, sold_in: Span, asked: Span
) -> pl.DataFrame:
    """series_id, date, promotion: the share of the series on promotion, of the periods of `asked` with any.

    Of a product, the share of the period's time in which a promotion runs, everywhere or at the place; of a
    series, the mean over its products (at their places) weighted by the units they sold in `sold_in`.
    """
    running = _running(tables, settings, asked)
    by_place = bool(running["location"].is_not_null().any())
    weights = _weights(tables, settings, spec, sold_in, by_place)
    everywhere = running.filter(pl.col("location").is_null()).drop("location")
    parts = [everywhere.join(weights, on="product")]
    if by_place:
        parts.append(
            running.filter(pl.col("location").is_not_null()).join(
                weights, left_on=["product", "location"], right_on=["product", "place"]
            )
        )
    columns = ["series_id", "date", "share", "weight"]
    shares = pl.concat([part.select(columns) for part in parts])
    weighted = (pl.col("share") * pl.col("weight")).sum().clip(0.0, 1.0)
    return shares.group_by("series_id", "date").agg(promotion=weighted)


def _running(tables: Tables, settings: Settings, asked: Span) -> pl.DataFrame:
    """product, location (null: everywhere), date, share: of the period's time, 0–1."""
    import ibis

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
        stops=promotions.ends_at.epoch_seconds().cast("float64"),
    )
    timed = timed.mutate(stops=timed.stops.fill_null(bounds["ends"][-1]))
    both = timed.inner_join(periods, [timed.starts < periods.ends, timed.stops > periods.begins])
    time_on = ibis.least(both.stops, both.ends) - ibis.greatest(both.starts, both.begins)
    shares = both.mutate(share=time_on / (both.ends - both.begins))
    summed = shares.group_by("product", "location", "date").agg(share=shares.share.sum())
    frame: pl.DataFrame = summed.to_polars()
    # Promotions that run at once count once.
    return frame.with_columns(pl.col("share").clip(0.0, 1.0))


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
