"""Segments by the behavior model's customer vectors: whoever is expected to do alike next is alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.choosing import Choosing
from foresell.predict.customers.segments.clusters import Clusters, FittedClusters, fit_clusters
from foresell.predict.customers.segments.kmeans import unit_length
from foresell.predict.customers.segments.segmentation import (
    Customers,
    FittedSegmentation,
    Segmentation,
    Weights,
)


@dataclass(frozen=True, slots=True)
class BehaviorClustersConfig:
    seed: int = 0
    choosing: Choosing = field(default_factory=Choosing)

    def __post_init__(self) -> None:
        if isinstance(self.choosing, Mapping):
            object.__setattr__(self, "choosing", Choosing(**self.choosing))


class FittedBehaviorClusters(FittedClusters):
    """Vectors are compared by their direction, after the mean direction of all customers, which all share, is
    taken off."""

    def __init__(
        self, config: BehaviorClustersConfig, middle: NDArray[np.float64], clusters: Clusters
    ) -> None:
        self.config, self.middle, self.clusters = config, middle, clusters

    def points(self, customers: Customers) -> NDArray[np.float64]:
        return _directions(_vectors(customers, len(self.middle)), self.middle)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return self.clusters.to_tables()

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {"centers": self.clusters.centers, "middle": self.middle}


def fit(
    customers: Customers, config: BehaviorClustersConfig, *, previous: FittedSegmentation | None = None
) -> FittedBehaviorClusters:
    """Raises InputError where customers have no vectors, or are too few."""
    vectors = _vectors(customers, None)
    middle = unit_length(vectors).mean(axis=0)
    clusters = fit_clusters(
        _directions(vectors, middle),
        customers,
        config.choosing,
        seed=config.seed,
        is_spherical=True,
        previous=previous,
    )
    return FittedBehaviorClusters(config, middle, clusters)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights
) -> FittedBehaviorClusters:
    clusters = Clusters.loaded(tables, weights["centers"])
    return FittedBehaviorClusters(
        BehaviorClustersConfig(**config), np.asarray(weights["middle"], np.float64), clusters
    )


def _vectors(customers: Customers, width: int | None) -> NDArray[np.float64]:
    vectors = np.asarray(customers.vectors, np.float64)
    if not vectors.size or (width is not None and vectors.shape[1] != width):
        raise InputError(
            "These segments need the behavior model's vectors",
            received=f"{vectors.shape[1]} numbers a customer" + (f", not {width}" if width else ""),
            do="Train it with: foresell fit behavior. Vectors of one model only can be compared.",
        )
    return vectors


def _directions(vectors: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    known = (vectors != 0).any(axis=1, keepdims=True)
    return unit_length(np.where(known, unit_length(vectors) - middle, 0.0))


SEGMENTATION = Segmentation("behavior", BehaviorClustersConfig, fit, load)
