"""The rows of a result table that may leave the store.

Nobody who was erased is among them, whatever the table says: the tombstones are asked for every row.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from foresell.contracts.columns import Column
from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.contracts.results import RESULTS
from foresell.privacy.erasure import load_tombstones
from foresell.privacy.tokens import prepare_tokens
from foresell.services.rebuild import is_kept_sql
from foresell.services.shop import Shop
from foresell.sources.sql.target import arrow_schema
from foresell.store.engine import DuckDBViews, EngineTables, quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

BATCH_ROWS = 20_000
# What fills a result table that is empty.
MADE_BY = {
    "recommendations": "foresell fit recommend",
    "forecasts": "foresell fit forecast",
    "leaderboard": "foresell fit recommend",
    "embeddings": "foresell fit behavior",
    "customer_links": "foresell match identities",
    "order_links": "foresell match orders",
    "served": "foresell recommend --served",
    "scores": "foresell predict churn",
    "segments": "foresell segment",
    "profiles": "foresell profile",
}


@dataclass(frozen=True)
class Leaving:
    """Rows on their way out. `details`: what was chosen, for the log of exports. `notes`: for whoever exports
    them."""

    columns: tuple[Column, ...]
    batches: "Iterator[pa.RecordBatch]"
    details: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@contextmanager
def result_rows(shop: Shop, name: str, where: Mapping[str, str]) -> Iterator[Leaving]:
    """The current rows of a result table, by its key; `where`: column → its value as text.

    Raises NotFoundError for an unknown column, and where there is no row.
    """
    table = RESULTS[name]
    for column in where:
        if column not in table.column:
            raise NotFoundError(f"'{name}' has no column '{column}'", do=did_you_mean(column, table.column))
    with shop.connect() as connection:
        EngineTables(DuckDBViews(connection), shop.folder.files).current(name)
        know_the_erased(shop, connection)
        equal = [f"CAST({quoted(column)} AS VARCHAR) = ?" for column in where]
        listed = ", ".join(quoted(column.name) for column in table.columns)
        order = ", ".join(quoted(key) for key in table.key)
        rows = connection.sql(
            f"SELECT {listed} FROM {quoted(name)} WHERE {' AND '.join([is_kept_sql(table), *equal])} "
            f"ORDER BY {order}",
            params=list(where.values()),
        )
        batches = _typed(rows.to_arrow_reader(BATCH_ROWS), table.columns)
        first = next(batches, None)
        if first is None:
            raise NotFoundError(
                f"There is nothing to export in '{name}'" + (" with these values" if where else ""),
                do=f"What fills it: {MADE_BY[name]}",
            )
        yield Leaving(table.columns, _chained(first, batches), {"where": dict(where)} if where else {})


def know_the_erased(shop: Shop, connection: "DuckDBPyConnection") -> None:
    """Prepare a connection for `is_kept_sql`."""
    prepare_tokens(connection, shop.key)
    load_tombstones(connection, shop.folder.state.tombstones())


def _typed(batches: "Iterator[pa.RecordBatch]", columns: Sequence[Column]) -> "Iterator[pa.RecordBatch]":
    schema = arrow_schema(columns)
    return (batch.cast(schema) for batch in batches if batch.num_rows)


def _chained(first: "pa.RecordBatch", rest: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    yield first
    yield from rest
