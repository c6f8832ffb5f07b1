"""Searches that find too little: how often, by how many, what they bought."""

from datetime import UTC, datetime

from foresell.predict.recommend.search.unanswered import unanswered

FOUND = {"red shoes": 9, "sofa": 0, "grill": 2, "tent": 3}


def searched(number, customer, query, at="2026-03-01T10:00Z", name="search"):
    whose = {"customer_id": customer} if customer else {"anonymous_id": f"visitor-{number}"}
    return {"event_id": f"e{number}", "event_name": name, "occurred_at": at, "search_query": query, **whose}


EVENTS = [
    searched(1, "c1", " Sofa"),
    searched(2, "c1", "SOFA "),
    searched(3, "c2", "sofa"),
    searched(4, None, "sofa", "2026-02-01T10:00Z"),
    searched(5, "c3", "Grill"),
    searched(6, "c3", "red shoes"),
    searched(7, "c3", "tent"),
    searched(8, "c3", "me@example.org"),
    searched(9, "c3", "  "),
    searched(10, "c3", None, name="page_view"),
]


def bought(number, customer, product, at):
    return (
        {"order_id": f"o{number}", "customer_id": customer, "created_at": at, "currency": "EUR"},
        {
            "order_line_id": f"l{number}",
            "order_id": f"o{number}",
            "product_id": product,
            "quantity": 1,
            "line_amount": 5,
        },
    )


def test_what_finds_little_comes_with_what_was_bought_after(make_tables):
    sold = [
        bought(1, "c1", "chair", "2026-03-01T11:00Z"),
        bought(2, "c1", "chair", "2026-03-01T12:00Z"),
        bought(3, "c2", "chair", "2026-03-02T09:00Z"),
        bought(4, "c2", "bed", "2026-03-02T09:30Z"),
        bought(5, "c2", "late", "2026-03-02T10:30Z"),
        bought(6, "c1", "early", "2026-03-01T09:00Z"),
        bought(7, "c3", "coal", "2026-04-01T09:00Z"),
    ]
    tables = make_tables(
        {"events": EVENTS, "orders": [one for one, _ in sold], "order_lines": [one for _, one in sold]}
    )
    assert unanswered(tables, FOUND.__getitem__, 3).to_dicts() == [
        {
            "query": "sofa",
            "searches": 4,
            "customers": 3,
            "found": 0,
            "bought_after": 2,
            "products": ["chair", "bed"],
        },
        {"query": "grill", "searches": 1, "customers": 1, "found": 2, "bought_after": 0, "products": []},
    ]
    recent = unanswered(tables, FOUND.__getitem__, 3, datetime(2026, 2, 15, tzinfo=UTC))
    assert recent.filter(query="sofa").select("searches", "customers").row(0) == (3, 2)


def test_a_shop_of_events_only_has_its_purchases_there(make_tables):
    purchase = {
        "event_id": "p1",
        "event_name": "purchase",
        "occurred_at": "2026-03-01T10:30Z",
        "customer_id": "c2",
        "product_id": "stool",
    }
    found = unanswered(make_tables({"events": [*EVENTS, purchase]}), FOUND.__getitem__, 3)
    assert found["products"].to_list() == [["stool"], []]


def test_no_events_no_rows(make_tables):
    assert unanswered(make_tables({}), FOUND.__getitem__, 3).is_empty()
