"""The k best products of every customer, in batches of bounded memory, ties always broken the same way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.model import RECOMMENDED

# Scores held at once: 64 MB of float32, whatever the size of the catalog.
SCORES_AT_ONCE = 16_000_000

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
# Profiles (customers × products, CSR) → scores (customers × products, dense); 0: no opinion.
Score = Callable[[Any], Floats]
# Profiles of the rows, their products' positions → reason codes and the positions of the products because of
# which they are recommended (−1: none).
Explained = tuple[NDArray[np.str_], Ints]
Explain = Callable[[Any, Ints], Explained]


@dataclass(frozen=True)
class Audience:
    """Whom to recommend to: ids ascending, their profiles, and what to leave out, by position."""

    customer_ids: pl.Series
    profiles: Any
    excluded_customers: Ints
    excluded_products: Ints
    excluded_for_all: Ints


def audience(catalog: Catalog, customers: pl.Series, profiles: Any, exclude: pl.DataFrame | None) -> Audience:
    """`customers`: ascending and distinct; `profiles`: theirs, in that order."""
    if exclude is None:
        none = np.empty(0, dtype=np.int64)
        return Audience(customers, profiles, none, none, none)
    rows = pl.DataFrame({"customer_id": customers}).with_row_index("customer")
    left_out = catalog.with_positions(exclude)
    for_all = left_out.filter(pl.col("customer_id").is_null())["product"]
    one_by_one = left_out.join(rows, on="customer_id", how="inner").sort("customer")
    return Audience(
        customers,
        profiles,
        one_by_one["customer"].cast(pl.Int64).to_numpy(),
        one_by_one["product"].cast(pl.Int64).to_numpy(),
        for_all.cast(pl.Int64).to_numpy(),
    )


def as_matrix(catalog: Catalog, customers: pl.Series, profile: pl.DataFrame) -> Any:
    """(C, P) CSR, float32, of `profile`: customer_id, product_id, value, one row a pair. A customer without
    rows has none; other customers and unknown products are left out."""
    rows = pl.DataFrame({"customer_id": customers}).with_row_index("customer")
    known = catalog.with_positions(profile).join(rows, on="customer_id", how="inner")
    cells = (
        known["value"].cast(pl.Float32).to_numpy(),
        (known["customer"].to_numpy(), known["product"].to_numpy()),
    )
    return sparse.csr_array(cells, shape=(len(customers), catalog.size), dtype=np.float32)


def rank(
    catalog: Catalog, to: Audience, k: int, score: Score, explain: Explain | None = None
) -> pl.DataFrame:
    """The RECOMMENDED frame. Where the score is 0, recent popularity − 1 (below 0) fills up."""
    parts = [_frame(catalog, to, batch, explain) for batch in _batches(catalog, to, k, score)]
    return pl.concat([pl.DataFrame(schema=RECOMMENDED), *parts])


@dataclass(frozen=True)
class _Ranked:
    """Parallel arrays, sorted by customer and rank: positions, ranks, scores."""

    customers: Ints
    products: Ints
    ranks: Ints
    scores: Floats


def _batches(catalog: Catalog, to: Audience, k: int, score: Score) -> Iterator[_Ranked]:
    fill = catalog.popularity - np.float32(1.0)
    fill = np.minimum(fill, -np.finfo(np.float32).tiny)
    size = max(1, SCORES_AT_ONCE // max(catalog.size, 1))
    for start in range(0, len(to.customer_ids), size):
        end = min(start + size, len(to.customer_ids))
        scores = score(to.profiles[start:end])
        scores = np.where(scores > 0, scores, fill)
        scores[:, to.excluded_for_all] = -np.inf
        first, last = np.searchsorted(to.excluded_customers, [start, end])
        scores[to.excluded_customers[first:last] - start, to.excluded_products[first:last]] = -np.inf
        rows, products, ranks = top_k(scores, k)
        yield _Ranked(rows + start, products, ranks, scores[rows, products])


def top_k(scores: Floats, k: int) -> tuple[Ints, Ints, Ints]:
    """Rows, columns and ranks (from 1) of each row's k highest scores; ties by column, −inf never."""
    k = min(k, scores.shape[1])
    edge = scores.shape[1] - k
    threshold = np.partition(scores, edge, axis=1)[:, edge, None]
    rows, columns = np.nonzero((scores >= threshold) & (scores > -np.inf))
    order = np.lexsort((columns, -scores[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    starts = np.searchsorted(rows, np.arange(scores.shape[0]))
    ranks = np.arange(len(rows)) - starts[rows] + 1
    kept = ranks <= k
    return rows[kept], columns[kept], ranks[kept]


def _frame(catalog: Catalog, to: Audience, ranked: _Ranked, explain: Explain | None) -> pl.DataFrame:
    count = len(ranked.customers)
    codes, because = pl.repeat(None, count, dtype=pl.String, eager=True), None
    if explain is not None:
        told, positions = explain(to.profiles[ranked.customers], ranked.products)
        is_fill = ranked.scores < 0
        codes = pl.Series(np.where(is_fill, "popular", told), dtype=pl.String)
        because = np.where(is_fill, -1, positions)
    return pl.DataFrame(
        {
            "customer_id": to.customer_ids.gather(ranked.customers),
            "product_id": catalog.product_ids.gather(ranked.products),
            "rank": ranked.ranks,
            "score": ranked.scores,
            "reason_code": codes,
            "because_product_id": _ids(catalog, because, count),
        },
        schema=RECOMMENDED,
    )


def _ids(catalog: Catalog, positions: Ints | None, count: int) -> pl.Series:
    if positions is None:
        return pl.repeat(None, count, dtype=pl.String, eager=True)
    known = pl.Series(positions).replace(-1, None)
    return catalog.product_ids.gather(known.cast(pl.UInt32))
