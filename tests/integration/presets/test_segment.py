"""Segment and RudderStack: twelve calls of two visitors, alike in both formats (New York; dollars).

By hand: visitor a-1 opens the shop, sees a list, picks and views the tea, puts 2 of them in the cart, begins
to check out, says who she is, and completes order 50314b8e: 2 × 10.00 + 25.00 − 4.50 = 40.50; on the next
day the pot's 25.00 come back. Visitor a-2 opens the shop, searches, and closes a popup, which is no event of
ours.
2 visits, 1 bought; 1 list shown and 1 product picked. With orders: net sales 40.50 − 25.00 = 15.50.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import InputError
from foresell.privacy.tokens import token
from foresell.services.erase import erase

FILE = "2024-03-02.jsonl"
PLANTED = (
    *("jane.roe", "Jane", "Larch Lane", "97201", "503 555", "5035550101", "203.0.113.77", "198.51.100.23"),
    *("B5372DB0", "7A3CBEA0"),
)
JANE = "u-97980cfea0067"
NEW_YORK = {"time_zone": "America/New_York", "currency": "USD"}


@pytest.fixture(scope="module", params=["segment", "rudderstack"])
def shop(request: pytest.FixtureRequest, make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store(request.param, **NEW_YORK)
    assert made.outcomes(fixtures / request.param) == (12, 0, 0, 0)
    return made


def calls_of(fixtures: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (fixtures / "segment" / FILE).read_text().splitlines()]


def write(path: Path, calls: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))
    return path


def test_the_kpis_are_those_of_the_calculation_by_hand(shop: Any) -> None:
    names = ("visits", "conversion_rate", "cart_abandonment_rate", "click_through_rate")
    assert {name: shop.kpi(name) for name in names} == pytest.approx(
        {"visits": 2, "conversion_rate": 0.5, "cart_abandonment_rate": 0, "click_through_rate": 1}
    )
    assert shop.rows("orders", "order_id") == []


def test_products_of_an_event(shop: Any) -> None:
    columns = "event_name product_id quantity price value currency order_id cart_id list_id position"
    found = shop.rows("events", columns)
    bought = [row[1:7] for row in found if row[0] == "purchase"]
    assert sorted(bought, key=str) == [
        ("505bd76785", 1, 25, None, "USD", "50314b8e"),
        ("507f1f77", 2, 10, Decimal("47.5"), "USD", "50314b8e"),
    ]
    [added] = [row for row in found if row[0] == "add_to_cart"]
    assert added[1:] == ("507f1f77", 2, 10, None, None, None, "cart-9", None, None)
    [shown] = [row for row in found if row[0] == "view_item_list"]
    assert (shown[1], shown[8]) == (None, "tea")
    assert shop.rows("products", "product_id title brand category") == [
        ("505bd76785", "Glass teapot", "Northwind Tea", "Teaware"),
        ("507f1f77", "Sencha 100 g", "Northwind Tea", "Tea"),
    ]


def test_what_an_event_says_besides(shop: Any) -> None:
    columns = "event_name customer_id anonymous_id session_id utm_campaign referrer search_query"
    [search] = [row for row in shop.rows("events", columns) if row[0] == "search"]
    session = "a-2.1709375000" if shop.preset == "rudderstack" else "a-2.2024-03-02"
    assert search[1:] == (None, "a-2", session, "spring", "https://news.example.org/", "teapot")
    others = dict(shop.rows("events", "event_name properties", keep="properties"))
    assert json.loads(others["other"]) == {"type": "track", "event": "Newsletter Popup Closed"}


def test_an_identify_call_says_who_a_customer_is_from_then_on(shop: Any) -> None:
    columns = "customer_id country city gender birth_year"
    assert shop.rows("customers", columns) == [(JANE, "US", "Portland", "female", 1980)]
    address = token(shop.shop.key, "email", "jane.roe@example.org")
    assert ("email", address, JANE) in shop.rows("identities", "id_type id_token customer_id")


def test_nothing_of_a_person_is_stored(shop: Any, found_in_store: Callable[..., Any]) -> None:
    assert found_in_store(shop, PLANTED) == {}


@pytest.mark.parametrize("preset", ["segment_orders", "rudderstack_orders"])
def test_completed_orders_are_orders_where_that_is_asked_for(
    preset: str, make_store: Callable[..., Any], fixtures: Path
) -> None:
    shop = make_store(preset, **NEW_YORK)
    shop.add(fixtures / preset.removesuffix("_orders"))
    found = {
        name: shop.kpi(name)
        for name in ("gross_sales", "discount", "refunds", "net_sales", "orders", "units")
    }
    assert found == pytest.approx(
        {"gross_sales": 45, "discount": 4.5, "refunds": 25, "net_sales": 15.5, "orders": 1, "units": 3}
    )
    assert shop.kpi("net_sales", "2024-03-02", "2024-03-02") == pytest.approx(40.5)


def test_the_file_again_is_all_duplicate_and_a_corrected_call_an_update(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("segment", **NEW_YORK)
    shop.add(fixtures / "segment")
    calls = calls_of(fixtures)
    assert shop.outcomes(write(tmp_path / "again.jsonl", calls[::-1])) == (0, 0, 12, 0)
    calls[4]["properties"]["quantity"] = 3
    calls[6]["traits"]["address"]["city"] = "Salem"
    assert shop.outcomes(write(tmp_path / "later.jsonl", calls)) == (0, 2, 10, 0)
    assert shop.changed_by_rebuild() == ()


def test_what_is_no_object_where_one_should_be_holds_no_identifier_either(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path, found_in_store: Callable[..., Any]
) -> None:
    """A single text among the objects leaves the column as it is; what lies in it must not be stored."""
    calls = calls_of(fixtures)
    calls[0]["context"] = "jane.roe@example.org"
    calls[1].update(properties=[{"email": "jane.roe@example.org", "phone": "503 555 0101"}], traits="Jane")
    calls[2]["userId"] = "Jane.Roe@example.org"
    shop = make_store("segment", **NEW_YORK)
    assert sum(shop.outcomes(write(tmp_path / "calls.jsonl", calls))) == 12
    assert set(found_in_store(shop, [word for word in PLANTED if word != "Jane"])) == set()


@pytest.mark.slow
def test_an_erased_customer_is_gone(
    make_store: Callable[..., Any], fixtures: Path, found_in_store: Any
) -> None:
    shop = make_store("rudderstack", **NEW_YORK)
    shop.add(fixtures / "rudderstack")
    erase(shop.shop, [JANE])
    assert shop.kpi("visits") == 1
    address = token(shop.shop.key, "email", "jane.roe@example.org")
    assert found_in_store(shop, [JANE, "50314b8e", address]) == {}


def test_other_files_are_refused(make_store: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path / "events.jsonl", [{"event_name": "purchase", "event_timestamp": 1}])
    with pytest.raises(InputError, match="has no column 'messageId', which 'segment' maps to events"):
        make_store("segment").add(path)
