"""The customers most alike, and what many of them have in common."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.customers.profiles.profile import InCommon, Nearest
from foresell.predict.customers.segments.kmeans import unit_length
from foresell.predict.customers.segments.segmentation import Customers
from foresell.predict.customers.segments.space import chosen_space

# What is said of them in common must hold for so many people.
LEAST_PEOPLE = 10
NUM_NEAREST = 20
MOST_IN_COMMON = 5
LEAST_LIFT = 1.25
# What says nothing of anybody.
DULL = {"steady", "on_time", "middle", "indifferent"}


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """Customers as points (n, D). `by`: vectors, of length 1 and alike by cosine; or features, alike by
    1 ÷ (1 + distance)."""

    by: str
    ids: pl.Series
    points: NDArray[np.float32]

    @classmethod
    def of(cls, customers: Customers) -> "Neighborhood":
        """By the behavior model's vectors where there are any, else by features. Who has no actions is a
        row of zeros, near to nobody. Raises InputError where no feature tells customers apart."""
        if customers.vectors.size:
            vectors = unit_length(np.asarray(customers.vectors, np.float64))
            known = (customers.vectors != 0).any(axis=1, keepdims=True)
            directions = unit_length(np.where(known, vectors - vectors.mean(axis=0), 0.0))
            return cls("vectors", customers.ids, directions.astype(np.float32))
        points = chosen_space(customers, ()).points(customers.features)
        return cls("features", customers.ids, points.astype(np.float32))

    def nearest(self, customer_id: str, k: int = NUM_NEAREST) -> Nearest:
        """The k others most alike, ties by position. Raises NotFoundError for a customer who is not there,
        InputError for k below 1."""
        if k < 1:
            raise InputError("At least one neighbor must be asked for", received=k)
        places = np.flatnonzero((self.ids == customer_id).to_numpy())
        if not len(places):
            raise NotFoundError(
                f"Nothing is known of customer '{customer_id}' to compare with others", do="Check the id."
            )
        own = int(places[0])
        likeness = self._likeness(self.points[own])
        likeness[own] = -np.inf
        order = np.lexsort((np.arange(len(likeness)), -likeness))[: min(k, len(likeness) - 1)]
        order = order[likeness[order] > 0]
        return Nearest(
            self.by,
            tuple(self.ids[int(place)] for place in order),
            tuple(round(float(likeness[place]), 6) for place in order),
        )

    def _likeness(self, point: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.by == "vectors":
            return np.asarray(self.points @ point, np.float64)
        return np.asarray(1 / (1 + np.linalg.norm(self.points - point, axis=1)), np.float64)


def in_common(found: Nearest, tags: pl.DataFrame, k: int = LEAST_PEOPLE) -> tuple[InCommon, ...]:
    """Tags that at least k of the nearest have, and a quarter more often than all customers: the most typical
    first (share over usual share), five at most.

    `tags`: customer_id, tag, value of all customers. Fewer than k nearest have nothing in common that may be
    said. Raises InputError for k below 10.
    """
    if k < LEAST_PEOPLE:
        raise InputError(f"Nothing is said of fewer than {LEAST_PEOPLE} people", received=f"k = {k}")
    everyone = tags["customer_id"].n_unique()
    theirs = tags.filter(pl.col("customer_id").is_in(list(found.customer_ids)), ~pl.col("value").is_in(DULL))
    usual = tags.group_by("tag", "value").agg(usual_share=pl.len() / max(everyone, 1))
    shared = (
        theirs.group_by("tag", "value")
        .agg(num=pl.len())
        .filter(pl.col("num") >= k)
        .join(usual, on=["tag", "value"])
        .with_columns(share=pl.col("num") / max(len(found.customer_ids), 1))
        .with_columns(lift=pl.col("share") / pl.col("usual_share"))
        .filter(pl.col("lift") >= LEAST_LIFT)
        .sort(-pl.col("lift"), "tag", "value")
        .head(MOST_IN_COMMON)
    )
    return tuple(
        InCommon(row["tag"], row["value"], row["num"], row["share"], row["usual_share"])
        for row in shared.iter_rows(named=True)
    )
