"""How the shop is doing: days against as many before, and figures that open to rows which add up to them."""

from datetime import date, timedelta
from typing import Any

import pytest

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.customers.find import Wanted, customer_choices, find_customers
from foresell.services.measured_rows import sold_lines
from foresell.services.report.sections import Span
from foresell.services.shop import Shop
from foresell.services.shop_settings import change_settings, has_data
from foresell.services.today import (
    against_forecast,
    cut_kpi,
    daily_sales,
    headline,
    known_span,
    kpi_words,
    last_days,
    split_kpi,
    why_changed,
)

ORDERS = "order_id,customer_id,created_at,discount_amount,subtotal_amount,total_amount"
LINES = "order_line_id,order_id,product_id,quantity,line_amount,discount_amount"
FIRST = date(2024, 3, 4)


@pytest.fixture
def sold(shop: Shop, import_rows: Any) -> Shop:
    """Eight days, an order of 10 and one of 20 each; on the last day an order-level discount of 3."""
    orders, lines = [], []
    for number in range(8):
        day = FIRST + timedelta(days=number)
        for customer, amount in (("ann", 10), ("bob", 20)):
            name = f"{customer}{number}"
            off = 3 if (customer, number) == ("bob", 7) else 0
            orders.append(f"{name},{customer},{day}T12:00:00Z,{off},{amount},{amount - off}")
            lines += [f"{name}-{half},{name},p{half},1,{amount / 2},0" for half in (1, 2)]
    import_rows(*orders, header=ORDERS, preset="orders")
    import_rows(*lines, header=LINES)
    return shop


def test_the_last_days_are_compared_with_as_many_before(sold: Shop) -> None:
    known = known_span(sold)
    assert known == Span(FIRST, FIRST + timedelta(days=7))
    recent, before = last_days(known, 4)
    assert before == Span(FIRST, FIRST + timedelta(days=3))
    assert last_days(known, 7)[1] is None
    figures = {one.kpi: (one.value, one.before) for one in headline(sold, recent, before)}
    assert figures["net_sales"] == (117.0, 120.0)
    assert figures["orders"] == (8.0, 8.0)
    assert "refunds" not in figures
    why = why_changed(sold, recent, before)
    assert why is not None
    assert sum(part.effect for part in why.parts) == why.change == -3
    assert why_changed(sold, recent, Span(date(2020, 1, 1), date(2020, 1, 4))) is not None
    assert [value for _, value in daily_sales(sold, recent)] == [30.0, 30.0, 30.0, 27.0]


def test_an_order_of_days_to_come_is_not_the_present(sold: Shop, import_rows: Any) -> None:
    import_rows("late,ann,2999-03-04T12:00:00Z,0,10,10", header=ORDERS, preset="orders")
    assert known_span(sold) == Span(FIRST, FIRST + timedelta(days=7))


def test_figures_open_to_rows_that_add_up_to_them(sold: Shop) -> None:
    span = Span(FIRST + timedelta(days=6), FIRST + timedelta(days=7))
    pages = [sold_lines(sold, span, first, 3) for first in (1, 4, 7)]
    assert [(page.total, len(page.rows)) for page in pages] == [(8, 3), (8, 3), (8, 2)]
    rows = [row for page in pages for row in page.rows]
    cut = cut_kpi(sold, "net_sales", span, "day")
    assert cut.total == pytest.approx(sum(row.sales for row in rows)) == 57.0
    assert dict(split_kpi(sold, "net_sales", span, "product")) == {"p1": 28.5, "p2": 28.5}
    assert [value for _, value in cut.by_period] == [30.0, 27.0]
    assert "product" in cut.dimensions
    assert "customer" not in cut.dimensions
    assert all(row.gross - row.discount == pytest.approx(row.sales) for row in rows)
    assert rows[0].local_date == span.end
    with pytest.raises(InputError):
        sold_lines(sold, span, 0)
    with pytest.raises(NotFoundError):
        kpi_words("net_sails", "en")


def test_a_shop_without_orders_says_so(shop: Shop) -> None:
    assert known_span(shop) is None
    assert against_forecast(shop).cutoff is None
    assert find_customers(shop, Wanted()).total == 0
    assert customer_choices(shop).segments == ()


def test_customers_are_found_by_a_part_of_their_id(sold: Shop) -> None:
    everybody = find_customers(sold, Wanted())
    assert [(one.customer_id, one.orders, one.last_order) for one in everybody.rows] == [
        ("ann", 8, FIRST + timedelta(days=7)),
        ("bob", 8, FIRST + timedelta(days=7)),
    ]
    assert [one.customer_id for one in find_customers(sold, Wanted("n")).rows] == ["ann"]
    assert find_customers(sold, Wanted(task="churn")).total == 0
    assert [one.customer_id for one in find_customers(sold, Wanted(), 2, 1).rows] == ["bob"]


def test_what_data_depends_on_is_fixed_by_data(shop: Shop, import_rows: Any) -> None:
    assert not has_data(shop)
    fresh = change_settings(shop, {"name": 'Tea "&" 茶', "currency": "EUR"})
    assert (fresh.store.name, shop.folder.settings.store.currency) == ('Tea "&" 茶', "EUR")
    with pytest.raises(InputError):
        change_settings(shop, {"time_zone": "Nowhere/At_all"})
    import_rows("l1,o1,p1,1,5")
    reopened = type(shop)(shop.folder)
    with pytest.raises(ConflictError):
        change_settings(reopened, {"currency": "USD"})
    assert change_settings(reopened, {"language": "zh"}).store.language == "zh"
