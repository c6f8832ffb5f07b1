"""Who a task is about at a cutoff, what came of them, and what fairness is asked by."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import floor
from typing import TYPE_CHECKING

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import after, asof
from foresell.features.facts import Facts
from foresell.features.measures import SECONDS_A_DAY, days_of
from foresell.features.spec import CustomerSpec
from foresell.predict.customers.task import EVENT_KINDS, Task

if TYPE_CHECKING:
    import ibis.expr.types as ir

OLDEST_BAND = 75
YEARS_A_BAND = 10
ID = "customer_id"


def population(facts: Facts, task: Task, cutoff: datetime) -> pl.Series:
    """customer_id of everybody in the task's population, ascending. `facts` end at the cutoff.

    With min_orders of 0: everybody who ordered or did something.
    """
    asked = task.population
    ends = floor(cutoff.timestamp()) + asked.ends_days * SECONDS_A_DAY
    parts: list[ir.Table] = []
    if facts.spec.has_orders:
        orders = _within(facts.table("orders"), ends, asked.within_days)
        counts = orders.group_by(ID).agg(orders=orders.count())
        parts.append(counts.filter(counts.orders >= max(asked.min_orders, 1)).select(ID))
    if facts.spec.has_events and asked.min_orders == 0:
        events = _within(facts.table("events"), ends, asked.within_days)
        parts.append(events.select(ID).distinct())
    found = [part.to_polars()[ID] for part in parts]
    return pl.concat(found).unique().sort() if found else pl.Series(ID, [], pl.String)


def _within(rows: "ir.Table", ends: float, days: float) -> "ir.Table":
    rows = rows.filter(rows["at"] < ends)
    return rows.filter(rows["at"] >= ends - days * SECONDS_A_DAY) if days else rows


def labels(
    tables: Tables, settings: Settings, task: Task, cutoff: datetime, shop: Mapping[str, bool] | None = None
) -> pl.DataFrame:
    """customer_id and `label` (Float64) of those to whom something happened in the label window; of everybody
    else the label is `otherwise(task)`. `shop`: `facts.shop_of(tables)`."""
    begins = timedelta(days=task.label.begins_days)
    kind = task.label.kind
    window = after(tables, settings, cutoff + begins, task.horizon - begins)
    if kind == "return":
        # A refund is of an order from before, which the window alone does not hold.
        window = asof(tables, settings, cutoff + task.horizon)
    # Only the focus is asked of products, and products only of a focus.
    spec = CustomerSpec(
        has_orders=True,
        has_events=True,
        has_products=task.focus is not None and task.focus.on != "product",
        focus=task.focus,
    )
    facts = Facts(window, settings, spec, shop)
    if kind == "return":
        rows = facts.table("refunds")
        rows = rows.filter(rows["at"] >= floor((cutoff + begins).timestamp()))
    elif kind in EVENT_KINDS:
        rows = facts.table("events")
        rows = rows.filter(rows.event_name == task.label.event)
    else:
        rows = facts.table("orders")
        rows = rows.filter(rows.has_focus) if task.focus else rows
    grouped = rows.group_by(ID)
    if kind == "amount":
        found = grouped.agg(label=(rows.focus_amount if task.focus else rows.amount).sum())
    elif kind == "days_to_order":
        found = grouped.agg(label=days_of(rows["at"].min() - floor(cutoff.timestamp())))
    else:
        found = grouped.agg(n=rows.count())
        found = found.select(ID, label=(found.n * 0 + (0.0 if kind.startswith("no_") else 1.0)))
    answer: pl.DataFrame = found.to_polars()
    return answer.with_columns(pl.col("label").cast(pl.Float64).clip(lower_bound=0.0))


def otherwise(task: Task) -> float:
    """The label of whom nothing happened to; NaN: not known within the horizon."""
    if task.label.kind == "days_to_order":
        return float("nan")
    return 1.0 if task.label.kind.startswith("no_") else 0.0


def groups(known: Tables, task: Task, cutoff: datetime, customers: pl.Series) -> pl.DataFrame:
    """A row a customer, in their order: the task's groups that somebody has, String, null where not known.

    `known`: the tables as of the cutoff. A missing age band is told from the year of birth.
    """
    if not task.groups or not known.has_rows("customers"):
        return pl.DataFrame()
    people = known.current("customers")
    wanted = [*task.groups, *(("birth_year",) if "age_band" in task.groups else ())]
    frame: pl.DataFrame = people.select(ID, *wanted).to_polars()
    if "birth_year" in frame.columns:
        age = cutoff.year - pl.col("birth_year")
        frame = frame.with_columns(age_band=pl.coalesce("age_band", _age_band(age))).drop("birth_year")
    found = pl.DataFrame({ID: customers}).join(frame, on=ID, how="left", maintain_order="left")
    return found.select(name for name in task.groups if found[name].null_count() < len(found))


def _age_band(age: pl.Expr) -> pl.Expr:
    first = age // YEARS_A_BAND * YEARS_A_BAND
    band = pl.format("{}-{}", first, first + YEARS_A_BAND - 1)
    return (
        pl.when(age.is_null())
        .then(pl.lit(None, pl.String))
        .when(age >= OLDEST_BAND)
        .then(pl.lit(f"{OLDEST_BAND}+"))
        .otherwise(band)
    )
