"""REES46: nine events of three visitors; the purchases of a session are one order.

By hand: session 72d76fde views, puts in the cart and buys a phone (500.00, recorded twice, one row) and a
heater (33.20): one order of 533.20. Session 566511c2 looks. User 550050854 looks, takes a notebook out of
the cart, and buys it in a row that has lost its session: an order of 251.74, and a visit of its own.
Net sales 784.94; 4 visits, 2 of which bought.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import InputError


@pytest.fixture(scope="module")
def shop(make_store: Callable[..., Any], fixtures: Path) -> Any:
    made = make_store("rees46")
    assert made.outcomes(fixtures / "rees46") == (8, 0, 1, 0)
    return made


def test_the_kpis_are_those_of_the_calculation_by_hand(shop: Any) -> None:
    assert shop.kpi("net_sales") == pytest.approx(784.94)
    assert shop.kpi("net_sales", "2019-10-01", "2019-10-01") == pytest.approx(533.20)
    assert shop.kpi("orders") == 2
    assert shop.kpi("units") == 3
    assert shop.kpi("visits") == 4
    assert shop.kpi("conversion_rate") == pytest.approx(2 / 4)


def test_categories_are_a_path(shop: Any) -> None:
    found = shop.rows("products", "product_id department category_path brand")
    assert ("3900821", "appliances", "appliances > environment > water_heater", "aqua") in found
    assert ("17200506", None, None, None) in found


def test_the_file_again_is_all_duplicate(shop: Any, fixtures: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    again.write_text((fixtures / "rees46" / "2019-Oct.csv").read_text() + "\n")
    assert shop.outcomes(again) == (0, 0, 9, 0)
    assert shop.kpi("net_sales") == pytest.approx(784.94)


def test_a_later_purchase_of_a_session_does_not_move_its_order(
    make_store: Callable[..., Any], fixtures: Path, tmp_path: Path
) -> None:
    shop = make_store("rees46")
    shop.add(fixtures / "rees46")
    later, header = (
        tmp_path / "2019-Nov.csv",
        (fixtures / "rees46" / "2019-Oct.csv").read_text().split("\n")[0],
    )
    session = "541312140,72d76fde-8bb3-4e00-8c23-a032dfed738c"
    later.write_text(f"{header}\n2019-11-01 00:00:05 UTC,purchase,1,2,,,10.00,{session}\n")
    assert shop.outcomes(later) == (1, 0, 0, 0)
    assert shop.kpi("net_sales", "2019-10-01", "2019-10-01") == pytest.approx(543.20)
    assert shop.kpi("orders") == 2
    assert shop.changed_by_rebuild() == ()


def test_another_file_is_refused_by_the_column_it_lacks(
    make_store: Callable[..., Any], tmp_path: Path
) -> None:
    other = tmp_path / "events.csv"
    other.write_text("timestamp,visitorid,event,itemid\n1,2,view,3\n")
    with pytest.raises(InputError, match="has no column 'user_session', which 'rees46' maps to events"):
        make_store("rees46").add(other)
