"""How segments hold over time: who moved where between two cutoffs, and how stable a segmentation is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.agreement import adjusted_rand
from foresell.predict.customers.segments.segmentation import Customers, FittedSegmentation, Segmentation
from foresell.predict.customers.segments.suppression import LEAST_PEOPLE, hidden_cells

# Who was not there at the other cutoff.
ABSENT = "(not there)"


@dataclass(frozen=True, slots=True)
class Migration:
    """`moves`: from_segment, to_segment, num_customers (null: hidden, fewer than k people or needed to hide
    them), share_of_from (null with it); a row a pair, by name, those who came or went as "(not there)".

    drift     half the sum of differences between the shares of segments then and now: 0 none, 1 all moved
    stayed    share of those who were there both times that are in the same segment
    agreement adjusted Rand of both times, of those who were there both times; null: nobody was
    num_hidden of the cells
    """

    moves: pl.DataFrame
    drift: float
    stayed: float | None
    agreement: float | None
    num_hidden: int


def migration(before: pl.DataFrame, now: pl.DataFrame, k: int = LEAST_PEOPLE) -> Migration:
    """`before`, `now`: customer_id and segment at the two cutoffs, by one segmentation. Raises InputError
    where either has nobody."""
    if before.is_empty() or now.is_empty():
        raise InputError("Segments at a cutoff are missing", do="Choose cutoffs with customers.")
    both = before.select("customer_id", from_segment="segment").join(
        now.select("customer_id", to_segment="segment"), on="customer_id", how="full", coalesce=True
    )
    remained = both.drop_nulls()
    filled = both.with_columns(pl.col("from_segment", "to_segment").fill_null(ABSENT))
    names_from, rows = np.unique(filled["from_segment"].to_numpy(), return_inverse=True)
    names_to, columns = np.unique(filled["to_segment"].to_numpy(), return_inverse=True)
    counts = np.zeros((len(names_from), len(names_to)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    hidden = hidden_cells(counts, k)
    is_same = (remained["from_segment"] == remained["to_segment"]).to_numpy()
    return Migration(
        _moves(names_from, names_to, counts, hidden),
        _drift(before["segment"], now["segment"]),
        float(is_same.mean()) if len(remained) else None,
        _agreement(remained) if len(remained) else None,
        int(hidden.sum()),
    )


def _agreement(remained: pl.DataFrame) -> float:
    return adjusted_rand(remained["from_segment"].to_numpy(), remained["to_segment"].to_numpy())


def _moves(
    names_from: NDArray[Any], names_to: NDArray[Any], counts: NDArray[np.int64], hidden: NDArray[np.bool_]
) -> pl.DataFrame:
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    rows = [
        (
            str(names_from[i]),
            str(names_to[j]),
            None if hidden[i, j] else int(counts[i, j]),
            None if hidden[i, j] else float(shares[i, j]),
        )
        for i in range(len(names_from))
        for j in range(len(names_to))
    ]
    schema = {
        "from_segment": pl.String,
        "to_segment": pl.String,
        "num_customers": pl.Int64,
        "share_of_from": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _drift(before: pl.Series, now: pl.Series) -> float:
    def shares(segments: pl.Series, name: str) -> pl.DataFrame:
        counts = segments.rename("segment").value_counts()
        return counts.select("segment", (pl.col("count") / len(segments)).alias(name))

    joined = shares(before, "before").join(shares(now, "now"), on="segment", how="full", coalesce=True)
    gaps = joined.select((pl.col("before").fill_null(0.0) - pl.col("now").fill_null(0.0)).abs().sum())
    return float(gaps.item()) / 2


@dataclass(frozen=True, slots=True)
class Stability:
    """Adjusted Rand of each pair: `mean`, `lowest`, and all of them."""

    mean: float
    lowest: float
    agreements: tuple[float, ...]


def stability_over_seeds(
    segmentation: Segmentation, customers: Customers, config: Any, seeds: Sequence[int]
) -> Stability:
    """How alike fits with other seeds divide the same customers, each with each. Raises InputError for fewer
    than two seeds."""
    labels = [
        segmentation.fit(customers, replace(config, seed=seed)).assign(customers)["segment"].to_numpy()
        for seed in seeds
    ]
    return _stability(
        [adjusted_rand(one, other) for place, one in enumerate(labels) for other in labels[place + 1 :]]
    )


def stability_over_time(fits: Sequence[FittedSegmentation], customers: Customers) -> Stability:
    """How alike fits of successive cutoffs divide the customers of the last one, each with the next."""
    labels = [fit.assign(customers)["segment"].to_numpy() for fit in fits]
    return _stability([adjusted_rand(one, other) for one, other in pairwise(labels)])


def _stability(agreements: Sequence[float]) -> Stability:
    if not agreements:
        raise InputError("Stability needs two fits at least", do="Give more seeds or cutoffs.")
    return Stability(float(np.mean(agreements)), min(agreements), tuple(agreements))
