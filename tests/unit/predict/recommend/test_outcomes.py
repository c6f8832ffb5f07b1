"""What came of what was served: each action belongs to one serving, and what is not known yet is not a no."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from foresell.contracts.settings import Settings
from foresell.predict.recommend.outcomes import (
    Windows,
    attributed_lines,
    outcomes,
    served_rows,
    with_clicks,
)

MakeTables = Callable[[Mapping[str, Sequence[Mapping[str, object]]]], Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = Settings()


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def shown(name: str, hours: float, customer: str | None = "c1", product: str = "p1", **others: object) -> Any:
    row = {
        "served_id": name,
        "request_id": name,
        "served_at": at(hours),
        "surface": "customer",
        "customer_id": customer,
        "product_id": product,
        "rank": 1,
        "propensity": 1.0,
        "policy": "none",
    }
    return {**row, **others}


def event(hours: float, name: str = "view_item", customer: str = "c1", product: str = "p1") -> Any:
    return {
        "event_id": f"{hours}{name}{customer}{product}",
        "event_name": name,
        "occurred_at": at(hours),
        "customer_id": customer,
        "product_id": product,
    }


def order(name: str, hours: float, customer: str = "c1") -> Any:
    # Local dates are those of the store's zone; these are written as an import would.
    return {
        "order_id": name,
        "customer_id": customer,
        "created_at": at(hours),
        "local_date": at(hours).date(),
        "currency": "USD",
    }


def line(name: str, order_id: str, amount: float, product: str = "p1", quantity: float = 1) -> Any:
    return {
        "order_line_id": name,
        "order_id": order_id,
        "product_id": product,
        "quantity": quantity,
        "line_amount": amount,
    }


LATER = event(24 * 365, "page_view", "somebody", "else")
LATER_ORDER = order("later", 24 * 365, "somebody")


def columns(frame: pl.DataFrame, *names: str) -> dict[str, list[Any]]:
    return frame.sort("served_id").select(names).to_dict(as_series=False)


def test_an_action_belongs_to_the_last_serving_before_it(make_tables: MakeTables) -> None:
    served = [shown("a", 0), shown("b", 5), shown("c", 5, product="p2"), shown("d", 30), shown("e", 0, "c2")]
    events = [event(4.9), event(5), event(54.1, "add_to_cart"), event(1, "page_view", "c2"), LATER]
    tables = make_tables({"served": served, "events": events})
    found = with_clicks(tables, served_rows(tables, START))
    assert columns(found, "is_clicked", "is_added") == {
        # 4.9 is after a and before b; 54.1 is more than a day after d; a page is no product.
        "is_clicked": [True, True, False, False, False],
        "is_added": [False] * 5,
    }
    long = with_clicks(tables, served_rows(tables, START), Windows(clicking=timedelta(days=2)))
    assert columns(long, "is_added") == {"is_added": [False, False, False, True, False]}


def test_what_is_not_known_is_not_a_no(make_tables: MakeTables) -> None:
    served = [shown("nobody", 0, None), shown("over", 0), shown("clicked", 70), shown("open", 80)]
    tables = make_tables({"served": served, "events": [event(71), event(96)]})
    found = columns(with_clicks(tables, served_rows(tables, START)), "served_id", "is_clicked")
    assert found == {
        "served_id": ["clicked", "nobody", "open", "over"],
        # Its click is there, but of those without one it could not be said yet: it would count too much.
        "is_clicked": [True, None, None, False],
    }
    assert columns(with_clicks(make_tables({"served": served}), found_rows(tables)), "is_clicked") == {
        "is_clicked": [None] * 4
    }


def found_rows(tables: Any) -> pl.DataFrame:
    return served_rows(tables, START)


def test_money_and_returns(make_tables: MakeTables) -> None:
    served = [shown("a", 0), shown("b", 0, product="p2"), shown("c", 0, "c2"), shown("d", 24 * 340)]
    tables = make_tables(
        {
            "served": served,
            "orders": [
                order("o1", 10),
                {**order("o2", 20), "discount_amount": 3},
                order("o3", 8 * 24),
                LATER_ORDER,
            ],
            "order_lines": [
                line("l1", "o1", 10, quantity=2),
                line("l2", "o2", 20),
                line("l3", "o2", 10, "p2"),
                line("l4", "o3", 99),
                line("l5", "o1", 7, "p9"),
            ],
            "refunds": [
                {
                    "refund_id": "r1",
                    "order_line_id": "l1",
                    "order_id": "o1",
                    "created_at": at(24 * 20),
                    "quantity": 1,
                    "amount": 5,
                    "currency": "USD",
                },
                {
                    "refund_id": "r2",
                    "order_line_id": "l2",
                    "order_id": "o2",
                    "created_at": at(24 * 40),
                    "quantity": 1,
                    "amount": 5,
                    "currency": "USD",
                },
            ],
        }
    )
    rows = served_rows(tables, START)
    found = outcomes(tables, SETTINGS, rows)
    assert columns(found, "is_bought", "quantity", "revenue", "returned_quantity") == {
        "is_bought": [True, True, False, False],
        "quantity": [3.0, 1.0, 0.0, 0.0],
        # The order's own discount of 3 lies on its lines as their amounts do.
        "revenue": [pytest.approx(10 + 20 - 2), pytest.approx(10 - 1), 0.0, 0.0],
        # Of the second, 40 days later, nobody says that it was the recommendation; of d it is too early.
        "returned_quantity": [1.0, 0.0, 0.0, None],
    }
    recommended, lines = attributed_lines(tables, SETTINGS, rows)
    assert sorted(recommended["order_line_id"]) == ["l1", "l2", "l3"]
    assert sorted(lines["order_line_id"]) == ["l1", "l2", "l3", "l4", "l5"]


def test_nothing_served_has_no_outcome(make_tables: MakeTables) -> None:
    tables = make_tables({"events": [LATER], "orders": [LATER_ORDER], "order_lines": [line("l", "later", 5)]})
    found = outcomes(tables, SETTINGS, served_rows(tables, START))
    assert found.is_empty()
    assert {"is_clicked", "is_bought", "revenue", "returned_quantity"} <= set(found.columns)


@pytest.mark.spark
def test_both_engines_agree(make_tables: MakeTables, make_spark_tables: MakeTables) -> None:
    rows = {
        "served": [shown("a", 0), shown("b", 5), shown("c", 5, "c2"), shown("d", 7, None)],
        "events": [event(4), event(6, "add_to_cart"), LATER],
        "orders": [order("o1", 10), LATER_ORDER],
        "order_lines": [line("l1", "o1", 10, quantity=2)],
        "refunds": [],
    }
    found = []
    for tables in (make_tables(rows), make_spark_tables(rows)):
        found.append(outcomes(tables, SETTINGS, served_rows(tables, START)).sort("served_id"))
    assert found[0].to_dicts() == found[1].to_dicts()
