"""Searches that find nothing, or little: how often, by how many, and what they bought afterwards."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.features.counted import about_goods, events_of_somebody, purchases

if TYPE_CHECKING:
    import ibis.expr.types as ir

# The most frequent queries that are looked at.
MOST_QUERIES = 2_000
# What is bought so soon after a search may have been meant by it.
HOURS_AFTER = 24
MOST_BOUGHT = 3
QUERIES = pl.Schema({"query": pl.String(), "searches": pl.Int64(), "customers": pl.Int64()})
BOUGHT = pl.Schema({"query": pl.String(), "bought_after": pl.Int64(), "products": pl.List(pl.String())})
UNANSWERED = pl.Schema({**QUERIES, "found": pl.Int64(), **BOUGHT})


def unanswered(
    tables: Tables, count_found: Callable[[str], int], few: int, since: datetime | None = None
) -> pl.DataFrame:
    """UNANSWERED: of the MOST_QUERIES most frequent queries, those that now find fewer than `few` products;
    by searches, then query.

    `query`: in small letters, trimmed, so that it is a row however it was typed. `customers`: customers,
    visitors or, where neither is known, visits. `count_found(query)`: how many products the shop's search
    finds today. `bought_after`: of these customers those who bought something in the HOURS_AFTER hours after
    it; `products`: what most of them bought, ids, at most MOST_BOUGHT. `since`: searches from then on.
    Queries with an "@" are left out: somebody's address.
    """
    asked = _queries(tables, since)
    counts = [count_found(query) for query in asked["query"]]
    found = asked.with_columns(found=pl.Series(counts, dtype=pl.Int64)).filter(pl.col("found") < few)
    bought = _bought(tables, found["query"].to_list(), since)
    joined = found.join(bought, on="query", how="left").with_columns(
        pl.col("bought_after").fill_null(0), pl.col("products").fill_null([])
    )
    return joined.select(UNANSWERED.names()).cast(dict(UNANSWERED.items()))


def _searches(tables: Tables, since: datetime | None) -> "ir.Table":
    events = events_of_somebody(tables)
    query = events.search_query.strip().lower()
    asked = events.select("customer_id", "occurred_at", query=query)
    asked = asked.filter(asked.query.notnull(), asked.query != "", ~asked.query.contains("@"))
    return asked if since is None else asked.filter(asked.occurred_at >= since)


def _queries(tables: Tables, since: datetime | None) -> pl.DataFrame:
    import ibis

    asked = _searches(tables, since)
    counted = asked.group_by("query").agg(searches=asked.count(), customers=asked.customer_id.nunique())
    most = counted.order_by(ibis.desc("searches"), "query").limit(MOST_QUERIES)
    frame: pl.DataFrame = most.to_polars()
    return frame.select(pl.col(name).cast(kind) for name, kind in QUERIES.items()).sort(
        "searches", "query", descending=[True, False]
    )


def _bought(tables: Tables, queries: Sequence[str], since: datetime | None) -> pl.DataFrame:
    import ibis

    if not queries:
        return pl.DataFrame(schema=BOUGHT)
    asked = _searches(tables, since)
    asked = asked.filter(asked.query.isin(queries))
    bought = _taken(tables)
    until = asked.occurred_at + ibis.interval(hours=HOURS_AFTER)
    soon = asked.join(
        bought,
        [
            asked.customer_id == bought.buyer_id,
            bought.bought_at > asked.occurred_at,
            bought.bought_at <= until,
        ],
    )
    rows: Any = soon.select("query", "customer_id", "product_id").distinct().to_polars()
    frame = pl.DataFrame(rows)
    products = (
        frame.group_by("query", "product_id")
        .agg(pl.len().alias("buyers"))
        .sort("query", "buyers", "product_id", descending=[False, True, False])
        .group_by("query", maintain_order=True)
        .agg(products=pl.col("product_id").head(MOST_BOUGHT))
    )
    buyers = frame.group_by("query").agg(bought_after=pl.col("customer_id").n_unique())
    return buyers.join(products, on="query")


def _taken(tables: Tables) -> "ir.Table":
    """buyer_id, product_id, bought_at: of orders, and where there are no lines of any, of events."""
    if tables.has_rows("order_lines"):
        rows = about_goods(purchases(tables), tables)
    else:
        events = events_of_somebody(tables)
        rows = about_goods(events.filter(events.event_name == "purchase"), tables)
    rows = rows.filter(rows.product_id.notnull())
    return rows.select("product_id", buyer_id=rows.customer_id, bought_at=rows.occurred_at)
