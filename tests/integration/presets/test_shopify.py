"""Shopify: six orders, calculated by hand (New York; dollars; without tax and shipping).

#1001  2 × 10.00 + 1 × 25.00 = 45.00; 2.00 off a line and 4.30 off the order: Subtotal 38.70
#1002  4 × 20.00 = 80.00; 22.00 of 88.00 given back, of which 2.00 is tax: 20.00
#1003  cancelled: nowhere, nor its refund
#1004  at the till, 12.00 with 2.00 of tax in it: 10.00
#1005  25.00, all given back (32.50 with shipping and tax): 25.00
#1006  paid at the gateway for trying out: nowhere
gross 160.00, discounts 6.30, refunds 45.00, net 108.70; 4 orders, 9 units
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import InputError
from foresell.privacy.tokens import token
from foresell.services.erase import erase
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine

NAMES = ("Jane", "Roe", "Omar", "Haddad", "Lee Clerk", "Mrs Fern", "Ann Fern", "Mr Birch")
PLANTED = (
    *NAMES,
    *("Larch Lane", "97201", "555-0101", "5035550101", "555-0155", "6045550155", "pi_3OrderRef1001"),
    *("jane.roe@example.org", "omar@example.org", "owner@example.org", "example.org,"),
)


@pytest.fixture(scope="module")
def shop(make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store("shopify", time_zone="America/New_York")
    assert made.outcomes(fixtures / "shopify") == (2 + 4 + 7, 0, 0, 0)
    return made


@pytest.fixture
def own_shop(make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store("shopify", time_zone="America/New_York")
    made.add(fixtures / "shopify")
    return made


def edited(fixtures: Path, into: Path, change: Callable[[list[dict[str, str]]], None]) -> Path:
    """The orders file with its rows changed."""
    with (fixtures / "shopify" / "orders.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    path = into / "orders.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_kpis_are_those_of_the_calculation_by_hand(shop: Any) -> None:
    found = {
        name: shop.kpi(name)
        for name in ("gross_sales", "discount", "refunds", "net_sales", "orders", "units")
    }
    assert found == pytest.approx(
        {"gross_sales": 160, "discount": 6.3, "refunds": 45, "net_sales": 108.7, "orders": 4, "units": 9}
    )
    # #1004 was rung up half an hour before midnight, New York time.
    assert shop.kpi("net_sales", "2024-03-04", "2024-03-04") == pytest.approx(10)


def test_orders_carry_what_the_first_row_says(shop: Any) -> None:
    found = shop.rows("orders", "order_id status channel location_id coupon_codes billing_country is_test")
    assert found == [
        ("#1001", "completed", "web", None, "SPRING", "US", False),
        ("#1002", "paid", "web", None, None, "CA", False),
        ("#1003", "cancelled", "web", None, None, "US", False),
        ("#1004", "completed", "store", "Pearl District", None, None, False),
        ("#1005", "refunded", "web", None, None, "CA", False),
        ("#1006", "paid", "web", None, None, None, True),
    ]
    amounts = shop.rows(
        "orders", "order_id subtotal_amount discount_amount shipping_amount tax_amount total_amount"
    )
    for _, subtotal, discount, shipping, tax, total in amounts:
        assert subtotal - discount + shipping + tax == total


def test_customers_are_known_by_the_token_of_their_address(shop: Any) -> None:
    jane = token(shop.shop.key, "email", "jane.roe@example.org")
    found = dict(shop.rows("orders", "order_id customer_id"))
    assert found["#1001"] == found["#1003"] == jane
    assert found["#1004"] is None
    assert (jane, "US", "Portland", True) in shop.rows(
        "customers", "customer_id country city accepts_marketing"
    )
    assert shop.kpi("customers") == 2


def test_variants_are_products_and_lines_without_a_sku_find_theirs(shop: Any) -> None:
    assert shop.rows("products", "product_id parent_product_id title price cost category status") == [
        ("Glass teapot", "handle:glass-teapot", "Glass teapot", 25, None, "Teaware", "discontinued"),
        ("TEA-SEN-100", "handle:sencha", "Sencha - 100 g", 10, 4, "Tea", "active"),
        ("TEA-SEN-250", "handle:sencha", "Sencha - 250 g", 20, 8, "Tea", "active"),
        ("handle:glass-teapot", None, "Glass teapot", None, None, "Teaware", "discontinued"),
        ("handle:sencha", None, "Sencha", None, None, "Tea", "active"),
    ]
    assert ("TEA-SEN-100", "Green tea, steamed") in shop.rows("products", "product_id description")
    assert {row[0] for row in shop.rows("order_lines", "product_id")} <= {
        row[0] for row in shop.rows("products", "product_id")
    }


def test_nothing_of_a_person_is_stored(shop: Any, found_in_store: Callable[..., Any]) -> None:
    assert found_in_store(shop, PLANTED) == {}


def test_the_files_again_are_all_duplicate(own_shop: Any, fixtures: Path, tmp_path: Path) -> None:
    for name in ("customers", "products", "orders"):
        text = (fixtures / "shopify" / f"{name}.csv").read_text()
        (tmp_path / f"{name}.csv").write_text(text + "\n")
    assert own_shop.outcomes(tmp_path) == (0, 0, 13, 0)


def test_a_refund_in_a_later_export_updates_its_order(own_shop: Any, fixtures: Path, tmp_path: Path) -> None:
    def refund(rows: list[dict[str, str]]) -> None:
        rows[0].update({"Financial Status": "partially_refunded", "Refunded Amount": "9.36"})

    # 9.36 × (46.80 − 3.10) / 46.80 = 8.74
    assert own_shop.outcomes(edited(fixtures, tmp_path, refund)) == (0, 1, 6, 0)
    assert own_shop.kpi("net_sales") == pytest.approx(108.7 - 8.74)


def test_faulty_rows_are_kept_apart_and_come_in_once_they_are_right(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    def spoil(rows: list[dict[str, str]]) -> None:
        rows[1]["Lineitem price"] = "free"
        rows[2]["Financial Status"] = "lost"
        rows.insert(0, {**rows[1], "Name": "#1000", "Lineitem price": "1.00"})

    own_shop = make_store("shopify", time_zone="America/New_York")
    assert own_shop.outcomes(edited(fixtures, tmp_path, spoil)) == (5, 0, 0, 3)
    faults = {row.error_code: row for row in list_quarantine(own_shop.shop, limit=None)}
    assert sorted(faults) == ["invalid_number", "order_cut_off", "unknown_status"]
    fix_quarantine(own_shop.shop, faults["invalid_number"].quarantine_id, {"Lineitem price": "25.00"})
    fix_quarantine(
        own_shop.shop, faults["unknown_status"].quarantine_id, {"Financial Status": "partially_refunded"}
    )
    assert sum(run.counts.rows_accepted for run in replay_quarantine(own_shop.shop)) == 2
    assert own_shop.kpi("net_sales") == pytest.approx(108.7)
    assert own_shop.changed_by_rebuild() == ()


@pytest.mark.slow
def test_an_erased_customer_does_not_come_back(own_shop: Any, fixtures: Path, tmp_path: Path) -> None:
    jane = token(own_shop.shop.key, "email", "jane.roe@example.org")
    erase(own_shop.shop, [jane])
    assert own_shop.kpi("net_sales") == pytest.approx(108.7 - 38.7)
    # Her first order's first row and its second, and her second order's.
    assert own_shop.outcomes(edited(fixtures, tmp_path, lambda rows: None)) == (0, 0, 4, 3)
    assert own_shop.kpi("net_sales") == pytest.approx(108.7 - 38.7)


def test_other_files_are_refused_by_the_column_they_lack(
    make_store: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Name,Email,Total\n#1,a@example.org,3\n")
    with pytest.raises(
        InputError, match=r"has no column 'Created at', which 'shopify\.orders' maps to orders"
    ):
        make_store("shopify").add(path)
    path.rename(tmp_path / "transactions.csv")
    with pytest.raises(InputError, match="holds no file or sheet that fits"):
        make_store("shopify").add(tmp_path / "transactions.csv")
