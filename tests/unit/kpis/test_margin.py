"""What a refund takes off the margin: what it gives back of goods whose cost is known."""

import pytest

from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi

ORDER = {
    "order_id": "O",
    "currency": "USD",
    "created_at": "2024-03-01T12:00:00Z",
    "local_date": "2024-03-01",
}
PRODUCTS = [
    {"product_id": "costed", "cost": 10, "currency": "USD"},
    {"product_id": "uncosted", "currency": "USD"},
]


def line(product, amount):
    return {
        "order_line_id": f"L-{product}",
        "order_id": "O",
        "product_id": product,
        "quantity": 1,
        "line_amount": amount,
    }


@pytest.mark.parametrize(
    ("refund", "taken"),
    [
        ({"order_line_id": "L-costed"}, 40),
        ({"order_line_id": "L-uncosted"}, 0),
        ({"product_id": "costed"}, 40),
        ({"product_id": "uncosted"}, 0),
        # 90 of the 120 that were paid were for goods with a cost.
        ({}, 30),
        ({"order_id": None, "product_id": "costed"}, 40),
        ({"order_id": None, "product_id": "uncosted"}, 0),
        ({"order_id": None}, 40),
    ],
)
def test_a_refund_takes_what_was_for_goods_with_a_cost(make_tables, refund, taken):
    given = {"refund_id": "R", "order_id": "O", "amount": 40, "currency": "USD", "local_date": "2024-03-02"}
    tables = make_tables(
        {
            "orders": [ORDER],
            "order_lines": [line("costed", 90), line("uncosted", 30)],
            "products": PRODUCTS,
            "refunds": [{**given, "created_at": "2024-03-02T12:00:00Z", **refund}],
        }
    )
    [row] = query_kpi(tables, Settings(), "contribution_margin").rows
    assert row["value"] == pytest.approx(90 - 10 - taken)
