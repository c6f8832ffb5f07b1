"""The same order from the shop, a marketplace and the books: found, one to one, and counted once."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi
from foresell.matching.orders import MatchedOrders, match_orders
from foresell.matching.resolve import MatchedTables

START = datetime(2024, 3, 1, tzinfo=UTC)
Row = dict[str, object]


def settings(**matching: object) -> Settings:
    return Settings.model_validate({"store": {"currency": "EUR"}, "matching": matching})


def order(
    key: str, source: str, customer: str | None, hours: float, total: float | None, **cells: object
) -> Row:
    at = START + timedelta(hours=hours)
    head = {"order_id": key, "source": source, "customer_id": customer, "created_at": at}
    return {**head, "local_date": at.date(), "currency": "EUR", "total_amount": total, **cells}


def lines(key: str, *products: str, amount: float = 1) -> list[Row]:
    rows = enumerate(products)
    head = {"order_id": key, "quantity": 1, "line_amount": amount}
    return [{"order_line_id": f"{key}/{n}", "product_id": product, **head} for n, product in rows]


def found(matched: MatchedOrders) -> list[tuple[str, str, str]]:
    return list(matched.links.select("order_id", "kept_order_id", "method").iter_rows())


def test_the_same_number_under_prefixes_is_the_same_order(make_tables: Any) -> None:
    orders = [
        order("SHOP-01001", "shop", "a", 0, 20),
        order("#1001", "erp", "900", 5, 20),
        order("SHOP-01002", "shop", "a", 0, 20),
        order("#1002", "erp", "900", 5, 21),
        order("SHOP-01003", "shop", "a", 0, 20),
        order("#1003", "erp", "900", 500, 20),
        order("SHOP-01004", "shop", "a", 0, 20),
        order("#1004", "erp", "a", 3, None),
        order("SHOP-01005", "shop", "b", 0, 20),
        order("#1005", "erp", "901", 3, 20),
        order("SHOP-7", "shop", "c", 0, 3),
        order("#7", "erp", "902", 0, 3),
    ]
    goods = lines("SHOP-01005", "tea", amount=20) + lines("#1005", "milk", amount=20)
    matched = match_orders(make_tables({"orders": orders, "order_lines": goods}), settings())
    # 1002 has another amount, 1003 another time, 1005 another buyer and other goods; 7 is too short a number.
    assert found(matched) == [
        ("SHOP-01001", "#1001", "number"),
        ("SHOP-01004", "#1004", "number"),
    ]
    assert matched.links["confidence"].to_list() == [1.0, 1.0]
    preferred = match_orders(make_tables({"orders": orders}), settings(order_sources=["shop"]))
    assert ("#1001", "SHOP-01001", "number") in found(preferred)


def test_alike_orders_match_one_to_one_the_closest_first(make_tables: Any) -> None:
    """Twice the same coffee: each copy goes to the order at its time."""
    shop = [order("s-a", "shop", "c", 0, 4), order("s-b", "shop", "c", 10, 4)]
    books = [
        order("x", "books", "c", 10.5, 4),
        order("y", "books", "c", 0.5, 4),
        order("z", "books", "c", 1, 4),
    ]
    rows = {
        "orders": shop + books,
        "order_lines": [line for o in shop + books for line in lines(o["order_id"], "tea")],
    }
    matched = match_orders(make_tables(rows), settings(order_sources=["shop"]))
    assert found(matched) == [("x", "s-b", "likeness"), ("y", "s-a", "likeness")]
    [evidence, _] = (json.loads(text) for text in matched.links["evidence"])
    assert evidence == {"time": 0.9896, "amount": 1.0, "goods": 1.0, "hours_apart": 0.5, "score": 0.9965}


def test_other_goods_amounts_times_buyers_and_sources_are_other_orders(make_tables: Any) -> None:
    base = order("s", "shop", "c", 0, 10)
    others = [
        order("goods", "a", "c", 20, 10),
        order("amount", "b", "c", 0, 11),
        order("late", "c", "c", 60, 10),
        order("buyer", "d", "e", 0, 10),
        order("guest", "e", None, 0, 10),
        order("own", "shop", "c", 0, 10),
        order("test", "f", "c", 0, 10, is_test=True),
    ]
    rows = {
        "orders": [base, *others],
        "order_lines": lines("s", "tea", "milk") + lines("goods", "salt", "oil"),
    }
    assert found(match_orders(make_tables(rows), settings())) == []


def test_three_sources_are_one_group_and_never_two_orders_of_one_source(make_tables: Any) -> None:
    orders = [
        order("s", "shop", "c", 0, 10),
        order("m", "market", "c", 1, 10),
        order("b1", "books", "c", 2, 10),
        order("b2", "books", "c", 3, 10),
    ]
    matched = match_orders(make_tables({"orders": orders}), settings(order_sources=["shop", "books"]))
    assert found(matched) == [("b1", "s", "likeness"), ("m", "s", "likeness")]
    assert matched.pairs == {"books = market": 1, "market = shop": 1}
    assert matched.num_orders == {"books": 2, "market": 1, "shop": 1}


def test_currencies_compare_at_the_rate_of_the_day_and_kpis_count_the_kept_order(make_tables: Any) -> None:
    rate = {"date": START.date(), "currency": "USD", "rate_to_store": 0.9}
    orders = [order("s", "shop", "c", 0, 90), order("m", "market", "c", 1, 101, currency="USD")]
    unrated = [order("s2", "shop", "d", 0, 90), order("m2", "market", "d", 1, 90, currency="GBP")]
    tables = make_tables({"orders": orders + unrated, "exchange_rates": [rate]})
    matched = match_orders(tables, settings(order_sources=["shop"]))
    assert found(matched) == [("m", "s", "likeness")]


def test_net_sales_of_two_sources_in_two_currencies(make_tables: Any) -> None:
    """Each order converts at its own day's rate, wherever it came from; its copy counts nowhere."""
    days = [START.date(), (START + timedelta(days=1)).date()]
    rates = [
        {"date": day, "currency": "USD", "rate_to_store": r} for day, r in zip(days, (0.9, 0.8), strict=True)
    ]
    orders = [
        order("s1", "shop", "c", 0, 90),
        order("m1", "market", "c", 1, 100, currency="USD"),
        order("m2", "market", "c", 30, 50, currency="USD"),
        order("s2", "shop", None, 25, 10),
    ]
    rows: dict[str, list[Any]] = {"orders": orders, "exchange_rates": rates}
    matched = match_orders(make_tables(rows), settings(order_sources=["shop"]))
    assert found(matched) == [("m1", "s1", "likeness")]
    links = [{"link_id": "1", **row} for row in matched.links.to_dicts()]
    tables = MatchedTables(make_tables({**rows, "order_links": links}))
    [row] = query_kpi(tables, settings(), "net_sales").rows
    assert row["value"] == pytest.approx(90 + 50 * 0.8 + 10)
    by_day = query_kpi(tables, settings(), "net_sales", period="day").rows
    assert [row["value"] for row in by_day] == [90, 50]


