import gc
from collections.abc import Callable
from typing import Any

import duckdb
import ibis
import polars as pl
import pytest
from ibis.common.exceptions import TableNotFound

from foresell.store import compiled_sql
from foresell.store.compiled_sql import CompiledOnce
from foresell.store.kept import kept


@pytest.fixture
def made() -> Callable[[str], CompiledOnce]:
    """A DuckDB with a view `orders` of these rows."""

    def make(rows: str) -> CompiledOnce:
        connection = duckdb.connect()
        connection.execute(f"CREATE VIEW orders AS {rows}")
        return CompiledOnce.from_connection(connection)

    return make


def total(backend: CompiledOnce) -> Any:
    orders = backend.table("orders")
    return orders.filter(orders.amount > 1).amount.sum().execute()


def test_the_same_question_is_written_once_and_each_connection_answers_for_itself(
    made: Callable[[str], CompiledOnce],
) -> None:
    total(made("SELECT 2 AS amount"))
    written = compiled_sql._sql.cache_info().misses
    assert total(made("SELECT 5 AS amount")) == 5
    assert total(made("SELECT 0 AS amount UNION ALL SELECT 7")) == 7
    assert compiled_sql._sql.cache_info().misses == written


def test_columns_of_another_type_are_another_question(made: Callable[[str], CompiledOnce]) -> None:
    assert total(made("SELECT 2 AS amount")) == 2
    assert total(made("SELECT 2.5::DOUBLE AS amount, 'x' AS note")) == 2.5
    assert list(made("SELECT 1::DECIMAL(18,4) AS a, [1.5::FLOAT] AS b").table("orders").schema().items()) == [
        ("a", ibis.dtype("decimal(18, 4)")),
        ("b", ibis.dtype("array<float32>")),
    ]
    with pytest.raises(TableNotFound):
        made("SELECT 1 AS n").table("customers")


def test_a_limit_is_part_of_the_question(made: Callable[[str], CompiledOnce]) -> None:
    orders = made("SELECT * FROM range(5) t(n)").table("orders")
    assert [len(orders.to_polars(limit=limit)) for limit in (None, 2, 3, 2)] == [5, 2, 3, 2]


def test_rows_in_memory_go_with_their_expressions(made: Callable[[str], CompiledOnce]) -> None:
    backend = made("SELECT 1 AS n UNION ALL SELECT 2")
    held = kept(backend.table("orders").filter(ibis._.n > 1))
    given = ibis.memtable(pl.DataFrame({"n": [1, 2, 3]}))
    assert held.join(given, "n").count().execute() == 1
    assert len(tables_of(backend)) == 1
    del held, given
    gc.collect()
    assert tables_of(backend) == []


def test_kept_rows_have_the_types_that_were_told(made: Callable[[str], CompiledOnce]) -> None:
    orders = made("SELECT 1::DECIMAL(18,4) AS amount, 1::INTEGER AS n").table("orders")
    sums = orders.aggregate(amount=orders.amount.sum(), n=orders.n.sum())
    assert kept(sums).schema() == sums.schema()


def tables_of(backend: CompiledOnce) -> list[Any]:
    return backend.con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
