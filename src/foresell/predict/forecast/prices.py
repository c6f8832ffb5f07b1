"""What a series charged: its price at a constant mix of products, and the share it gave as discounts."""

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.order_facts import sold_lines
from foresell.predict.forecast.levels import SeriesSpec, series_ids
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.sales import by_dimensions, scope_of


def price_columns(tables: Tables, settings: Settings, spec: SeriesSpec, span: Span) -> pl.DataFrame:
    """series_id, date, price, discount: of the periods with sales of known quantity.

    price: of a unit before discounts, in the store's currency. Of several products: the period's gross sales
    ÷ what the same units bring at each product's mean price of the span (a Paasche index) × the series' mean
    price; so that a dearer mix is no dearer price. discount: discounts ÷ gross sales, 0–1.
    """
    scope = scope_of(tables, settings, span)
    lines = by_dimensions(sold_lines(scope), spec.dimensions, scope)
    gross = lines.line_amount.cast("float64") + lines.line_discount.cast("float64")
    given = lines.line_discount.cast("float64") + lines.spread
    lines = lines.mutate(gross=gross, given=given).filter(lines.quantity > 0, gross > 0)
    means = lines.group_by(priced_product=lines.product_id).agg(
        mean_price=lines.gross.sum() / lines.quantity.sum()
    )
    priced = lines.inner_join(means, lines.product_id == means.priced_product)
    summed = priced.group_by(*spec.names, "period").agg(
        gross=priced.gross.sum(),
        given=priced.given.sum(),
        quantity=priced.quantity.sum(),
        usual=(priced.quantity * priced.mean_price).sum(),
    )
    frame: pl.DataFrame = summed.to_polars()
    whole = [pl.col(name).sum().over("series_id") for name in ("gross", "quantity")]
    return frame.with_columns(series_ids(spec.names)).select(
        "series_id",
        date="period",
        price=pl.col("gross") / pl.col("usual") * whole[0] / whole[1],
        discount=(pl.col("given") / pl.col("gross")).clip(0.0, 1.0),
    )
