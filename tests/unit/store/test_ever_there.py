"""What has ended keeps its name in what happened before."""

from typing import Any

import pytest

from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi
from foresell.quality.checks.references import check
from foresell.store.ever_there import ever_there

ROWS: dict[str, list[dict[str, Any]]] = {
    "products": [
        {"product_id": "sold", "category": "tea", "valid_to": "2024-02-01T00:00:00Z"},
        {"product_id": "sold", "category": "coffee", "valid_from": "2024-02-01T00:00:00Z"},
        {"product_id": "gone", "category": "tea", "valid_to": "2024-01-10T00:00:00Z"},
        {
            "product_id": "gone",
            "category": "fuel",
            "is_service": True,
            "valid_from": "2024-01-10T00:00:00Z",
            "valid_to": "2024-03-01T00:00:00Z",
        },
        {"product_id": "wrong", "category": "tea", "superseded_at": "2024-01-01T00:00:00Z"},
    ],
    "orders": [
        {
            "order_id": "o1",
            "currency": "USD",
            "created_at": "2024-01-05T12:00:00Z",
            "local_date": "2024-01-05",
        }
    ],
    "order_lines": [
        {"order_line_id": key, "order_id": "o1", "product_id": key, "quantity": 1, "line_amount": amount}
        for key, amount in (("sold", 5), ("gone", 7), ("wrong", 1))
    ],
}


def found(tables: Any) -> dict[str, str]:
    rows = ever_there(tables, "products").to_pyarrow().to_pylist()
    assert len({row["product_id"] for row in rows}) == len(rows)
    return {row["product_id"]: row["category"] for row in rows}


def test_each_key_has_its_current_row_or_its_last(make_tables: Any) -> None:
    assert found(make_tables(ROWS)) == {"sold": "coffee", "gone": "fuel"}


@pytest.mark.spark
def test_spark_finds_the_same(make_spark_tables: Any) -> None:
    assert found(make_spark_tables(ROWS)) == {"sold": "coffee", "gone": "fuel"}


def test_a_product_that_has_ended_keeps_its_category_and_is_known(make_tables: Any) -> None:
    tables = make_tables(ROWS)
    by_category = query_kpi(tables, Settings(), "net_sales", by="category").rows
    assert {row["category"]: row["value"] for row in by_category} == {"coffee": 5, "fuel": 7, None: 1}
    assert query_kpi(tables, Settings(), "units").value == 2
    [unknown] = [finding for finding in check(tables, Settings()) if finding.column == "product_id"]
    assert unknown.examples == ("wrong",)
