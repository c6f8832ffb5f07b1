"""What customers do before they buy: views, carts and searches, of which only the past is known."""

from collections.abc import Sequence

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.dimensions import Dimension, Grain
from foresell.kpis.scope import Scope, add_period, with_dimension, within
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.sales import scope_of

EVENTS = {"views": "view_item", "carts": "add_to_cart", "searches": "search"}
GRAINS: tuple[Grain, ...] = ("product", "visit")


def indicator_columns(
    tables: Tables, settings: Settings, spec: SeriesSpec, span: Span, name: str
) -> tuple[pl.DataFrame, list[str]]:
    """A column for each of the returned dimensions, date, and `name`: events of that kind a period; and the
    dimensions: those of the series that such events tell (of searches, seldom the product).

    Periods without a row: none happened, from the first event of the kind on. Empty where there is none.
    """
    scope = scope_of(tables, settings, span)
    events = tables.current("events")
    events = within(events.filter(events.event_name == EVENTS[name]).mutate(date=events.local_date), scope)
    told = [dimension for dimension in spec.dimensions if _is_told(dimension, events, scope)]
    cut = add_period(events, scope)
    for dimension in told:
        cut = with_dimension(cut, dimension, scope, GRAINS)
    keys = {dimension.id: f"dimension_{dimension.id}" for dimension in told}
    cut = cut.drop(*[column for column in keys if column in cut.columns]).rename(**keys)
    counted = cut.group_by(*keys, "period").agg(count=cut.count())
    frame: pl.DataFrame = counted.to_polars()
    names: Sequence[str] = list(keys)
    return frame.select(*names, date="period", **{name: pl.col("count").cast(pl.Float64)}), list(names)


def _is_told(dimension: Dimension, events: "object", scope: Scope) -> bool:
    """Whether any of the events has a value of it."""
    grain = next((grain for grain in GRAINS if grain in dimension.grains), None)
    if grain is None:
        return False
    column = "product_id" if grain == "product" else dimension.columns[grain]
    return int(events.filter(events[column].notnull()).limit(1).count().execute()) > 0  # type: ignore[attr-defined, index]