def made_up(chance: random.Random) -> tuple[dict[str, list[Row]], set[tuple[str, str]]]:
    """600 orders of a shop, nine tenths of which the books have too, with their own numbers, hours later;
    and as many that only the books have. Loyal customers buy the same thing for the same price again."""
    orders: list[Row] = []
    goods: list[Row] = []
    truth = set()
    for number in range(600):
        customer, hours = f"c{chance.randrange(150)}", chance.random() * 24 * 60
        products = [f"p{chance.randrange(30)}" for _ in range(chance.randrange(1, 4))]
        total = float(5 * len(products))
        copies = [("shop", f"s{number}", 0.0)]
        kind = chance.random()
        if kind < 0.9:
            copies.append(("books", f"{chance.randrange(10**9)}B{number}x", chance.random() * 6))
            truth.add((copies[0][1], copies[1][1]))
        copies += [("books", f"own{number}x", 24 * 90 + hours)]
        for source, key, later in copies:
            orders.append(order(key, source, customer, hours + later, total))
            goods += lines(key, *products, amount=5)
    return {"orders": orders, "order_lines": goods}, truth


def test_precision_and_recall_against_the_truth_whatever_the_order_of_rows(make_tables: Any) -> None:
    chance = random.Random(3)
    rows, truth = made_up(chance)
    matched = match_orders(make_tables(rows), settings(order_sources=["shop"]))
    pairs = {(kept, copy) for copy, kept, _ in found(matched)}
    assert len(pairs & truth) / len(pairs) >= 0.99
    assert len(pairs & truth) / len(truth) >= 0.97
    shuffled = {name: chance.sample(given, len(given)) for name, given in rows.items()}
    assert match_orders(make_tables(shuffled), settings(order_sources=["shop"])).links.equals(matched.links)
    assert matched.links.filter(pl.col("order_id").is_duplicated()).is_empty()
