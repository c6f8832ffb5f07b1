"""WooCommerce: five orders and a refund (Berlin; euros; without tax and shipping).

727  2 × 10.00 − 2.00, 25.00 − 2.50, a fee of 1.50: 46.50 − 4.50 = 42.00
728  a guest's, 4 × 10.00 + 25.00 = 65.00; refund 731 on 6 March gives back 20.00 + 25.00
729  25.00; its refund 732 of 34.65 is only listed: 25.00 of it goods, on 7 March
730  cancelled: nowhere
733  3 × 9.00 = 27.00, of a product that has been deleted
gross 163.50, discounts 4.50, refunds 70.00, net 89.00; 4 orders, 12 units besides the fee
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import InputError
from foresell.privacy.originals import read_original
from foresell.privacy.tokens import token
from foresell.services.erase import erase
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine

PLANTED = (
    *("Jane", "Omar", "Haddad", "Larch Lane", "Birkenweg", "10407", "30 555", "5550101", "203.0.113.77"),
    *("jane.roe", "omar@example", "Frau Fern", "wc_order_key", "JaneCharge", "JaneVat"),
)
BERLIN = {"time_zone": "Europe/Berlin", "currency": "EUR"}


@pytest.fixture(scope="module")
def shop(make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store("woocommerce", **BERLIN)
    assert made.outcomes(fixtures / "woocommerce") == (6, 0, 0, 0)
    return made


def orders_of(fixtures: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((fixtures / "woocommerce" / "orders.json").read_text())
    return found


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_kpis_are_those_of_the_calculation_by_hand(shop: Any) -> None:
    names = ("gross_sales", "discount", "refunds", "net_sales", "orders", "units", "customers")
    assert {name: shop.kpi(name) for name in names} == pytest.approx(
        {
            "gross_sales": 163.5,
            "discount": 4.5,
            "refunds": 70,
            "net_sales": 89,
            "orders": 4,
            "units": 12,
            "customers": 1,
        }
    )
    # 728 was placed half an hour before midnight, Berlin time.
    assert shop.kpi("net_sales", "2024-03-03", "2024-03-03") == pytest.approx(65)
    assert shop.kpi("net_sales", "2024-03-06", "2024-03-06") == pytest.approx(-45)
    assert shop.kpi("net_sales", "2024-03-07", "2024-03-07") == pytest.approx(-25)


def test_heads_lines_and_refunds(shop: Any) -> None:
    assert shop.rows("orders", "order_id customer_id status channel coupon_codes billing_country") == [
        ("727", "26", "completed", "web", "spring", "DE"),
        ("728", None, "completed", "web", None, "AT"),
        ("729", "26", "refunded", "web", None, "DE"),
        ("730", "26", "cancelled", "web", None, "DE"),
        ("733", "26", "paid", "web", None, "DE"),
    ]
    amounts = "order_id subtotal_amount discount_amount shipping_amount tax_amount total_amount"
    for _, subtotal, discount, shipping, tax, total in shop.rows("orders", amounts):
        assert subtotal - discount + shipping + tax == total
    lines = shop.rows(
        "order_lines", "order_line_id product_id quantity unit_price discount_amount line_amount"
    )
    assert lines[:3] == [
        ("727-315", "23", 2, 10, 2, 18),
        ("727-316", "25", 1, 25, Decimal("2.5"), Decimal("22.5")),
        ("727-317", "fee", 1, Decimal("1.5"), None, Decimal("1.5")),
    ]
    assert shop.rows("refunds", "refund_id order_id product_id quantity amount reason") == [
        ("731", "728", "23", 2, 20, "Broken"),
        ("731-2", "728", "25", 1, 25, "Broken"),
        ("732", "729", None, None, 25, None),
    ]
    assert shop.rows("products", "product_id parent_product_id title is_service") == [
        ("23", "22", "Sencha - 100 g", None),
        ("25", None, "Glass teapot", None),
        ("CUP-OLD", None, "Old cup", None),
        ("fee", None, "Fees", True),
    ]


def test_nothing_of_a_person_is_stored(shop: Any, found_in_store: Callable[..., Any]) -> None:
    assert found_in_store(shop, PLANTED) == {}
    address = token(shop.shop.key, "email", "jane.roe@example.org")
    assert ("email", address, "26") in shop.rows("identities", "id_type id_token customer_id")


def test_originals_are_kept_where_that_is_asked_for_and_nowhere_in_the_raw_zone(
    make_store: Callable[..., Any], fixtures: Path, found_in_store: Callable[..., Any]
) -> None:
    shop = make_store("woocommerce", **BERLIN, keep_originals=True)
    shop.add(fixtures / "woocommerce")
    assert found_in_store(shop, PLANTED) == {}
    mark = token(shop.shop.key, "other", "DE-JaneVat-77")
    assert read_original(shop.shop.folder.state, shop.shop.key, mark) == "DE-JaneVat-77"


def test_lines_or_a_list_again_are_all_duplicate(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("woocommerce", **BERLIN)
    rows = orders_of(fixtures)
    assert shop.outcomes(write(tmp_path / "export.jsonl", rows)) == (6, 0, 0, 0)
    assert shop.outcomes(fixtures / "woocommerce") == (0, 0, 6, 0)
    assert shop.kpi("net_sales") == pytest.approx(89)


def test_changed_orders_and_a_refund_that_comes_at_last(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("woocommerce", **BERLIN)
    shop.add(fixtures / "woocommerce")
    rows = orders_of(fixtures)
    rows[5]["status"] = "completed"
    refund = {**rows[4], "id": 732, "parent_id": 729, "amount": "34.65", "total": "-34.65", "reason": ""}
    refund["line_items"] = [{**rows[4]["line_items"][1], "total": "-25.00", "total_tax": "-4.75"}]
    refund["shipping_lines"] = [{"id": 1, "total": "-4.90", "total_tax": "0.00"}]
    refund["date_created_gmt"] = "2024-03-09T08:00:00"
    # Of the order that stands there twice the later word is used, and its lines with it.
    stale = {**rows[5], "status": "on-hold", "line_items": [{**rows[5]["line_items"][0], "total": "1.00"}]}
    assert shop.outcomes(write(tmp_path / "later.jsonl", [stale, *rows, refund])) == (0, 2, 5, 1)
    assert shop.kpi("net_sales") == pytest.approx(89)
    assert shop.kpi("net_sales", "2024-03-09", "2024-03-09") == pytest.approx(-25)
    assert dict(shop.rows("orders", "order_id status"))["733"] == "completed"


def test_a_refund_by_amount_alone(make_store: Callable[..., Any], fixtures: Path, tmp_path: Path) -> None:
    """As `/orders/728/refunds` answers where somebody typed an amount: no lines, no taxes, no type."""
    shop = make_store("woocommerce", **BERLIN)
    bare = {"id": 740, "date_created": "2024-03-06T11:00:00", "date_created_gmt": "2024-03-06T10:00:00"}
    bare |= {"amount": "10.00", "reason": "Late", "line_items": [], "parent_id": 728}
    more = {**orders_of(fixtures)[4], "amount": "60.00"}
    assert shop.outcomes(write(tmp_path / "refunds.jsonl", [bare])) == (1, 0, 0, 0)
    assert shop.outcomes(write(tmp_path / "orders.jsonl", [more])) == (1, 0, 0, 0)
    # 60.00 are 6.45 more than the lines and their taxes.
    assert shop.rows("refunds", "refund_id amount product_id") == [
        ("731", Decimal("26.45"), "23"),
        ("731-2", 25, "25"),
        ("740", 10, None),
    ]


def test_an_order_with_a_faulty_line_is_kept_apart_until_it_is_right(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("woocommerce", **BERLIN)
    rows = orders_of(fixtures)
    good = json.dumps(rows[0]["line_items"])
    rows[0]["line_items"][1]["total"] = "n/a"
    rows[5]["status"] = "sideways"
    assert shop.outcomes(write(tmp_path / "orders.jsonl", rows)) == (4, 0, 0, 2)
    faults = {row.error_code: row for row in list_quarantine(shop.shop)}
    assert {code: row.target_table for code, row in faults.items()} == {
        "invalid_value": "order_lines",
        "unknown_status": "orders",
    }
    assert len(shop.rows("order_lines", "order_line_id")) == 4
    fix_quarantine(shop.shop, faults["invalid_value"].quarantine_id, {"line_items": good})
    fix_quarantine(shop.shop, faults["unknown_status"].quarantine_id, {"status": "wc-processing"})
    assert sum(run.counts.rows_accepted for run in replay_quarantine(shop.shop)) == 2
    assert shop.kpi("net_sales") == pytest.approx(89)
    assert shop.changed_by_rebuild() == ()


@pytest.mark.slow
def test_an_erased_customer_is_gone_and_does_not_come_back(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path, found_in_store: Callable[..., Any]
) -> None:
    shop = make_store("woocommerce", **BERLIN)
    shop.add(fixtures / "woocommerce")
    erase(shop.shop, ["26"])
    assert found_in_store(shop, [token(shop.shop.key, "email", "jane.roe@example.org")]) == {}
    assert shop.kpi("net_sales") == pytest.approx(65 - 45)
    assert shop.outcomes(write(tmp_path / "again.jsonl", orders_of(fixtures))) == (0, 0, 2, 4)


def test_other_files_are_refused(make_store: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path / "orders.jsonl", [{"order_id": 1, "total": "3.00"}])
    with pytest.raises(InputError, match="has no column 'id', which 'woocommerce' maps to orders"):
        make_store("woocommerce").add(path)
