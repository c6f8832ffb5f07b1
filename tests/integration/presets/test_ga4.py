"""GA4: two visitors of 2 March 2024 and a refund on the next day (Berlin, euros).

By hand: visitor 1111 reads, sees a list, picks and views the tea, puts 2 teas and a pot in the cart, begins
to check out, and buys (T-1001: 2 × 8.00 + 25.00 = 41.00); the thank-you page is loaded twice. Visitor 3333
reads and searches twice at once. 2 visits, 1 of which bought; 1 list shown and 1 product picked from it.
With orders: one order of 41.00, of which 25.00 is refunded on 3 March.
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
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine

FILE = "events_20240302.json"
PLANTED = ("jane.roe", "example.org,", "5550101", "30 555", "AEBE52E7", "3966239")
BERLIN = {"time_zone": "Europe/Berlin", "currency": "EUR"}


@pytest.fixture(scope="module")
def shop(make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store("ga4", **BERLIN)
    assert made.outcomes(fixtures / "ga4") == (13, 0, 0, 0)
    return made


def lines_of(fixtures: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (fixtures / "ga4" / FILE).read_text().splitlines()]


def write(path: Path, events: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_the_kpis_are_those_of_the_calculation_by_hand(shop: Any) -> None:
    found = {
        name: shop.kpi(name)
        for name in ("visits", "conversion_rate", "cart_abandonment_rate", "click_through_rate")
    }
    assert found == pytest.approx(
        {"visits": 2, "conversion_rate": 0.5, "cart_abandonment_rate": 0, "click_through_rate": 1}
    )


def test_each_item_of_an_event_has_a_row_and_its_value_counts_once(shop: Any) -> None:
    columns = "event_name product_id quantity price value currency order_id"
    bought = [row[1:] for row in shop.rows("events", columns) if row[0] == "purchase"]
    assert sorted(bought, key=str) == [
        ("POT-1", 1, 25, None, "EUR", "T-1001"),
        ("POT-1", 1, 25, None, "EUR", "T-1001"),
        ("TEA-SEN-100", 2, 8, 41, "EUR", "T-1001"),
        ("TEA-SEN-100", 2, 8, 41, "EUR", "T-1001"),
    ]
    shown = [
        row[1:] for row in shop.rows("events", "event_name product_id list_id position") if "list" in row[0]
    ]
    assert shown == [(None, None, None)]
    assert ("select_item", "TEA-SEN-100", "tea", 1) in shop.rows(
        "events", "event_name product_id list_id position"
    )


def test_what_an_event_says_besides(shop: Any) -> None:
    columns = "event_name occurred_at session_id customer_id device_type country utm_source utm_campaign"
    checkout = next(row for row in shop.rows("events", columns) if row[0] == "begin_checkout")
    assert checkout[1].isoformat() == "2024-03-02T09:00:05+00:00"
    assert checkout[2:] == ("1111.2222.1709370000", "customer-00017", "mobile", "Germany", "news", "spring")
    searches = shop.rows("events", "search_query utm_source", keep="search_query")
    assert searches == [("tea pot", None), ("teapot", None)]
    names = shop.rows("events", "event_name properties", keep="properties")
    assert [name for name, _ in names] == ["begin_checkout", "other", "view_item_list"]
    assert json.loads(dict(names)["other"])["event_name"] == "session_start"
    assert shop.rows("products", "product_id title brand category") == [
        ("POT-1", "Glass teapot", "Northwind Tea", "Tea"),
        ("TEA-SEN-100", "Sencha 100 g", "Northwind Tea", "Tea"),
    ]


def test_nothing_of_a_person_is_stored(shop: Any, found_in_store: Callable[..., Any]) -> None:
    assert found_in_store(shop, PLANTED) == {}
    address = token(shop.shop.key, "email", "jane.roe@example.org")
    [(page,)] = [row for row in shop.rows("events", "page_url") if row[0] and "to=" in row[0]]
    assert page == f"https://shop.example.org/?to={address}"


def test_events_are_no_orders_unless_they_are_asked_to_be(
    shop: Any, make_store: Callable[..., Any], fixtures: Path
) -> None:
    assert shop.rows("orders", "order_id") == []
    other = make_store("ga4_orders", **BERLIN)
    other.add(fixtures / "ga4")
    assert other.rows("orders", "order_id customer_id shipping_amount tax_amount currency") == [
        ("T-1001", "customer-00017", Decimal("4.9"), Decimal("6.55"), "EUR")
    ]
    assert other.kpi("net_sales") == pytest.approx(41 - 25)
    assert other.kpi("net_sales", "2024-03-02", "2024-03-02") == pytest.approx(41)
    assert (other.kpi("orders"), other.kpi("units")) == (1, 3)


def test_the_file_again_is_all_duplicate_and_what_google_adds_is_an_update(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    """Google completes a day's table for up to three days."""
    shop = make_store("ga4", **BERLIN)
    shop.add(fixtures / "ga4")
    events = lines_of(fixtures)
    assert shop.outcomes(write(tmp_path / "again.json", [*events, events[0]])) == (0, 0, 14, 0)
    events[9]["geo"]["country"] = "Austria"
    events.append({**events[1], "event_timestamp": "1709370000000001"})
    assert shop.outcomes(write(tmp_path / "later.json", events)) == (1, 1, 12, 0)


def test_a_faulty_item_keeps_its_event_apart_until_it_is_right(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("ga4", **BERLIN)
    events = lines_of(fixtures)
    good = json.dumps(events[7]["items"])
    events[7]["items"][1]["price"] = "a lot"
    assert shop.outcomes(write(tmp_path / "events.json", events)) == (12, 0, 0, 1)
    [row] = list_quarantine(shop.shop)
    assert (row.error_code, row.target_table, row.row_number) == ("invalid_value", "events", 8)
    assert len(shop.rows("events", "event_id", keep="order_id")) == 3
    fix_quarantine(shop.shop, row.quarantine_id, {"items": good})
    [run] = replay_quarantine(shop.shop)
    assert run.counts.rows_accepted == 1
    assert len(shop.rows("events", "event_id", keep="order_id")) == 5
    assert shop.changed_by_rebuild() == ()


def test_an_erased_customers_visits_are_gone_and_do_not_come_back(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path, found_in_store: Callable[..., Any]
) -> None:
    shop = make_store("ga4", **BERLIN)
    shop.add(fixtures / "ga4")
    erase(shop.shop, ["customer-00017"])
    assert shop.kpi("visits") == 1
    assert found_in_store(shop, ["customer-00017", "T-1001", "1111.2222"]) == {}
    again = write(tmp_path / "again.json", lines_of(fixtures)[::-1])
    assert shop.outcomes(again) == (0, 0, 3, 10)


def test_other_files_are_refused(make_store: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path / "events.json", [{"event": "purchase", "timestamp": 1}])
    with pytest.raises(
        InputError, match=r"has no column '(event_timestamp|user_pseudo_id)', which 'ga4' maps"
    ):
        make_store("ga4").add(path)
    path.write_text("event_name,event_timestamp\npurchase,1\n")
    with pytest.raises(InputError, match="not JSON Lines"):
        make_store("ga4").add(path)
