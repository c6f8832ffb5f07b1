"""Visits by what they were about: whose steps count for which product."""

from datetime import date

import pytest

from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi

SETTINGS = Settings()
PRODUCTS = [
    {"product_id": "kettle", "category": "KITCHEN", "currency": "USD"},
    {"product_id": "teapot", "category": "KITCHEN", "currency": "USD"},
    {"product_id": "lamp", "category": "LIGHT", "currency": "USD"},
]


@pytest.fixture
def ask(make_tables):
    def made(*visits):
        events = []
        for number, steps in enumerate(visits):
            for place, (name, product, *days) in enumerate(steps):
                [day] = days or ["2024-03-01"]
                events.append(
                    {
                        "event_id": f"e{number}-{place}",
                        "event_name": name,
                        "session_id": f"s{number}",
                        "customer_id": "C1",
                        "product_id": product,
                        "occurred_at": f"{day}T12:00:{place:02}Z",
                        "local_date": day,
                    }
                )
        tables = make_tables({"events": events, "products": PRODUCTS})

        def answer(kpi, by="product", **question):
            rows = query_kpi(tables, SETTINGS, kpi, by=by, **question).rows
            return {row[by]: row["value"] for row in rows} if by else rows[0]["value"]

        return answer

    return made


def test_a_purchase_told_once_is_one_of_what_lies_in_the_cart(ask):
    answer = ask(
        [
            ("page_view", None),
            ("view_item", "kettle"),
            ("view_item", "lamp"),
            ("add_to_cart", "kettle"),
            ("begin_checkout", None),
            ("purchase", None),
        ],
        [("view_item", "kettle"), ("add_to_cart", "kettle"), ("view_item", "lamp")],
    )
    assert answer("conversion_rate") == {"kettle": 1 / 2, "lamp": 0}
    assert answer("cart_abandonment_rate") == {"kettle": 1 / 2, "lamp": None}
    assert answer("cart_to_checkout_rate") == {"kettle": 1 / 2, "lamp": None}
    assert answer("conversion_rate", by="category") == {"KITCHEN": 1 / 2, "LIGHT": 0}
    assert answer("conversion_rate", by=None, where=["category=KITCHEN"]) == 1 / 2


def test_a_purchase_that_names_its_products_is_of_no_other(ask):
    answer = ask([("add_to_cart", "kettle"), ("add_to_cart", "lamp"), ("purchase", "lamp")])
    assert answer("conversion_rate") == {"kettle": 0, "lamp": 1}
    assert answer("cart_abandonment_rate") == {"kettle": 1, "lamp": 0}


def test_a_visit_that_saw_more_than_the_product_has_not_bounced(ask):
    answer = ask(
        [("page_view", None), ("view_item", "kettle")],
        [("view_item", "kettle")],
        [("view_item", "teapot"), ("view_item", "kettle")],
    )
    assert answer("bounce_rate") == {"kettle": 1 / 3, "teapot": 0}
    assert answer("bounce_rate", by="category") == {"KITCHEN": 1 / 3}


def test_a_visit_counts_on_the_day_that_it_began_by_product_too(ask):
    answer = ask([("page_view", None, "2024-02-29"), ("view_item", "kettle", "2024-03-01")])
    assert answer("visits", start=date(2024, 3, 1)) == {}
    assert answer("visits", end=date(2024, 2, 29)) == {"kettle": 1}


def test_a_visitor_who_logs_in_makes_one_visit(make_tables):
    def event(number, anonymous, customer, day="2024-03-01", session=None):
        return {
            "event_id": f"e{number}",
            "event_name": "view_item",
            "session_id": session,
            "anonymous_id": anonymous,
            "customer_id": customer,
            "occurred_at": f"{day}T12:00:{number:02}Z",
            "local_date": day,
        }

    tables = make_tables(
        {
            "events": [
                event(1, "phone", None),
                event(2, "phone", "C1"),
                event(3, None, "C1"),
                event(4, "phone", None, day="2024-03-02"),
                event(5, "laptop", None),
                event(6, None, None),
                event(7, "phone", None, session="s"),
            ]
        }
    )
    [visits] = query_kpi(tables, SETTINGS, "visits").rows
    [bounced] = query_kpi(tables, SETTINGS, "bounce_rate").rows
    # C1's first day, the phone's second, the laptop's, and the session.
    assert (visits["value"], bounced["value"]) == (4, 3 / 4)
