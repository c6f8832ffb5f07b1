import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
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
    with writes() as written:
        assert total(made("SELECT 5 AS amount")) == 5
        assert total(made("SELECT 0 AS amount UNION ALL SELECT 7")) == 7
    assert written == []


def test_moments_and_names_of_tables_are_filled_in(made: Callable[[str], CompiledOnce]) -> None:
    backend = made("SELECT TIMESTAMPTZ '2020-01-01 00:00Z' + n * INTERVAL 1 DAY AS at, n FROM range(9) t(n)")
    orders = backend.table("orders")

    def bought_before(day: int, *, at_least: int = 0) -> int:
        moment = datetime(2020, 1, day, tzinfo=UTC)
        names = ibis.memtable(pl.DataFrame({"n": [0, day]}))
        second = int(moment.timestamp())
        rows = kept(orders.filter(orders["at"] < moment, orders.n >= at_least))
        rows = rows.filter(rows["at"].epoch_seconds() < second, rows["at"].date() < moment.date())
        question = rows.mutate(second=second).left_join(names, "n").filter(names.n.isnull())
        assert backend.compile(question) == ibis.to_sql(question, dialect="duckdb", pretty=False)
        return len(question.to_polars())

    assert bought_before(4) == 2
    with writes() as written:
        assert [bought_before(day) for day in (1, 5, 9)] == [0, 3, 7]
    assert written == []
    # Small numbers belong to the question.
    assert bought_before(9, at_least=7) == 1


def test_one_moment_told_twice_is_not_two(made: Callable[[str], CompiledOnce]) -> None:
    orders = made("SELECT DATE '2020-01-01' AS a, DATE '2020-01-02' AS b").table("orders")
    days = [date(2020, 1, 1), date(2020, 1, 2)]
    asked = [(x, y) for x in days for y in days]
    for x, y in asked:
        found = orders.filter(orders.a == x, orders.b == y).count().execute()
        assert found == (x < y)


def test_a_column_named_by_its_moment_keeps_its_name(made: Callable[[str], CompiledOnce]) -> None:
    orders = made("SELECT 1800000000 AS at").table("orders")
    for second in (1_700_000_000, 1_900_000_000):
        question = orders.select(orders["at"] < second)
        assert question.to_polars().to_dict(as_series=False) == {
            question.columns[0]: [second > 1_800_000_000]
        }


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


@contextmanager
def writes() -> Iterator[list[Any]]:
    """The questions that Ibis writes meanwhile."""
    written: list[Any] = []
    own = compiled_sql._write

    def write(question: Any) -> Any:
        written.append(question)
        return own(question)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_sql, "_write", write)
        yield written


def tables_of(backend: CompiledOnce) -> list[Any]:
    return backend.con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
