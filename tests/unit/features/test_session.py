"""Features of a visit so far: by hand, and by law: what comes later changes nothing before it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.features.choosing import customer_spec
from foresell.features.live_session import LiveVisits
from foresell.features.local_time import offsets
from foresell.features.session import session_described, session_features

NEW_YORK = Settings.model_validate({"store": {"time_zone": "America/New_York"}})
CUTOFF = datetime(2026, 4, 1, tzinfo=UTC)
KEYS = ["session_id", "number"]


def event(number: int, name: str, minute: int, **cells: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "session_id": "s1",
        "event_name": name,
        "occurred_at": f"2026-03-20T14:{minute:02}:00Z",
        "local_date": "2026-03-20",
        "device_type": "mobile",
        **cells,
    }


def order(key: str, at: str, **cells: object) -> dict[str, object]:
    return {
        "order_id": key,
        "customer_id": "c1",
        "created_at": at,
        "local_date": at[:10],
        "currency": "USD",
        "total_amount": 30,
        **cells,
    }


BY_HAND = {
    "events": [
        event(1, "view_item", 0, product_id="tea", price=5),
        event(2, "add_to_cart", 1, product_id="tea", price=5, quantity=3, customer_id="c1"),
        event(3, "remove_from_cart", 3, product_id="tea", price=5),
        event(4, "purchase", 9),
        event(5, "add_to_cart", 10, product_id="cup", price=8),
        event(6, "view_item", 10, product_id="tea", session_id=None),
    ],
    "orders": [
        order("o1", "2026-03-10T14:00:00Z"),
        order("o2", "2026-03-15T14:00:00Z"),
        order("in the visit", "2026-03-20T14:09:00Z"),
        order("elsewhere", "2026-03-01T14:00:00Z", customer_id="c2"),
    ],
}


def test_a_visit_is_told_event_by_event(make_tables: Any) -> None:
    tables = make_tables(BY_HAND)
    spec = customer_spec(tables, NEW_YORK, CUTOFF)
    rows = session_features(tables, NEW_YORK, CUTOFF, spec).to_polars().sort(KEYS)
    assert rows.columns[5:] == [feature.name for feature in session_described(spec)]

    def told(name: str) -> list[object]:
        return rows[name].to_list()

    assert told("number") == [1, 2, 3, 4, 5]
    assert told("view_item_so_far") == [1, 1, 1, 1, 1]
    assert told("purchase_so_far") == [0, 0, 0, 1, 1]
    assert told("products_so_far") == [1, 1, 1, 1, 2]
    assert told("cart_units") == [0, 3, 2, 0, 1]
    assert told("cart_value") == [0, 15, 10, 0, 8]
    assert told("seconds_so_far") == [0, 60, 180, 540, 600]
    assert told("mean_pause") == [None, 60, 90, 180, 150]
    assert told("last_pause") == [None, 60, 120, 360, 60]
    assert told("price_seen") == [5, 5, 5, 5, 5.75]
    assert told("is_customer") == [0, 1, 1, 1, 1]
    assert told("past_orders") == [0, 2, 2, 2, 2]
    assert told("past_spent") == [0, 60, 60, 60, 60]
    assert told("past_days_since_order") == [None, 5, 5, 5, 5]
    assert told("hour") == [10] * 5
    assert told("weekday") == ["5"] * 5
    assert told("device_type") == ["mobile"] * 5


@pytest.mark.parametrize("seed", [4])
def test_what_a_visit_has_told_does_not_change_later(
    make_tables: Any, shop_of_chance: Any, seed: int
) -> None:
    tables = make_tables(shop_of_chance(seed))
    spec = customer_spec(tables, NEW_YORK, CUTOFF)
    whole = session_features(tables, NEW_YORK, CUTOFF, spec).to_polars().sort(KEYS)
    # Within a visit: half of its events are still to come.
    moment = whole.filter(pl.col("number") == 2)["occurred_at"][3] + timedelta(seconds=1)
    until = session_features(tables, NEW_YORK, moment, spec).to_polars().sort(KEYS)
    assert 0 < len(until) < len(whole)
    assert_frame_equal(until, whole.filter(pl.col("occurred_at") < moment), rel_tol=1e-12)


@pytest.mark.parametrize("seed", [5])
def test_live_features_of_a_visit_are_those_of_the_batch(
    make_tables: Any, shop_of_chance: Any, seed: int
) -> None:
    tables = make_tables(shop_of_chance(seed))
    spec = customer_spec(tables, NEW_YORK, CUTOFF)
    batch = session_features(tables, NEW_YORK, CUTOFF, spec).to_polars().sort(KEYS)
    known = LiveVisits.load(tables, NEW_YORK, spec, CUTOFF)
    events = tables.current("events").to_polars().filter(pl.col("session_id").is_not_null())
    by_visit = {name: rows.to_dicts() for (name,), rows in events.group_by("session_id")}
    live = []
    for visit, number in batch.select(KEYS).iter_rows():
        so_far = sorted(by_visit[visit], key=lambda event: (event["occurred_at"], event["event_id"]))
        live.append(known.features(so_far[:number]))
    assert_frame_equal(pl.concat(live), batch[:, 5:], rel_tol=1e-9)
    with pytest.raises(InputError, match="without events"):
        known.features([])


@given(
    zone=st.sampled_from(
        ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC"]
    ),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 30)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
)
def test_clocks_change_when_the_zone_says(zone: str, moment: datetime) -> None:
    second = int(moment.timestamp())
    shift = [shift for since, shift in offsets(zone, 2026) if since <= second][-1]
    told = moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert told is not None
    assert shift == told.total_seconds()
