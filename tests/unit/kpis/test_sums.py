"""Laws: a split loses nothing and counts nothing twice."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.settings import Settings, StoreSettings
from foresell.kpis import KPIS
from foresell.kpis.answer import KpiAnswer
from foresell.kpis.measures import FACTS
from foresell.kpis.query import all_kpis, query_kpi, valid_dimensions

HAND_STORE = Path(__file__).parents[2] / "golden" / "hand_store"
SETTINGS = Settings(store=StoreSettings(time_zone="America/New_York"))
# Sums over rows that a split parts; orders and customers may stand in several values.
ADDITIVE = ("net_sales", "contribution_margin", "units", "coupon_redemptions")
few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def hand_store():
    return {
        path.stem: [
            {name: value or None for name, value in row.items()}
            for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        ]
        for path in HAND_STORE.glob("*.csv")
    }


@pytest.mark.parametrize("kpi", ADDITIVE)
def test_every_valid_split_adds_up_to_the_whole(kpi, make_tables):
    tables = make_tables(hand_store())
    whole = query_kpi(tables, SETTINGS, kpi).value
    for dimension in valid_dimensions(KPIS[kpi]):
        rows = query_kpi(tables, SETTINGS, kpi, by=dimension, period="week").rows
        assert sum(row["value"] for row in rows) == pytest.approx(whole, abs=1e-3), dimension


def test_a_fact_of_whole_things_has_a_row_each(make_tables):
    """A join that repeated rows would show here: one row a line, refund, visit, member."""
    from foresell.kpis.scope import make_scope

    tables = make_tables(hand_store())
    scope = make_scope(tables, SETTINGS, where=["gender=F", "gender=M", "gender="])
    rows = {name: int(FACTS[name].cut(scope).count().execute()) for name in ("lines", "refunds", "promoted")}
    # 42 lines − 3 of orders that do not count + O12; R3 is of a cancelled order
    assert rows == {"lines": 40, "refunds": 4, "promoted": 6}


orders = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C", None]),
        st.integers(1, 28),
        st.lists(
            st.tuples(st.sampled_from(["P1", "P2"]), st.integers(0, 9999), st.integers(0, 999)), max_size=3
        ),
        st.integers(0, 3000),
    ),
    min_size=1,
    max_size=12,
)


def as_tables(drawn):
    heads, lines = [], []
    for i, (customer, day, items, discount) in enumerate(drawn):
        local = f"2024-02-{day:02d}"
        head = {"order_id": f"O{i}", "customer_id": customer, "currency": "USD", "local_date": local}
        own = sum(cents for _, _, cents in items)
        heads.append({**head, "created_at": f"{local}T12:00:00Z", "discount_amount": (own + discount) / 100})
        for j, (product, amount, cents) in enumerate(items):
            lines.append(
                {
                    "order_line_id": f"L{i}-{j}",
                    "order_id": f"O{i}",
                    "product_id": product,
                    "quantity": 1,
                    "line_amount": amount / 100,
                    "discount_amount": cents / 100,
                }
            )
    first = {"order_line_id": "L", "order_id": "O0", "product_id": "P1", "quantity": 1, "line_amount": 1}
    return {"orders": heads, "order_lines": [*lines, {**first, "discount_amount": 0}]}


@few
@given(orders)
def test_random_orders_keep_the_laws(make_tables, drawn):
    tables = make_tables(as_tables(drawn))
    names = ["customers", "new_customers", "returning_customers", "gross_sales", "discount", "net_sales"]
    answers = all_kpis(tables, SETTINGS, period="week", kpis=names)
    weekly = {
        name: {row["period"]: row["value"] for row in answer.rows}
        for name, answer in answers.items()
        if isinstance(answer, KpiAnswer)  # guests only: no customers
    }
    for week, customers in weekly.get("customers", {}).items():
        assert weekly["new_customers"][week] + weekly["returning_customers"][week] == customers
    for week, net in weekly["net_sales"].items():
        assert net == pytest.approx(weekly["gross_sales"][week] - weekly["discount"][week], abs=1e-3)
    # the whole order-level discount arrives at lines, whatever their amounts
    with_lines = {0} | {i for i, (_, _, items, _) in enumerate(drawn) if items}
    given_away = sum(
        (sum(cents for _, _, cents in items) + discount) / 100
        for i, (_, _, items, discount) in enumerate(drawn)
        if i in with_lines
    )
    assert query_kpi(tables, SETTINGS, "discount").value == pytest.approx(given_away, abs=1e-3)
