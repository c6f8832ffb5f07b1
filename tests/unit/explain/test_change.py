"""Why a KPI changed: the parts add up, and say what happened."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings, StoreSettings
from foresell.explain.change import explain_change
from foresell.explain.change_parts import NOTES, TITLES

HAND_STORE = Path(__file__).parents[2] / "golden" / "hand_store"
SETTINGS = Settings(store=StoreSettings(time_zone="America/New_York"))
NOVEMBER = {"start": date(2017, 11, 1), "end": date(2017, 11, 30)}
OCTOBER = {"baseline_start": date(2017, 10, 1), "baseline_end": date(2017, 10, 31)}
few = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def hand_store():
    return {
        path.stem: [
            {name: value or None for name, value in row.items()}
            for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        ]
        for path in HAND_STORE.glob("*.csv")
    }


def assert_adds_up(found):
    assert found.change == found.after - found.before
    assert sum(part.effect for part in found.parts) == found.change
    for groups in found.dimensions.values():
        assert sum(g.before for g in groups) == found.before
        assert sum(g.after for g in groups) == found.after
        for g in groups:
            assert g.volume + g.mix + g.rate + g.refunds == g.change


def test_november_against_october(make_tables, hand_store):
    found = explain_change(make_tables(hand_store), SETTINGS, **NOVEMBER, **OCTOBER)
    assert_adds_up(found)
    assert (found.before, found.after) == (Decimal("76.0000"), Decimal("125.8000"))
    # October has no visits: customers 2 + a guest → 4, orders 4 → 7, sold 76 → 164.80, refunds 0 → 39
    assert found.notes == ("no_visits",)
    parts = {part.name: part for part in found.parts}
    assert list(parts) == ["customers", "orders_per_customer", "order_value", "refunds"]
    assert (parts["customers"].before, parts["customers"].after) == (3, 4)
    assert parts["refunds"].effect == Decimal("-39.0000")
    assert sum(p.effect for name, p in parts.items() if name != "refunds") == Decimal("88.8000")
    stores = {g.value: g for g in found.dimensions["location"]}
    # S1: 26 → 15 + 35 − 9; S2: 25 → 27; W: 10 + 15 → 50 + 8 + 4.80 + 25 − 5 − 25
    assert {name: (g.before, g.after) for name, g in stores.items()} == {
        "S1": (Decimal(26), Decimal(41)),
        "S2": (Decimal(25), Decimal(27)),
        "W": (Decimal(25), Decimal("57.8")),
    }
    assert set(found.dimensions) == {"department", "category", "brand", "location", "channel"}


def test_with_visits_the_change_is_traffic_conversion_and_order_value(make_tables, hand_store):
    spans = {"start": date(2017, 11, 6), "end": date(2017, 11, 10)}
    baseline = {"baseline_start": date(2017, 11, 5), "baseline_end": date(2017, 11, 5)}
    found = explain_change(make_tables(hand_store), SETTINGS, **spans, **baseline, dimensions=["brand"])
    assert_adds_up(found)
    # 3 visits, 3 orders of 73 → 6 visits, 1 order of 35
    assert [(p.name, float(p.before), float(p.after)) for p in found.parts] == [
        ("traffic", 3, 6),
        ("conversion", 1, pytest.approx(1 / 6)),
        ("order_value", pytest.approx(73 / 3), 35),
    ]
    assert found.notes == ()
    assert found.as_record()["change"] == -38.0


def test_the_baseline_is_as_long_and_just_before(make_tables, hand_store):
    found = explain_change(make_tables(hand_store), SETTINGS, **NOVEMBER, dimensions=[])
    assert found.baseline == (date(2017, 10, 2), date(2017, 10, 31))


def test_an_empty_baseline_is_said(make_tables, hand_store):
    spans = {"start": date(2017, 10, 1), "end": date(2017, 10, 31)}
    found = explain_change(make_tables(hand_store), SETTINGS, "orders", **spans)
    assert_adds_up(found)
    assert (found.before, found.after, found.unit) == (0, 4, "orders")
    assert found.notes == ("no_visits", "empty_baseline")
    assert "category" not in found.dimensions


def test_a_condition_narrows_everything(make_tables, hand_store):
    narrowed = {"where": ["location=W"], "dimensions": ["channel"]}
    found = explain_change(make_tables(hand_store), SETTINGS, **NOVEMBER, **OCTOBER, **narrowed)
    assert_adds_up(found)
    assert (found.before, found.after) == (Decimal(25), Decimal("57.8"))


@pytest.mark.parametrize(
    ("kpi", "arguments", "error"),
    [
        ("net_salse", NOVEMBER, NotFoundError),
        ("bounce_rate", NOVEMBER, InputError),
        ("net_sales", {**NOVEMBER, "baseline_start": date(2017, 10, 1)}, InputError),
        ("net_sales", {**NOVEMBER, **OCTOBER, "baseline_end": date(2017, 11, 1)}, InputError),
        ("net_sales", {"start": date(2017, 11, 2), "end": date(2017, 11, 1)}, InputError),
        ("orders", {**NOVEMBER, "dimensions": ["category"]}, InputError),
        ("net_sales", {**NOVEMBER, "dimensions": ["colour"]}, NotFoundError),
    ],
)
def test_what_cannot_be_explained_is_refused(make_tables, hand_store, kpi, arguments, error):
    with pytest.raises(error):
        explain_change(make_tables(hand_store), SETTINGS, kpi, **arguments)


def test_a_rate_missing_on_a_day_nobody_asked_about_hides_unusual_days_alone(make_tables):
    days = ("2023-09-05", "2024-02-05", "2024-03-05")
    orders = [
        {
            "order_id": day,
            "customer_id": "C1",
            "currency": "EUR",
            "created_at": f"{day}T12:00:00Z",
            "local_date": day,
        }
        for day in days
    ]
    sold = [
        {"order_line_id": day, "order_id": day, "product_id": "P1", "quantity": 1, "line_amount": 10}
        for day in days
    ]
    rates = [{"date": day, "currency": "EUR", "rate_to_store": 1.1} for day in days[1:]]
    tables = make_tables({"orders": orders, "order_lines": sold, "exchange_rates": rates})
    told = explain_change(
        tables,
        SETTINGS,
        "net_sales",
        start=date(2024, 3, 1),
        end=date(2024, 3, 31),
        baseline_start=date(2024, 2, 1),
        baseline_end=date(2024, 2, 29),
    )
    assert (told.before, told.after) == (11, 11)
    assert told.unusual_days == []
    assert "no_unusual_days" in told.notes


def test_counting_orders_needs_no_rates(make_tables):
    orders = [
        {
            "order_id": f"O{number}",
            "customer_id": "C",
            "currency": "EUR",
            "created_at": f"{day}T12:00:00Z",
            "local_date": day,
            "subtotal_amount": 10,
            "channel": "web",
        }
        for number, day in enumerate(["2024-03-01", "2024-03-02", "2024-03-02"])
    ]
    found = explain_change(
        make_tables({"orders": orders}), Settings(), "orders", start=date(2024, 3, 2), end=date(2024, 3, 2)
    )
    assert (found.before, found.after) == (1, 2)
    assert sum(part.effect for part in found.parts) == 1
    assert [group.change for group in found.dimensions["channel"]] == [1]


lines = st.lists(
    st.tuples(st.integers(1, 20), st.sampled_from("ABCDE"), st.integers(0, 99999), st.integers(0, 5000)),
    min_size=1,
    max_size=25,
)


@few
@given(lines)
def test_random_sales_add_up_by_parts_and_dimensions(make_tables, drawn):
    heads, sold, refunds = [], [], []
    for i, (day, product, amount, back) in enumerate(drawn):
        at = {"created_at": f"2024-02-{day:02d}T12:00:00Z", "local_date": f"2024-02-{day:02d}"}
        heads.append({"order_id": f"O{i}", "customer_id": product, "currency": "EUR", **at})
        key = {"order_line_id": f"L{i}", "order_id": f"O{i}"}
        sold.append({**key, "product_id": product, "quantity": 1, "line_amount": amount / 100})
        refunds.append({"refund_id": f"R{i}", **key, "currency": "EUR", "amount": back / 100, **at})
    rates = [
        {"date": f"2024-02-{d:02d}", "currency": "EUR", "rate_to_store": 1 + d / 7} for d in range(1, 21)
    ]
    tables = make_tables({"orders": heads, "order_lines": sold, "refunds": refunds, "exchange_rates": rates})
    spans = {"start": date(2024, 2, 11), "end": date(2024, 2, 20)}
    assert_adds_up(explain_change(tables, SETTINGS, **spans, dimensions=["product", "customer"]))


def test_every_part_and_note_has_words_in_both_languages():
    for words in (*TITLES.values(), *NOTES.values()):
        assert len(words) == 2
        assert all(words)
