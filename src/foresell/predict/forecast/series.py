"""Series of what was sold, equal to the KPI of the same name period by period."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis import KPIS
from foresell.kpis.query import check_scope
from foresell.kpis.scope import make_scope
from foresell.predict.forecast.built import BuiltPanel, end_notes, gap_notes, lost_notes
from foresell.predict.forecast.gaps import unknown_periods
from foresell.predict.forecast.holidays import countries_of_locations, country_of, shop_holidays
from foresell.predict.forecast.launches import catalog, ended, unsold
from foresell.predict.forecast.levels import WHOLE_SHOP, SeriesSpec, series_ids
from foresell.predict.forecast.lost import lost_sales, with_choice
from foresell.predict.forecast.panel import EVERY, Panel
from foresell.predict.forecast.periods import SEASONS, Span, full_periods
from foresell.predict.forecast.regressors import Asked, Regressors, add_regressors
from foresell.predict.forecast.remembered import RememberedTables
from foresell.predict.forecast.sales import order_days, sold
from foresell.predict.forecast.stock_days import stock_days
from foresell.predict.forecast.stockouts import StockOuts

__all__ = ["BuiltPanel", "panel_of"]


NONE = Regressors(names=())


def panel_of(
    tables: Tables,
    settings: Settings,
    spec: SeriesSpec,
    *,
    horizon: int,
    complete_through: date | None = None,
    stock_outs: StockOuts = "as_sold",
    regressors: Regressors | None = None,
) -> BuiltPanel:
    """The panel of `spec`: a series for each combination of values that was sold within the full periods.

    Values are those of the KPI `spec.measure`; a period without a sale is 0. Null, unknown, is a period of
    which more than `gaps.MOST_MISSING` lies in days on which the shop (with the dimension location: the
    place) sold nothing although it would have: shut, or its records are missing (`silences`). A series begins
    when each of its values had been sold anywhere (a product at a place: when the product was on sale and the
    place open), and ends with the span, or with its last sale (`launches.ended`). Periods that the data do
    not cover in full are left out (`periods.full_periods`). A dimension of which the store knows nothing is
    left out with a note.

    `stock_outs`: what is made of periods in which products were out of stock (`stock_days`): "as_sold": they
    stay; "recover": what was lost is added (`stockouts`); "leave_out": null where much was (`lost`).

    `regressors`: which to add, for the span and `horizon` periods after it (`regressors.add_regressors`).

    Raises InputError where no full period is left, and what the KPI raises.
    """
    tables = RememberedTables(tables)
    by_location = "location" in spec.names
    days = order_days(tables, settings, by_location)
    span, left_out = full_periods(days["date"], spec.period, settings, complete_through)
    spec, notes = _known_dimensions(tables, settings, spec)
    rows = sold(tables, settings, spec.measure, spec.dimensions, span)
    rows = rows.with_columns(series_ids(spec.names))
    known = catalog(tables, settings)
    attributes = _attributes(rows, spec, known, countries_of_locations(tables) if by_location else {})
    ends = ended(rows, span, _discontinued_series(attributes))
    country = country_of(tables)
    holidays = shop_holidays(tables, country, span.first, span.last_day)
    unknown = unknown_periods(days, span, holidays)
    frame = _without_unknown(_on_grid(rows, ends, span, spec.names), attributes, unknown, by_location)
    gone = known.filter(pl.col("is_discontinued"))["product"]
    stock = stock_days(tables, settings, span, holidays, gone) if stock_outs != "as_sold" else None
    lost = lost_sales(tables, settings, spec, span, stock)
    # Series that are not by product have no launches.
    launches = unsold(known, (rows if "product" in spec.names else known)["product"].unique(), span)
    known_of = Asked(tables, settings, spec, span, horizon, attributes, country, regressors or NONE)
    gathered = add_regressors(known_of, with_choice(frame, lost, stock_outs))
    return BuiltPanel(
        panel=Panel(
            frame=gathered.frame,
            period=spec.period,
            season=SEASONS[spec.period],
            known=tuple(gathered.known),
            lagged=tuple(gathered.lagged),
            future=gathered.future if gathered.known else gathered.future.clear(),
            static=_static(attributes, launches, spec),
            is_count=spec.measure == "units" and _are_counts(gathered.frame["value"]),
        ),
        spec=spec,
        span=span,
        attributes=attributes.drop("is_discontinued", strict=False),
        ended=ends,
        launches=launches,
        notes=(
            *notes,
            *left_out,
            *gap_notes(unknown, span),
            *end_notes(ends),
            *lost_notes(lost, stock, stock_outs),
            *gathered.notes,
        ),
        lost=lost,
    )


def _known_dimensions(
    tables: Tables, settings: Settings, spec: SeriesSpec
) -> tuple[SeriesSpec, tuple[str, ...]]:
    """The spec without the dimensions that the store has no table for."""
    lacking = [d.id for d in spec.dimensions if d.table is not None and not tables.has_rows(d.table)]
    kept = tuple(name for name in spec.names if name not in lacking) or (WHOLE_SHOP,)
    for name in kept:
        by = None if name == WHOLE_SHOP else name
        check_scope(KPIS[spec.measure], make_scope(tables, settings, by=by, period=spec.period))
    series = "the whole shop is one series" if kept == (WHOLE_SHOP,) else f"series are by {', '.join(kept)}"
    notes = tuple(f"No {name} is known: {series}." for name in lacking)
    return SeriesSpec(kept, spec.period, spec.measure), notes


def _attributes(
    rows: pl.DataFrame, spec: SeriesSpec, known: pl.DataFrame, countries: Mapping[str, str]
) -> pl.DataFrame:
    own = rows.select("series_id", *spec.names).unique("series_id").sort("series_id")
    if countries:
        country = pl.col("location").replace_strict(countries, default=None, return_dtype=pl.String)
        own = own.with_columns(location_country=country)
    if "product" not in spec.names:
        return own
    return own.join(known.drop(*set(spec.names) - {"product"}, strict=False), on="product", how="left")


def _discontinued_series(attributes: pl.DataFrame) -> pl.Series:
    if "is_discontinued" not in attributes.columns:
        return pl.Series("series_id", [], pl.String)
    return attributes.filter(pl.col("is_discontinued"))["series_id"]


def _on_grid(rows: pl.DataFrame, ends: pl.DataFrame, span: Span, names: Sequence[str]) -> pl.DataFrame:
    """series_id, date, value: every period of each series from its beginning to its end, 0 without a row;
    sorted. What began with the first sale at a place would seem to sell far oftener than it does."""
    first = pl.max_horizontal(pl.col("date").min().over(name) for name in names or ["series_id"])
    lives = rows.with_columns(first=first).group_by("series_id").agg(pl.col("first").first())
    stops = ends.select("series_id", end="date")
    lives = lives.join(stops, on="series_id", how="left").with_columns(
        end=pl.max_horizontal(pl.col("end").fill_null(span.last), "first")
    )
    grid = lives.select("series_id", date=pl.date_ranges("first", "end", interval=EVERY[span.period]))
    frame = grid.explode("date").join(
        rows.select("series_id", "date", "value"), on=["series_id", "date"], how="left"
    )
    return frame.with_columns(pl.col("value").fill_null(0.0)).sort("series_id", "date")


def _without_unknown(
    frame: pl.DataFrame, attributes: pl.DataFrame, unknown: pl.DataFrame, by_location: bool
) -> pl.DataFrame:
    """The same with null where the place's period is unknown."""
    if unknown.is_empty():
        return frame
    gaps = unknown.select("location", "date", is_unknown=True)
    if by_location:
        frame = frame.join(attributes.select("series_id", "location"), on="series_id", how="left")
    else:
        frame = frame.with_columns(location=pl.lit(None, pl.String))
    frame = frame.join(gaps, on=["location", "date"], how="left", nulls_equal=True)
    value = pl.when(pl.col("is_unknown").is_null()).then("value")
    return frame.with_columns(value=value).drop("location", "is_unknown").sort("series_id", "date")


def _static(attributes: pl.DataFrame, launches: pl.DataFrame, spec: SeriesSpec) -> pl.DataFrame:
    """The categories of the series: their dimensions, and what is known of their products. Of series by
    products alone also those of launches, which have no period yet."""
    kept = attributes
    if spec.names == ("product",):
        fresh = launches.with_columns(series_ids(spec.names)).select(
            name for name in attributes.columns if name != "is_discontinued"
        )
        kept = pl.concat([attributes, fresh], how="diagonal")
    return kept.drop("is_discontinued", "launched_on", "category_path", strict=False)


def _are_counts(values: pl.Series) -> bool:
    return bool(((values == values.floor()) & (values >= 0)).all())
