"""Rooms that read matched tables count a person once and an order once, on both engines."""

from datetime import UTC, datetime
from typing import Any

import pytest

from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.kpis.query import query_kpi
from foresell.matching.resolve import MatchedTables

STORE = Settings.model_validate({"store": {"currency": "EUR"}})
DAY = "2024-01-0{}T10:00:00Z"


def order(key: str, customer: str | None, day: int, **cells: object) -> dict[str, object]:
    at = {"created_at": DAY.format(day), "local_date": f"2024-01-0{day}"}
    return {"order_id": key, "customer_id": customer, "currency": "EUR", "total_amount": 10, **at, **cells}


def event(
    number: int, day: int, customer: str | None, visitor: str | None, session: str | None
) -> dict[str, object]:
    at = {"occurred_at": DAY.format(day), "local_date": f"2024-01-0{day}"}
    who = {"customer_id": customer, "anonymous_id": visitor, "session_id": session}
    return {"event_id": f"e{number}", "event_name": "view_item", **at, **who}


def link(number: int, person: str, **cells: object) -> dict[str, object]:
    return {"link_id": f"r:{number}", "person_id": person, "method": "identifier", **cells}


SHOP = {
    "customers": [
        {"customer_id": "a", "gender": "f"},
        {"customer_id": "b", "gender": "x"},
        {"customer_id": "c", "gender": "m"},
    ],
    "orders": [
        order("o1", "a", 1),
        order("o2", "b", 3),
        order("o3", "c", 4),
        order("erp-1", "b", 1),
        order("erp-9", None, 9),
    ],
    "order_lines": [
        {"order_line_id": f"{key}/1", "order_id": key, "product_id": "p", "quantity": 1, "line_amount": 10}
        for key in ("o1", "o2", "o3", "erp-1", "erp-9")
    ],
    "refunds": [
        {"refund_id": "own", "order_id": "o1", "amount": 4, "created_at": DAY.format(2), "currency": "EUR"},
        {
            "refund_id": "again",
            "order_id": "erp-1",
            "amount": 4,
            "created_at": DAY.format(2),
            "currency": "EUR",
        },
        {
            "refund_id": "only",
            "order_id": "erp-9",
            "amount": 3,
            "created_at": DAY.format(2),
            "currency": "EUR",
        },
    ],
    "audiences": [{"campaign_id": "x", "customer_id": one} for one in ("a", "b", "c")],
    "consents": [
        {"customer_id": "a", "purpose": "mail", "at": DAY.format(1), "is_granted": True},
        {"customer_id": "b", "purpose": "mail", "at": DAY.format(1), "is_granted": False},
    ],
    "events": [
        event(1, 1, None, "v", None),
        event(2, 4, None, "v", None),
        event(3, 4, None, "v", "s"),
        event(4, 4, "b", "v", "s"),
        event(5, 4, None, None, None),
        event(6, 6, None, "v", None),
    ],
}
LINKS: dict[str, Any] = {
    "customer_links": [
        link(1, "a", customer_id="b"),
        link(2, "c", anonymous_id="v", begins_at=DAY.format(3), ends_at=DAY.format(5)),
        link(3, "a", session_id="s"),
        {**link(4, "b", customer_id="c"), "superseded_at": DAY.format(1)},
    ],
    "order_links": [
        {"link_id": "q:1", "order_id": "erp-1", "kept_order_id": "o1"},
        {"link_id": "q:2", "order_id": "erp-9", "kept_order_id": "o3"},
    ],
}


def rows(tables: Any, name: str, *columns: str) -> list[tuple[Any, ...]]:
    found = tables.current(name).select(*columns).to_pyarrow().to_pylist()
    return sorted((tuple(row[column] for column in columns) for row in found), key=str)


def check(tables: MatchedTables) -> None:
    assert rows(tables, "orders", "order_id", "customer_id") == [("o1", "a"), ("o2", "a"), ("o3", "c")]
    assert rows(tables, "order_lines", "order_line_id") == [("o1/1",), ("o2/1",), ("o3/1",)]
    assert rows(tables, "refunds", "refund_id", "order_id") == [("only", "o3"), ("own", "o1")]
    assert rows(tables, "customers", "customer_id", "gender") == [("a", "f"), ("c", "m")]
    assert rows(tables, "audiences", "customer_id") == [("a",), ("c",)]
    assert rows(tables, "consents", "customer_id", "is_granted") == [("a", False)]
    expected = [("e1", None), ("e2", "c"), ("e3", "a"), ("e4", "a"), ("e5", None), ("e6", None)]
    assert rows(tables, "events", "event_id", "customer_id") == expected
    assert tables.person_of("b") == "a"
    assert tables.person_of("c") == "c"


def test_links_are_followed_when_tables_are_read(make_tables: Any) -> None:
    check(MatchedTables(make_tables({**SHOP, **LINKS})))


@pytest.mark.spark
def test_spark_reads_the_same(make_spark_tables: Any) -> None:
    check(MatchedTables(make_spark_tables({**SHOP, **LINKS})))


def test_without_links_the_tables_are_given_as_they_are(make_tables: Any) -> None:
    tables = make_tables(SHOP)
    matched = MatchedTables(tables)
    for name in SHOP:
        assert str(matched.current(name).to_pyarrow()) == str(tables.current(name).to_pyarrow())
    assert "JOIN" not in matched.current("events").compile()


def test_kpis_count_a_person_and_an_order_once(make_tables: Any) -> None:
    tables = make_tables({**SHOP, **LINKS})
    counted = {"orders": (5, 3), "customers": (3, 2), "new_customers": (3, 2), "refunds": (11, 7)}
    for kpi, (before, after) in counted.items():
        assert query_kpi(tables, STORE, kpi).rows[0]["value"] == before, kpi
        assert query_kpi(MatchedTables(tables), STORE, kpi).rows[0]["value"] == after, kpi
    assert query_kpi(tables, STORE, "repeat_purchase_rate").rows[0]["value"] == pytest.approx(1 / 3)
    assert query_kpi(MatchedTables(tables), STORE, "repeat_purchase_rate").rows[0]["value"] == 0.5


def test_before_a_cutoff_only_links_whose_evidence_was_there_are_followed(make_tables: Any) -> None:
    """That a visitor logged in later, or that the books came later, must not be known before."""
    links: dict[str, Any] = {
        "customer_links": [
            link(1, "a", customer_id="b", known_at=DAY.format(3)),
            link(2, "c", anonymous_id="v", known_at=DAY.format(1)),
        ],
        "order_links": [
            {"link_id": "q:1", "order_id": "erp-1", "kept_order_id": "o1", "known_at": DAY.format(6)}
        ],
    }
    tables = MatchedTables(make_tables({**SHOP, **links}))
    early, late = (asof(tables, STORE, datetime(2024, 1, day, tzinfo=UTC)) for day in (2, 7))
    assert rows(early, "orders", "order_id", "customer_id") == [("erp-1", "b"), ("o1", "a")]
    assert rows(early, "events", "event_id", "customer_id") == [("e1", "c")]
    assert rows(late, "orders", "order_id", "customer_id") == [("o1", "a"), ("o2", "a"), ("o3", "c")]
