"""Features of a visit so far, now: from its own events and what is known of its customer and products.

    known = LiveVisits.load(tables, settings, spec, until)      once, and again when there is news
    known.features(events)

Equal to the row of `session_features` for the last of these events.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.facts import Facts, shop_of
from foresell.features.measures import SECONDS_A_DAY
from foresell.features.session import CATEGORIES, session_described
from foresell.features.spec import CustomerSpec
from foresell.store.ever_there import ever_there

Event = Mapping[str, Any]
# A column of events for each category that has another name.
COLUMN_OF = {"source": "utm_source", "medium": "utm_medium"}


@dataclass(frozen=True, slots=True)
class _Past:
    """A customer's orders, ascending: their seconds, and the money spent up to each, itself included."""

    at: list[int]
    spent: NDArray[np.float64]


class LiveVisits:
    """Products and past orders as known at a moment, in memory; made by `load`."""

    def __init__(
        self,
        spec: CustomerSpec,
        settings: Settings,
        products: Mapping[str, tuple[str | None, float | None]],
        pasts: Mapping[str, _Past],
    ) -> None:
        self.spec = spec
        self._zone = ZoneInfo(settings.store.time_zone)
        self._products = products
        self._pasts = pasts
        self._schema = {
            feature.name: pl.String if feature.kind == "category" else pl.Float64
            for feature in session_described(spec)
        }

    @classmethod
    def load(cls, tables: Tables, settings: Settings, spec: CustomerSpec, until: datetime) -> "LiveVisits":
        known = asof(tables, settings, until)
        products, pasts = {}, {}
        if spec.has_products:
            rows = ever_there(known, "products")
            facts = rows.select("product_id", "category", price=rows.price.cast("float64")).to_polars()
            products = {product: (category, price) for product, category, price in facts.iter_rows()}
        if spec.has_orders:
            orders = Facts(known, settings, spec, shop_of(tables, settings)).table("orders")
            frame: pl.DataFrame = orders.select("customer_id", "at", "amount").to_polars()
            by_customer = frame.sort("customer_id", "at").group_by("customer_id", maintain_order=True)
            for customer, at, amounts in by_customer.agg("at", "amount").iter_rows():
                pasts[customer] = _Past(at, np.cumsum(amounts))
        return cls(spec, settings, products, pasts)

    def features(self, events: Sequence[Event]) -> pl.DataFrame:
        """One row: the columns of `session_described(spec)` after the last of a visit's events.

        `events`: rows as of the canonical table, in any order; a column that is not there is null.
        Raises InputError for no events.
        """
        if not events:
            raise InputError("A visit without events tells nothing", do="Give its events so far.")
        told = sorted(events, key=lambda event: (event["occurred_at"], event["event_id"]))
        at = [floor(event["occurred_at"].timestamp()) for event in told]
        found = {
            **self._counts(told),
            **self._times(told, at),
            **self._goods(told),
            **self._past(told, at[0]),
            **{name: _least(told, COLUMN_OF.get(name, name)) for name in CATEGORIES},
        }
        return pl.DataFrame([{name: found[name] for name in self._schema}], schema=self._schema)

    def _counts(self, told: Sequence[Event]) -> dict[str, float]:
        names = [event["event_name"] for event in told]
        return {f"{name}_so_far": float(names.count(name)) for name in self.spec.event_names}

    def _times(self, told: Sequence[Event], at: Sequence[int]) -> dict[str, Any]:
        local = told[-1]["occurred_at"].astimezone(self._zone)
        seconds = float(at[-1] - at[0])
        return {
            "events_so_far": float(len(at)),
            "seconds_so_far": seconds,
            "mean_pause": seconds / (len(at) - 1) if len(at) > 1 else None,
            "last_pause": float(at[-1] - at[-2]) if len(at) > 1 else None,
            "hour": float(local.hour),
            "weekday": str(local.isoweekday()),
        }

    def _goods(self, told: Sequence[Event]) -> dict[str, float | None]:
        products, categories, prices = set(), set(), []
        units = value = 0.0
        for event in told:
            product = event.get("product_id")
            category, listed = self._products.get(product, (None, None)) if product else (None, None)
            own = event.get("price")
            price = listed if own is None else float(own)
            change = _change(event)
            units, value = units + change, value + change * (price or 0.0)
            if event["event_name"] == "purchase":
                units = value = 0.0
            products.add(product)
            categories.add(category)
            prices += [] if price is None else [price]
        return {
            "products_so_far": float(len(products - {None})),
            "categories_so_far": float(len(categories - {None})),
            "cart_units": units,
            "cart_value": value,
            "price_seen": sum(prices) / len(prices) if prices else None,
        }

    def _past(self, told: Sequence[Event], start: int) -> dict[str, float | None]:
        customer = _least(told, "customer_id")
        past = self._pasts.get(customer) if customer else None
        before = bisect_left(past.at, start) if past else 0
        return {
            "is_customer": float(customer is not None),
            "past_orders": float(before),
            "past_spent": float(past.spent[before - 1]) if past and before else 0.0,
            "past_days_since_order": (start - past.at[before - 1]) / SECONDS_A_DAY
            if past and before
            else None,
        }


def _change(event: Event) -> float:
    """Units that go into the cart, or (below 0) out of it."""
    sign = {"add_to_cart": 1.0, "remove_from_cart": -1.0}.get(event["event_name"], 0.0)
    quantity = event.get("quantity")
    return sign * (1.0 if quantity is None else float(quantity))


def _least(told: Sequence[Event], column: str) -> str | None:
    return min((event[column] for event in told if event.get(column) is not None), default=None)
