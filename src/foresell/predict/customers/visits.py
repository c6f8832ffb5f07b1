"""Moments of visits: which of them a task is about, what the visit had told by then, and what came of it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import after
from foresell.features.session import session_features
from foresell.features.spec import CustomerSpec
from foresell.predict.customers.task import SESSIONS_OF, Task

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A long visit is not to count as often as it has events: of its moments in the population these are taken.
TAKEN = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
JUST_AFTER = timedelta(microseconds=1)


def moments(
    tables: Tables,
    settings: Settings,
    task: Task,
    spec: CustomerSpec,
    since: datetime,
    until: datetime | None = None,
) -> pl.DataFrame:
    """The moments in [since, until) of the task's population: session_id, customer_id, cutoff_at and the
    features of `session_described(spec)`; ascending by session_id and cutoff_at.

    A moment lies right after an event; of events of one time, after the last. In the population it is from
    the asked event, and number of events, on, until what the label asks for has happened. `until`: a week
    later.
    """
    import ibis

    end = until or since + SESSIONS_OF
    asked, goal = task.population, task.label.event
    rows = session_features(
        tables, settings, end, spec, since=since, counted=tuple({asked.event, goal} - {""})
    )
    same_time = ibis.window(group_by=[rows.session_id, rows.occurred_at])
    rows = rows.mutate(is_last=rows.number == rows.number.max().over(same_time))
    rows = rows.filter(rows.is_last, rows.number >= asked.min_events, rows[f"until:{goal}"] == 0)
    if asked.event:
        rows = rows.filter(rows[f"until:{asked.event}"] > 0)
    place = ibis.row_number().over(ibis.window(group_by=rows.session_id, order_by=rows.number)) + 1
    rows = rows.mutate(place=place)
    rows = rows.filter(rows.place.isin(TAKEN), rows.occurred_at >= since)
    found: pl.DataFrame = rows.to_polars()
    return found.with_columns(
        cutoff_at=pl.col("occurred_at").cast(pl.Datetime("us", "UTC")) + JUST_AFTER
    ).sort("session_id", "cutoff_at")


def labels_of(
    tables: Tables, settings: Settings, task: Task, told: pl.DataFrame, since: datetime, until: datetime
) -> pl.Series:
    """Of each moment 1.0 where the label's event happens in its visit within the horizon (of no_event: where
    it does not), else 0.0."""
    window = after(tables, settings, since, until - since + task.horizon)
    events: ir.Table = window.current("events")
    events = events.filter(events.event_name == task.label.event, events.session_id.notnull())
    firsts = events.group_by("session_id").agg(goal_at=events.occurred_at.min()).to_polars()
    joined = told.select("session_id", "cutoff_at").join(
        firsts, on="session_id", how="left", maintain_order="left"
    )
    goal = pl.col("goal_at").cast(pl.Datetime("us", "UTC"))
    begins = pl.col("cutoff_at") + timedelta(days=task.label.begins_days)
    happens = ((goal >= begins) & (goal < pl.col("cutoff_at") + task.horizon)).fill_null(value=False)
    is_wanted = happens if task.label.kind == "event" else ~happens
    return joined.select(label=is_wanted.cast(pl.Float64))["label"]
