"""Repairs of what checks find: exchanged columns, other clocks, copies."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foresell.services.rebuild import table_hash
from foresell.services.repair import repair_tables
from foresell.services.repair_log import undo_repair
from foresell.services.shop import Shop

LINES = "order_line_id,order_id,product_id,quantity,unit_price,line_amount"
PRICES = (4.25, 12.5, 2.95)
SWAPPED = 5


def read(shop: Shop, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with shop.reading() as tables:
        rows = tables.current(table).select(*columns).order_by(columns[0]).to_pyarrow().to_pylist()
    return [tuple(row.values()) for row in rows]


def undone_exactly(shop: Shop, table: str, rule: str) -> Callable[[], None]:
    """Repairs by the rule; what is returned undoes it and compares."""
    before = table_hash(shop, table)
    [done] = repair_tables(shop, [rule]).repairs
    assert done.run_id is not None

    def undo() -> None:
        undo_repair(shop, str(done.run_id))
        assert table_hash(shop, table) == before

    return undo


@pytest.mark.parametrize("second", ["unit_price", "line_amount"])
def test_quantities_in_another_column_go_back(shop: Shop, import_rows: Any, second: str) -> None:
    rows, right = [], []
    for number in range(120):
        product, quantity = number % 3, 1 + number % 4
        price = PRICES[product]
        amount = round(quantity * price, 4)
        line = f"l{number:03}"
        right.append((line, quantity, price, amount))
        told: Sequence[float] = (quantity, price, amount)
        if number < SWAPPED:
            # A source of lines without prices: amount / quantity is the price that was derived.
            told = (
                (price, quantity, amount) if second == "unit_price" else (amount, quantity / amount, quantity)
            )
        rows.append(f"{line},o{number},p{product},{told[0]},{told[1]:.4f},{told[2]}")
    import_rows(*rows, header=LINES)
    columns = ("order_line_id", "quantity", "unit_price", "line_amount")
    undo = undone_exactly(shop, "order_lines", f"order_lines.quantity: swap_back {second}")
    found = read(shop, "order_lines", *columns)
    for (line, *values), expected in zip(found, right, strict=True):
        assert (line, *(float(value) for value in values)) == pytest.approx(expected)
    undo()


def test_a_block_of_another_clock_and_exchanged_days_are_set_right(shop: Shop, import_rows: Any) -> None:
    start = datetime(2024, 1, 1, 9, tzinfo=UTC)
    right = {
        f"{number + 1000}": start + timedelta(days=number // 20, minutes=25 * (number % 20))
        for number in range(1400)
    }
    told = dict(right)
    for number in range(400, 500):
        told[f"{number + 1000}"] += timedelta(hours=9)
    exchanged = [order for order, moment in right.items() if moment.day <= 12 and moment.day != moment.month][
        -40::10
    ]
    for order in exchanged:
        told[order] = told[order].replace(day=told[order].month, month=told[order].day)
    import_rows(
        *[f"{order},{moment.isoformat()},USD,{moment.isoformat()}" for order, moment in told.items()],
        header="order_id,created_at,currency,valid_from",
        preset="orders",
    )
    undo = undone_exactly(shop, "orders", "orders.created_at: shift_times")
    found = {
        order: (moment, day)
        for order, moment, day in read(shop, "orders", "order_id", "created_at", "local_date")
    }
    wrong = {order for order, (moment, _) in found.items() if moment != right[order]}
    assert not wrong
    assert all(day == moment.date() for moment, day in found.values())
    undo()


def test_orders_entered_twice_go_with_their_lines(shop: Shop, import_rows: Any) -> None:
    orders = [f"o{number},c{number % 5},2024-01-{1 + number:02}T10:00Z,USD" for number in range(9)]
    lines = [
        f"o{number}-{line},o{number},p{line},1,{number + line}" for number in range(9) for line in range(3)
    ]
    copies = [line.replace("o4", "o99") for line in lines if line.startswith("o4")]
    import_rows(
        *orders,
        "o99,c4,2024-01-05T10:03Z,USD",
        header="order_id,customer_id,created_at,currency",
        preset="orders",
    )
    import_rows(*lines, *copies)
    undo = undone_exactly(shop, "orders", "orders: drop near_duplicates")
    assert [order for (order,) in read(shop, "orders", "order_id")] == [f"o{number}" for number in range(9)]
    assert len(read(shop, "order_lines", "order_line_id")) == 27
    undo()
    assert len(read(shop, "order_lines", "order_line_id")) == 30


def test_products_that_the_check_finds_are_merged(shop: Shop, import_rows: Any) -> None:
    titles = ["Garden lantern of glass", "Wooden heart ornament", "Vintage paper star"]
    rows = [f"p{place},{title}" for place, title in enumerate(titles)]
    import_rows(*rows, "p1x,Wooden heartt ornament", header="product_id,title", preset="products")
    import_rows(*[f"l{n},o1,p1,1,5" for n in range(4)], "l9,o1,p1x,1,5")
    undo = undone_exactly(shop, "products", "products: merge_similar")
    assert [product for (product,) in read(shop, "products", "product_id")] == ["p0", "p1", "p2"]
    assert dict(read(shop, "order_lines", "order_line_id", "product_id"))["l9"] == "p1"
    undo()
    assert dict(read(shop, "order_lines", "order_line_id", "product_id"))["l9"] == "p1x"
