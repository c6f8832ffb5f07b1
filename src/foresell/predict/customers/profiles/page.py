"""The profile of one customer: everything that is known of them before a cutoff, on one page."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any, TypeVar

import polars as pl

from foresell.contracts.errors import NotFoundError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.matching.resolve import MatchedTables
from foresell.predict.customers.profiles.backdrop import Backdrop, make_backdrop
from foresell.predict.customers.profiles.changes import changes
from foresell.predict.customers.profiles.lines import (
    OneCustomer,
    devices_of_one,
    read_lines,
    read_months,
    read_refunds,
)
from foresell.predict.customers.profiles.nearest import Neighborhood, in_common
from foresell.predict.customers.profiles.prices import discount_leanings, price_levels
from foresell.predict.customers.profiles.profile import (
    Month,
    Nearest,
    PriceLevel,
    Profile,
    Rhythm,
    Score,
    Sensitivity,
    Tag,
    Taste,
    Use,
    Value,
    Who,
)
from foresell.predict.customers.profiles.rhythm import rhythms
from foresell.predict.customers.profiles.shares import channels, devices
from foresell.predict.customers.profiles.tagging import last_day, tags_of
from foresell.predict.customers.profiles.tastes import tastes
from foresell.predict.customers.profiles.worth import worth

Facts = TypeVar("Facts")
WHO = ("created_at", "country", "city", "household", "age_band", "income_band", "gender", "accepts_marketing")


def profile(
    tables: Tables,
    settings: Settings,
    cutoff: datetime,
    customer_id: str,
    *,
    backdrop: Backdrop | None = None,
    scores: pl.DataFrame | None = None,
    neighborhood: Neighborhood | None = None,
    tags: pl.DataFrame | None = None,
) -> Profile:
    """What was known of a customer before the cutoff.

    `backdrop`: what all customers do (`make_backdrop`, the slow part: keep it); by default made here.
    `scores`: rows of the `scores` table, of which this customer's are shown. `neighborhood`: whom to compare
    with; `tags`: those of all customers, for what the nearest have in common (null: not said).
    Of matched tables a linked id is its person's.

    Raises NotFoundError for a customer of whom nothing is known then: no row, no order, no event.
    """
    past = asof(tables, settings, cutoff)
    person = past.person_of(customer_id) if isinstance(past, MatchedTables) else customer_id
    only = OneCustomer(past, person)
    lines, refunds = read_lines(only, settings), read_refunds(only, settings)
    visits, months = devices_of_one(past, person), read_months(past, person)
    told = _customer_row(past, person)
    if told is None and lines.is_empty() and months.is_empty():
        raise NotFoundError(
            f"Nothing is known of customer '{customer_id}' before {cutoff:%Y-%m-%d}",
            do="Check the id, or choose a later date; foresell kpi rfm --by customer lists customers.",
        )
    today = last_day(settings, cutoff)
    found = Profile(
        person,
        cutoff,
        _who(told, lines, today),
        devices=_all(Use, devices(visits)),
        risks=_scores(scores, person),
        timeline=timeline(lines, refunds, months),
        nearest=_nearest(neighborhood, person, tags),
    )
    if lines.is_empty():
        return found
    return _with_purchases(
        found, lines, refunds, visits, backdrop or make_backdrop(tables, settings, cutoff), settings, today
    )


def _with_purchases(
    found: Profile,
    lines: pl.DataFrame,
    refunds: pl.DataFrame,
    visits: pl.DataFrame,
    backdrop: Backdrop,
    settings: Settings,
    today: date,
) -> Profile:
    value = worth(lines, refunds, backdrop, today).row(0, named=True)
    value["currency"] = settings.store.currency
    return replace(
        found,
        rhythm=_first(Rhythm, rhythms(lines, today)),
        tastes=_all(Taste, tastes(lines, backdrop)),
        price_level=_first(PriceLevel, price_levels(lines, backdrop)),
        sensitivity=_first(Sensitivity, discount_leanings(lines, backdrop)),
        channels=_all(Use, channels(lines)),
        value=_made(Value, value),
        changes=changes(lines, value, backdrop, today),
        tags=_tags(tags_of(lines, refunds, visits, backdrop, today)),
    )


def timeline(lines: pl.DataFrame, refunds: pl.DataFrame, events: pl.DataFrame) -> tuple[Month, ...]:
    """Every month from the first in which anything happened to the last, quiet ones too."""
    month = pl.col("date").dt.truncate("1mo")
    bought = lines.group_by(month=month).agg(orders=pl.col("order_id").n_unique(), net=pl.col("net").sum())
    back = refunds.group_by(month=month).agg(amount=pl.col("amount").sum())
    sold = {row["month"]: (row["orders"], row["net"]) for row in bought.iter_rows(named=True)}
    refunded = {row["month"]: row["amount"] for row in back.iter_rows(named=True)}
    done: dict[date, dict[str, int]] = {}
    for row in events.iter_rows(named=True):
        done.setdefault(row["month"], {})[row["event_name"]] = int(row["events"])
    seen = sorted({*sold, *refunded, *done})
    if not seen:
        return ()
    every = pl.date_range(seen[0], seen[-1], "1mo", eager=True).to_list()
    return tuple(
        Month(
            one,
            sold.get(one, (0, 0.0))[0],
            sold.get(one, (0, 0.0))[1] - refunded.get(one, 0.0),
            refunded.get(one, 0.0),
            done.get(one, {}),
        )
        for one in every
    )


def _customer_row(past: Tables, customer_id: str) -> dict[str, Any] | None:
    rows = past.current("customers")
    rows = rows.filter(rows.customer_id == customer_id, rows.erased_at.isnull()).select(*WHO)
    found = rows.to_polars().to_dicts()
    return found[0] if found else None


def _who(told: Mapping[str, Any] | None, lines: pl.DataFrame, today: date) -> Who:
    first = lines["date"].min()
    days = (today - first).days if isinstance(first, date) else None
    return Who(first if isinstance(first, date) else None, days, **(told or {}))


def _scores(scores: pl.DataFrame | None, customer_id: str) -> tuple[Score, ...]:
    if scores is None:
        return ()
    own = scores.filter(pl.col("customer_id") == customer_id).sort("task", "model")
    return _all(Score, own)


def _nearest(
    neighborhood: Neighborhood | None, customer_id: str, tags: pl.DataFrame | None
) -> Nearest | None:
    """None where nobody can be compared with."""
    if neighborhood is None or customer_id not in neighborhood.ids:
        return None
    found = neighborhood.nearest(customer_id)
    return found if tags is None else replace(found, in_common=in_common(found, tags))


def _tags(rows: pl.DataFrame) -> tuple[Tag, ...]:
    return tuple(
        Tag(row["tag"], row["value"], row["confidence"], json.loads(row["evidence"]))
        for row in rows.sort("tag").iter_rows(named=True)
    )


def _first(kind: type[Facts], rows: pl.DataFrame) -> Facts | None:
    return None if rows.is_empty() else _made(kind, rows.row(0, named=True))


def _all(kind: type[Facts], rows: pl.DataFrame) -> tuple[Facts, ...]:
    return tuple(_made(kind, row) for row in rows.iter_rows(named=True))


def _made(kind: type[Facts], row: Mapping[str, Any]) -> Facts:
    """An object from the columns that it has fields for."""
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in row.items() if name in names})
