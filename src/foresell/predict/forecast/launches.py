"""The life of a series: when it began, whether it has ended, and what is on sale that has not sold yet."""

from datetime import timedelta

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.predict.forecast.periods import Span
from foresell.store.ever_there import ever_there

# A series that has been silent for so long has ended, if it is also so many times its longest pause before.
SILENT_DAYS = 91
TIMES_LONGEST_PAUSE = 3
# One that only ever sold in one period knows no pause.
SILENT_DAYS_OF_ONE_SALE = 182
DISCONTINUED = "discontinued in the catalog"
SILENT = "silent for long"
PRODUCT_COLUMNS = ("department", "category", "brand", "category_path")
ENDED = pl.Schema({"series_id": pl.String(), "date": pl.Date(), "reason": pl.String()})


def catalog(tables: Tables, settings: Settings) -> pl.DataFrame:
    """product, PRODUCT_COLUMNS, launched_on (local date of created_at, null: unknown), is_discontinued: a row
    a product, those that have left the catalog included."""
    columns = ["product", *PRODUCT_COLUMNS, "launched_on", "is_discontinued"]
    if not tables.has_rows("products"):
        kinds = [*[pl.String()] * 5, pl.Date(), pl.Boolean()]
        return pl.DataFrame(schema=dict(zip(columns, kinds, strict=True)))
    products = ever_there(tables, "products")
    now = tables.current("products").select("product_id").distinct()
    listed = now.mutate(is_listed=True).rename(listed_id="product_id")
    products = products.left_join(listed, products.product_id == listed.listed_id)
    chosen = products.select(
        *PRODUCT_COLUMNS,
        product="product_id",
        launched_on=products.created_at,
        is_discontinued=(products.status == "discontinued").fill_null(False) | products.is_listed.isnull(),
    )
    frame: pl.DataFrame = chosen.to_polars()
    local = pl.col("launched_on").dt.convert_time_zone(settings.store.time_zone).dt.date()
    return frame.with_columns(launched_on=local).select(columns)


def ended(rows: pl.DataFrame, span: Span, discontinued: pl.Series) -> pl.DataFrame:
    """ENDED: the series that sell no more, with the last period in which they sold, and why.

    `rows`: series_id, date, value. One ends that the catalog calls discontinued (its ids), or that has been
    silent at the span's end for SILENT_DAYS at least and TIMES_LONGEST_PAUSE times its longest pause.
    """
    sales = rows.filter(pl.col("value") > 0).sort("series_id", "date")
    pause = (pl.col("date") - pl.col("date").shift(1)).dt.total_days().over("series_id")
    lives = (
        sales.with_columns(pause=pause).group_by("series_id").agg(pl.col("date").max(), pl.col("pause").max())
    )
    silent = pl.lit(span.last) - pl.col("date")
    least = pl.max_horizontal(pl.lit(SILENT_DAYS), TIMES_LONGEST_PAUSE * pl.col("pause"))
    least = pl.when(pl.col("pause").is_null()).then(SILENT_DAYS_OF_ONE_SALE).otherwise(least)
    is_discontinued = pl.col("series_id").is_in(discontinued.implode())
    reason = (
        pl.when(is_discontinued)
        .then(pl.lit(DISCONTINUED))
        .when(silent.dt.total_days() >= least)
        .then(pl.lit(SILENT))
    )
    found = lives.with_columns(reason=reason).filter(pl.col("reason").is_not_null())
    return found.select(ENDED.names()).sort("series_id")


def unsold(known: pl.DataFrame, sold_products: pl.Series, span: Span) -> pl.DataFrame:
    """Products of the `catalog` that were launched in the span's last SILENT_DAYS and never sold: product,
    PRODUCT_COLUMNS, launched_on, sorted. What has been on sale for longer is no launch."""
    since = span.last_day - timedelta(days=SILENT_DAYS)
    is_new = pl.col("launched_on").is_between(since, span.last_day)
    fresh = known.filter(~pl.col("is_discontinued") & is_new).join(
        sold_products.alias("product").to_frame(), on="product", how="anti"
    )
    return fresh.drop("is_discontinued").sort("product")
