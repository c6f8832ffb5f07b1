"""Values in each other's column are found, and words at home in both are not."""

from collections.abc import Callable
from typing import Any

from foresell.contracts.settings import Settings
from foresell.quality.checks import near_duplicates, swapped_columns

Shop = dict[str, list[dict[str, Any]]]
MakeTables = Callable[[Shop], Any]


def found(tables: Any) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(f.table, f.column, f.examples) for f in swapped_columns.check(tables, Settings())]


def orders(*swapped: int) -> list[dict[str, Any]]:
    rows = []
    for n in range(60):
        who, where = f"c{n % 6}", ("Germany", "France")[n % 6 % 2]
        if n in swapped:
            who, where = where, who
        rows.append(
            {
                "order_id": f"o{n:02}",
                "customer_id": who,
                "billing_country": where,
                "created_at": f"2024-03-01T10:{n:02}:00Z",
                "currency": "EUR",
            }
        )
    return rows


def lines(*changed: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [
        {
            "order_line_id": f"l{n}",
            "order_id": f"o{n:02}",
            "product_id": "p1",
            "quantity": 3,
            "unit_price": 12,
        }
        for n in range(20)
    ]
    for n, change in enumerate(changed):
        rows[n].update(change)
    return [{**row, "line_amount": row["quantity"] * row["unit_price"]} for row in rows]


def test_a_country_in_the_place_of_a_customer_is_found(make_tables: MakeTables) -> None:
    assert found(make_tables({"orders": orders(7, 30)})) == [("orders", "customer_id", ("o07", "o30"))]


def test_sound_orders_raise_no_alarm(make_tables: MakeTables) -> None:
    assert found(make_tables({"orders": orders(), "order_lines": lines()})) == []


def test_a_price_that_fits_only_as_a_quantity_is_found(make_tables: MakeTables) -> None:
    tables = make_tables({"order_lines": lines({"quantity": 12, "unit_price": 3})})
    assert found(tables) == [("order_lines", "quantity", ("l0",))]
    [finding] = swapped_columns.check(tables, Settings())
    assert finding.rows.to_pyarrow().to_pylist()[0]["suggested"] == "3.0"


def test_a_broken_quantity_of_counted_goods_is_found(make_tables: MakeTables) -> None:
    tables = make_tables({"order_lines": lines({"quantity": 11.5, "unit_price": 2})})
    assert found(tables) == [("order_lines", "quantity", ("l0",))]


def test_goods_that_are_weighed_are_not(make_tables: MakeTables) -> None:
    by_weight = [{"quantity": 0.5 + n / 7, "unit_price": 2} for n in range(20)]
    assert found(make_tables({"order_lines": lines(*by_weight)})) == []


def test_a_sale_at_half_the_price_is_no_swap(make_tables: MakeTables) -> None:
    assert found(make_tables({"order_lines": lines({"quantity": 4, "unit_price": 6})})) == []


def test_an_order_entered_twice_is_found_and_a_second_visit_is_not(make_tables: MakeTables) -> None:
    heads = orders()[:3]
    basket = [("p1", 3), ("p2", 1)]
    held = [
        {
            "order_line_id": f"{head['order_id']}-{product}",
            "order_id": head["order_id"],
            "product_id": product if head["order_id"] != "o02" else f"other {product}",
            "quantity": quantity,
            "line_amount": 10,
        }
        for head in heads
        for product, quantity in basket
    ]
    same = [{**head, "customer_id": "c1"} for head in heads]
    [finding] = near_duplicates.check(make_tables({"orders": same, "order_lines": held}), Settings())
    assert (finding.table, finding.examples) == ("orders", ("o01",))
    assert finding.rows.to_pyarrow().to_pylist()[0]["suggested"] == "o00"
