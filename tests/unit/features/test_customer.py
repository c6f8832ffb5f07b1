"""Features of customers: by hand, by law (no future, live as in batch), and of shops that lack tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from json import dumps, loads
from math import log, sqrt
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.features.choosing import customer_spec
from foresell.features.customer import customer_features, described
from foresell.features.leak import assert_no_leak
from foresell.features.live import LiveCustomers
from foresell.features.spec import CustomerSpec, Focus, spec_of

UTC_SHOP = Settings()
NEW_YORK = Settings.model_validate({"store": {"time_zone": "America/New_York"}})
CUTOFF = datetime(2026, 4, 1, tzinfo=UTC)


def order(key: str, day: str, **cells: object) -> dict[str, object]:
    at = f"{day}T12:00:00Z"
    return {
        "order_id": key,
        "customer_id": "c1",
        "created_at": at,
        "local_date": day,
        "currency": "USD",
        **cells,
    }


def line(order_id: str, product: str, amount: float, **cells: object) -> dict[str, object]:
    key = f"{order_id}-{product}"
    return {
        "order_line_id": key,
        "order_id": order_id,
        "product_id": product,
        "quantity": 1,
        "line_amount": amount,
        **cells,
    }


BY_HAND = {
    "orders": [
        order("a", "2026-01-31"),  # a Saturday, 60 days before the cutoff's noon
        order("b", "2026-03-02", channel="web"),  # 30 days later
        order("c", "2026-03-12", channel="store"),  # 10 days later
        order("cancelled", "2026-03-20", status="cancelled"),
        order("test", "2026-03-20", is_test=True),
        order("nobody", "2026-03-20", customer_id=None),
        order("future", "2026-04-02"),
    ],
    "order_lines": [
        line("a", "tea", 10, discount_amount=10, quantity=2),
        line("b", "tea", 20),
        line("b", "cup", 30),
        line("c", "fuel", 40),
        line("future", "cup", 99),
    ],
    "products": [
        {"product_id": "tea", "category": "drinks", "department": "food"},
        {"product_id": "cup", "category": "ware", "department": "home"},
        {"product_id": "fuel", "category": "cars", "is_service": True},
    ],
}


def test_features_are_those_counted_by_hand(make_tables: Any) -> None:
    tables = make_tables(BY_HAND)
    spec = customer_spec(tables, UTC_SHOP, CUTOFF, focus=Focus("category", "drinks"))
    (row,) = customer_features(tables, UTC_SHOP, CUTOFF, spec).to_polars().to_dicts()
    expected = {
        "customer_id": "c1",
        "orders_7d": 0.0,
        "orders_30d": 2.0,
        "orders_90d": 3.0,
        "orders_ever": 3.0,
        "spent_ever": 100.0,
        "spent_30d": 90.0,
        "units_ever": 4.0,
        "lines_ever": 3.0,
        "days_since_order": 19.5,
        "days_since_first_order": 59.5,
        "gap_mean": 20.0,
        "gap_median": 20.0,
        "gap_sd": sqrt(200),
        "pause_over_usual": 19.5 / 20,
        "weekend_share": 1 / 3,
        "spent_per_order_ever": 100 / 3,
        "largest_order": 50.0,
        "gross_ever": 110.0,
        "discount_share_ever": 10 / 110,
        "discounted_line_share_ever": 1 / 3,
        "products_ever": 2.0,
        "categories_ever": 2.0,
        "category_entropy": -(2 / 3) * log(2 / 3) - (1 / 3) * log(1 / 3),
        "lines_ever_category_drinks": 2.0,
        "share_department_food": 2 / 3,
        "orders_by_web": 1.0,
        "focus_orders_ever": 2.0,
        "focus_spent_ever": 30.0,
        "days_since_focus": 29.5,
        "focus_gap_mean": 30.0,
        "cutoff_month": "4",
        "cutoff_weekday": "3",
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_visits_are_counted_by_hand(make_tables: Any) -> None:
    def event(number: int, session: str, name: str, at: str) -> dict[str, object]:
        return {
            "event_id": f"e{number}",
            "session_id": session,
            "customer_id": "c1",
            "event_name": name,
            "occurred_at": at,
            "local_date": at[:10],
        }

    tables = make_tables(
        {
            "events": [
                event(1, "s1", "view_item", "2026-03-01T10:00:00Z"),
                event(2, "s1", "add_to_cart", "2026-03-01T10:10:00Z"),
                event(3, "s2", "view_item", "2026-03-31T10:00:00Z"),
                event(4, "s2", "purchase", "2026-03-31T10:20:00Z"),
                event(5, "s2", "view_item", "2026-04-01T10:20:00Z"),
            ]
        }
    )
    spec = customer_spec(tables, UTC_SHOP, CUTOFF)
    assert not spec.has_orders
    (row,) = customer_features(tables, UTC_SHOP, CUTOFF, spec).to_polars().to_dicts()
    expected = {
        "events_ever": 4.0,
        "events_1d": 2.0,
        "view_item_30d": 1.0,
        "sessions_ever": 2.0,
        "left_carts_ever": 1.0,
        "bought_sessions_ever": 1.0,
        "bought_sessions_share_30d": 1.0,
        "session_events": 2.0,
        "session_minutes": 15.0,
        "visit_gap_mean": 30.0,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)


# Seeds and not Hypothesis: an example takes a second, and shrinking one takes minutes.
@pytest.mark.parametrize(("seed", "day"), [(1, 25), (2, 119)])
def test_live_features_are_those_of_the_batch(
    make_tables: Any, shop_of_chance: Any, seed: int, day: int
) -> None:
    tables = make_tables(shop_of_chance(seed))
    cutoff = datetime(2026, 1, 1, 7, 30, 0, 250_000, tzinfo=UTC) + timedelta(days=day)
    spec = customer_spec(tables, NEW_YORK, cutoff, focus=Focus("category", "tea"))
    batch = customer_features(tables, NEW_YORK, cutoff, spec).to_polars().sort("customer_id")
    live = LiveCustomers.load(tables, NEW_YORK, spec, cutoff).features(list(batch["customer_id"]), cutoff)
    assert_frame_equal(live, batch, rel_tol=1e-9, abs_tol=1e-9)
    assert batch.columns == ["customer_id", *(feature.name for feature in described(spec))]


def test_renewed_customers_are_as_if_all_had_been_read_anew(make_tables: Any, shop_of_chance: Any) -> None:
    tables = make_tables(shop_of_chance(4))
    cutoff = datetime(2026, 3, 20, 7, 30, tzinfo=UTC)
    before = cutoff - timedelta(days=6)
    spec = customer_spec(tables, NEW_YORK, before)
    batch = customer_features(tables, NEW_YORK, cutoff, spec).to_polars().sort("customer_id")
    old = LiveCustomers.load(tables, NEW_YORK, spec, before)
    everybody = list(batch["customer_id"])
    aged = old.features(everybody, cutoff)
    changed = [
        one for one, *same in zip(everybody, aged.rows(), batch.rows(), strict=True) if same[0] != same[1]
    ]
    assert 0 < len(changed) < len(everybody)
    renewed = old.renewed(tables, changed[::2], before).renewed(tables, changed, cutoff)
    assert_frame_equal(renewed.features(everybody, cutoff), batch, rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(old.features(everybody, cutoff), aged)


@pytest.mark.parametrize("seed", [3])
def test_features_do_not_know_the_future(make_tables: Any, shop_of_chance: Any, seed: int) -> None:
    tables = make_tables(shop_of_chance(seed))

    def compute(world: Any) -> Any:
        spec = customer_spec(world, NEW_YORK, CUTOFF, focus=Focus("product", "p1"))
        return customer_features(world, NEW_YORK, CUTOFF, replace(spec, windows=(30, 90)))

    assert_no_leak(compute, tables, CUTOFF)


def test_live_features_of_a_later_moment_only_grow_older(make_tables: Any) -> None:
    tables = make_tables(BY_HAND)
    spec = customer_spec(tables, UTC_SHOP, CUTOFF)
    known = LiveCustomers.load(tables, UTC_SHOP, spec, CUTOFF)
    later = known.features(["c1"], CUTOFF + timedelta(days=12)).to_dicts()[0]
    assert (later["days_since_order"], later["orders_30d"], later["orders_ever"]) == (31.5, 0.0, 3.0)
    with pytest.raises(InputError, match="Live features are of now"):
        known.features(["c1"], CUTOFF - timedelta(seconds=1))


def test_a_customer_without_events_has_zeros_and_unknowns(make_tables: Any) -> None:
    tables = make_tables(BY_HAND)
    spec = customer_spec(tables, UTC_SHOP, CUTOFF)
    known = LiveCustomers.load(tables, UTC_SHOP, spec, CUTOFF)
    row = known.features(["stranger"], CUTOFF).to_dicts()[0]
    assert (row["orders_ever"], row["spent_90d"]) == (0.0, 0.0)
    assert row["days_since_order"] is None
    assert row["spent_per_order_ever"] is None
    assert row["cutoff_month"] == "4"


def test_every_feature_is_told_in_both_languages_and_once(make_tables: Any, shop_of_chance: Any) -> None:
    tables = make_tables(shop_of_chance(1))
    features = described(customer_spec(tables, UTC_SHOP, CUTOFF, focus=Focus("brand", "own")))
    assert len({feature.name for feature in features}) == len(features)
    assert len({feature.text for feature in features}) == len(features)
    assert len({feature.text_zh for feature in features}) == len(features)
    assert all(feature.unit for feature in features)


def test_a_spec_survives_json(make_tables: Any, shop_of_chance: Any) -> None:
    spec = customer_spec(make_tables(shop_of_chance(2)), UTC_SHOP, CUTOFF, focus=Focus("category", "tea"))
    assert spec_of(loads(dumps(spec.as_record()))) == spec
    with pytest.raises(InputError, match="another version"):
        spec_of({**spec.as_record(), "unheard_of": 1})


def test_a_shop_of_which_nothing_is_known_is_refused(make_tables: Any) -> None:
    with pytest.raises(InputError, match="Nothing is known"):
        customer_spec(make_tables(BY_HAND), UTC_SHOP, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(InputError, match="nothing to know customers by"):
        described(CustomerSpec(has_orders=False, has_events=False))
