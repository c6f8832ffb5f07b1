"""Visitors and sessions that are a known customer's: what was done before and without logging in.

A visitor (`anonymous_id`: a cookie or device) on which one person was ever known is that person's, always.
One on which several persons were known is a shared device: from a login on it is that person's, until
the next person's; before the first login it is nobody's. A session in which one person alone was known is
that person's, whatever the device. A visitor of more persons than `max_customers_per_token` is nobody's,
except in such sessions.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import polars

# Between two logins of a shared device somebody else may sit there: a convention, not a measurement.
LOGIN_CONFIDENCE = 0.9


@dataclass(frozen=True)
class LinkedVisitors:
    """`links`: rows of `customer_links` for visitors and sessions; `num_crowded`: visitors of too many."""

    links: "polars.DataFrame"
    num_crowded: int


def link_visitors(tables: Tables, persons: "polars.DataFrame", most_persons: int) -> LinkedVisitors:
    """Link the visitors and sessions that have events without a customer.

    `persons`: customer_id, person_id of every customer who is linked.
    """
    import polars as pl

    events = tables.current("events")
    known = events.filter(events.customer_id.notnull(), events.anonymous_id.notnull())
    open_ids = events.filter(events.customer_id.isnull(), events.anonymous_id.notnull())
    known = known.semi_join(open_ids, "anonymous_id")
    pairs = known.group_by("anonymous_id", "customer_id").agg(
        num_events=known.count(), first_at=known.occurred_at.min()
    )
    of_visitors = _by_person(pairs.to_polars(), persons, "anonymous_id")
    alone = of_visitors.filter(pl.col("num_persons") == 1)
    shared = of_visitors.filter(pl.col("num_persons").is_between(2, most_persons))
    num_crowded = of_visitors.filter(pl.col("num_persons") > most_persons)["anonymous_id"].n_unique()
    links = [
        _links(alone, "anonymous_id", "visitor"),
        _logins(_changes(known), shared["anonymous_id"].unique(), persons),
        _links(_sessions(events, known, persons), "session_id", "session"),
    ]
    return LinkedVisitors(pl.concat(links, how="diagonal"), num_crowded)


def _by_person(pairs: "polars.DataFrame", persons: "polars.DataFrame", key: str) -> "polars.DataFrame":
    """Pairs of an id and a customer → a row an id and person; `through_id`: the customer seen first."""
    import polars as pl

    named = _with_person(pairs, persons).sort(key, "first_at", "customer_id")
    rows = named.group_by(key, "person_id", maintain_order=True).agg(
        pl.col("num_events").sum(),
        pl.col("first_at").min(),
        pl.col("customer_id").first().alias("through_id"),
    )
    return rows.with_columns(pl.len().over(key).alias("num_persons"))


def _with_person(rows: "polars.DataFrame", persons: "polars.DataFrame") -> "polars.DataFrame":
    import polars as pl

    named = rows.join(persons, on="customer_id", how="left")
    return named.with_columns(pl.coalesce("person_id", "customer_id").alias("person_id"))


def _links(rows: "polars.DataFrame", key: str, method: str) -> "polars.DataFrame":
    import polars as pl

    told = [json.dumps({"events_with_customer": number}) for number in rows["num_events"].to_list()]
    return rows.select(
        key,
        "person_id",
        "through_id",
        pl.lit(1.0).alias("confidence"),
        pl.lit(method).alias("method"),
        pl.Series("evidence", told, dtype=pl.String),
        pl.col("first_at").alias("known_at"),
    )


def _changes(known: "ir.Table") -> "ir.Table":
    """The events of devices of several customers at which the customer changes."""
    import ibis

    several = known.group_by("anonymous_id").agg(num_customers=known.customer_id.nunique())
    several = several.filter(several.num_customers > 1)
    rows = known.semi_join(several, "anonymous_id")
    times = ibis.window(group_by=rows.anonymous_id, order_by=[rows.occurred_at, rows.event_id])
    rows = rows.mutate(customer_before=rows.customer_id.lag().over(times))
    rows = rows.filter(rows.customer_before.isnull() | (rows.customer_before != rows.customer_id))
    return rows.select("anonymous_id", "customer_id", "occurred_at", "event_id")


def _logins(changes: "ir.Table", shared: Any, persons: "polars.DataFrame") -> "polars.DataFrame":
    import polars as pl

    rows = _with_person(changes.to_polars().filter(pl.col("anonymous_id").is_in(shared.implode())), persons)
    rows = rows.sort("anonymous_id", "occurred_at", "event_id")
    before = pl.col("person_id").shift().over("anonymous_id")
    rows = rows.filter(before.is_null() | (before != pl.col("person_id")))
    rows = rows.with_columns(pl.col("occurred_at").shift(-1).over("anonymous_id").alias("ends_at"))
    rows = rows.filter(pl.col("ends_at").is_null() | (pl.col("ends_at") > pl.col("occurred_at")))
    return rows.select(
        "anonymous_id",
        "person_id",
        pl.col("occurred_at").alias("begins_at"),
        "ends_at",
        pl.col("customer_id").alias("through_id"),
        pl.lit(LOGIN_CONFIDENCE).alias("confidence"),
        pl.lit("login").alias("method"),
        pl.lit(json.dumps({"device": "shared"})).alias("evidence"),
        pl.col("occurred_at").alias("known_at"),
    )


def _sessions(events: "ir.Table", known: "ir.Table", persons: "polars.DataFrame") -> "polars.DataFrame":
    """Sessions of one known person, where the visitor does not say whose they are."""
    import polars as pl

    several = known.group_by("anonymous_id").agg(num_customers=known.customer_id.nunique())
    several = several.filter(several.num_customers > 1)
    unknown = events.filter(events.customer_id.isnull(), events.session_id.notnull())
    nameless = unknown.filter(unknown.anonymous_id.isnull()).select("session_id")
    wanted = nameless.union(unknown.semi_join(several, "anonymous_id").select("session_id"))
    seen = events.filter(events.customer_id.notnull(), events.session_id.notnull())
    seen = seen.semi_join(wanted, "session_id")
    pairs = seen.group_by("session_id", "customer_id").agg(
        num_events=seen.count(), first_at=seen.occurred_at.min()
    )
    return _by_person(pairs.to_polars(), persons, "session_id").filter(pl.col("num_persons") == 1)
