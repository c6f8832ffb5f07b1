"""Columns that a mapping computes, read from TOML and typed by DuckDB."""

from decimal import Decimal

import duckdb
import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.sources.mapping_toml import mapping_from_tree
from foresell.sources.normalize import normalize_sql

LINES = {
    "order_line_id": {"from": ["o", "p"]},
    "order_id": "o",
    "product_id": "p",
    "quantity": "q",
    "unit_price": "u",
    "discount_amount": "d",
}


def line_amounts(formula: str, *rows: str) -> list[Decimal | None]:
    tree = {"tables": {"order_lines": {"columns": LINES | {"line_amount": {"calculate": formula}}}}}
    mapping = mapping_from_tree(tree, "test", where="test")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"CREATE TABLE raw AS SELECT row_number() OVER () AS _row_number, * FROM (VALUES {', '.join(rows)})"
        " AS r(o, p, q, u, d)"
    )
    columns = dict.fromkeys("opqud", "VARCHAR")
    sql = normalize_sql(mapping.targets[0], mapping, columns, "raw", Settings())
    found = connection.execute(f"SELECT line_amount FROM ({sql}) ORDER BY _row_number").fetchall()
    return [row[0] for row in found]


def test_products_bind_before_sums_and_what_is_not_given_takes_nothing_off() -> None:
    rows = ("('1','a','3','2.50','0.5')", "('1','b','2','4','')", "('1','c','','4','1')")
    assert line_amounts("quantity * unit_price - discount_amount", *rows) == [
        Decimal("7.0000"),
        Decimal("8.0000"),
        None,
    ]


@pytest.mark.parametrize(
    "formula",
    ["quantity * price", "quantity; drop table raw", "quantity / unit_price", "", "order_id + quantity"],
)
def test_a_formula_holds_columns_of_numbers_and_three_signs_only(formula: str) -> None:
    with pytest.raises(InputError):
        line_amounts(formula or " ", "('1','a','3','2.50','0.5')")


def test_a_formula_needs_columns_that_are_mapped() -> None:
    tree = {
        "tables": {"order_lines": {"columns": LINES | {"line_amount": {"calculate": "quantity * unit_cost"}}}}
    }
    with pytest.raises(InputError, match="unit_cost"):
        mapping_from_tree(tree, "test", where="test")


def test_the_year_of_a_date_in_any_order() -> None:
    tree = {"tables": {"customers": {"columns": {"customer_id": "c", "birth_year": {"year_of": "b"}}}}}
    mapping = mapping_from_tree(tree, "test", where="test")
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE raw AS SELECT row_number() OVER () AS _row_number, * FROM "
        "(VALUES ('1', '1980-03-05'), ('2', '05.03.1975'), ('3', NULL), ('4', 'unknown')) AS r(c, b)"
    )
    columns = {"c": "VARCHAR", "b": "VARCHAR"}
    sql = normalize_sql(mapping.targets[0], mapping, columns, "raw", Settings())
    found = connection.execute(f"SELECT birth_year, _error_code FROM ({sql}) ORDER BY _row_number").fetchall()
    assert found == [(1980, None), (1975, None), (None, None), (None, None)]
