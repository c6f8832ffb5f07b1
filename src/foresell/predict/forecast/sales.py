"""What was sold, cut by any number of dimensions at once: the KPIs' own facts, summed by the engine."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.dimensions import Dimension
from foresell.kpis.measures import LINE
from foresell.kpis.order_facts import counted_orders, moved_units, paid_back, sold_lines
from foresell.kpis.scope import Scope, add_period, make_scope, with_dimension
from foresell.predict.forecast.levels import Measure
from foresell.predict.forecast.panel import Period
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.remembered import RememberedTables

if TYPE_CHECKING:
    import ibis.expr.types as ir

# The KPIs give money to 4 decimals.
DECIMALS = 4
Value = Callable[["ir.Table"], "ir.FloatScalar"]


def sold(
    tables: Tables,
    settings: Settings,
    measure: Measure,
    dimensions: Sequence[Dimension],
    span: Span,
    period: Period | None = None,
) -> pl.DataFrame:
    """A column for each dimension, date (of the period: the span's or another), value: the KPI `measure` of
    each cell of the span's days in which anything happened, to 4 decimals."""
    scope = scope_of(tables, settings, span, period)
    facts: list[tuple[ir.Table, Value]]
    if measure == "units":
        facts = [(moved_units(scope), _goods)]
    else:
        facts = [(sold_lines(scope), _net)]
        if scope.has_rows("refunds"):
            facts.append((paid_back(scope), _given_back))
    keys = [*(dimension.id for dimension in dimensions), "date"]
    parts = [_summed(fact, value, dimensions, scope) for fact, value in facts]
    whole = parts[0] if len(parts) == 1 else pl.concat(parts).group_by(keys).agg(pl.col("value").sum())
    return whole.with_columns(pl.col("value").round(DECIMALS))


def scope_of(tables: Tables, settings: Settings, span: Span, period: Period | None = None) -> Scope:
    """The question for the span's days, by its own period or another."""
    scope = make_scope(tables, settings, period=period or span.period, start=span.first, end=span.last_day)
    return scope.but(known=tables.known) if isinstance(tables, RememberedTables) else scope


def by_dimensions(fact: "ir.Table", dimensions: Sequence[Dimension], scope: Scope) -> "ir.Table":
    """The fact with a text column for each dimension, named as it, and `period`."""
    from foresell.kpis.scope import within

    cut = add_period(within(fact, scope), scope)
    for dimension in dimensions:
        cut = with_dimension(cut, dimension, scope, LINE)
    # A fact's own columns may bear the names of dimensions.
    keys = {dimension.id: f"dimension_{dimension.id}" for dimension in dimensions}
    return cut.drop(*[name for name in keys if name in cut.columns]).rename(**keys)


def order_days(tables: Tables, settings: Settings, by_location: bool) -> pl.DataFrame:
    """location (null: unknown; all null unless `by_location`), date, orders: a row a day with an order that
    counts, sorted."""
    import ibis

    orders = counted_orders(make_scope(tables, settings))
    orders = orders.filter(orders.date.notnull())
    place = orders.location_id if by_location else ibis.null("string")
    counted = orders.group_by(location=place, date=orders.date).agg(orders=orders.count())
    days: pl.DataFrame = counted.to_polars()
    return days.sort("location", "date", nulls_last=True)


def _summed(fact: "ir.Table", value: Value, dimensions: Sequence[Dimension], scope: Scope) -> pl.DataFrame:
    cut = by_dimensions(fact, dimensions, scope)
    keys = [*(dimension.id for dimension in dimensions), "period"]
    frame: pl.DataFrame = cut.group_by(keys).agg(value=value(cut)).rename(date="period").to_polars()
    return frame


def _goods(fact: "ir.Table") -> "ir.FloatScalar":
    return fact.units.sum(where=~fact.is_service).fill_null(0.0)


def _net(fact: "ir.Table") -> "ir.FloatScalar":
    return fact.line_amount.sum().cast("float64").fill_null(0.0) - fact.spread.sum().fill_null(0.0)


def _given_back(fact: "ir.Table") -> "ir.FloatScalar":
    return -fact.amount.sum().cast("float64").fill_null(0.0)
