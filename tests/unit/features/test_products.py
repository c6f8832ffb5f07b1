"""What is known of products: every level of the catalog as labels, one currency, texts without markup."""

from datetime import UTC, datetime
from typing import Any

from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.leak import assert_no_leak
from foresell.features.products import products

CATALOG: list[dict[str, object]] = [
    {
        "product_id": "b",
        "title": "<b>Green  tea</b> &amp; lemon",
        "description": "<p>Fresh.<br/>\n From <i>Japan</i></p>",
        "category": "Tea",
        "category_path": "Drinks > Hot > Tea",
        "department": " Food ",
        "brand": "",
        "price": 4.5,
        "currency": "EUR",
    },
    {
        "product_id": "a",
        "title": " ",
        "description": "<br>",
        "price": 9,
        "currency": "EUR",
        "brand": "Sencha",
    },
    {"product_id": "c", "description": "红茶 5 < 6", "price": 900, "currency": "JPY"},
    {"product_id": "d", "title": "cup", "price": 2},
    {"product_id": "postage", "is_service": True, "title": "Postage", "price": 3, "currency": "JPY"},
]


def test_labels_prices_and_texts(make_tables: Any) -> None:
    found = products(make_tables({"products": CATALOG}))
    assert found.rows() == [
        ("a", ["brand:Sencha"], 9.0, None),
        (
            "b",
            ["category:Drinks", "category:Hot", "category:Tea", "department:Food"],
            4.5,
            "Green tea & lemon\nFresh. From Japan",
        ),
        ("c", [], None, "红茶 5 < 6"),
        ("d", [], 2.0, "cup"),
    ]


def test_a_shop_without_a_catalog_knows_nothing(make_tables: Any) -> None:
    found = products(make_tables({}))
    assert found.is_empty()
    assert found.columns == ["product_id", "labels", "price", "text"]


def test_prices_without_any_currency_count(make_tables: Any) -> None:
    assert products(make_tables({"products": [{"product_id": "a", "price": 3}]}))["price"].to_list() == [3.0]


def test_a_later_version_is_not_known_at_the_cutoff(make_tables: Any) -> None:
    cutoff = datetime(2026, 3, 1, tzinfo=UTC)
    tables = make_tables({"products": CATALOG})
    assert_no_leak(lambda world: products(asof(world, Settings(), cutoff)), tables, cutoff)
