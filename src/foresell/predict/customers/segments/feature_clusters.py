"""Segments by k-means on features: whoever does alike is alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.segments.choosing import Choosing
from foresell.predict.customers.segments.clusters import Clusters, FittedClusters, fit_clusters
from foresell.predict.customers.segments.segmentation import (
    Customers,
    FittedSegmentation,
    Segmentation,
    Weights,
)
from foresell.predict.customers.segments.space import FeatureSpace, chosen_space


@dataclass(frozen=True, slots=True)
class FeatureClustersConfig:
    """`columns`: the features to look at, those with plain words by default (see `plain`)."""

    seed: int = 0
    columns: tuple[str, ...] = ()
    choosing: Choosing = field(default_factory=Choosing)

    def __post_init__(self) -> None:
        if isinstance(self.choosing, Mapping):
            object.__setattr__(self, "choosing", Choosing(**self.choosing))
        object.__setattr__(self, "columns", tuple(self.columns))


class FittedFeatureClusters(FittedClusters):
    def __init__(self, config: FeatureClustersConfig, space: FeatureSpace, clusters: Clusters) -> None:
        self.config, self.space, self.clusters = config, space, clusters

    def points(self, customers: Customers) -> NDArray[np.float64]:
        return self.space.points(customers.features)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {**self.clusters.to_tables(), "space": self.space.to_table()}


def fit(
    customers: Customers, config: FeatureClustersConfig, *, previous: FittedSegmentation | None = None
) -> FittedFeatureClusters:
    """Raises InputError where there are too few customers, or no feature tells them apart."""
    space = chosen_space(customers, config.columns)
    points = space.points(customers.features)
    clusters = fit_clusters(points, customers, config.choosing, seed=config.seed, previous=previous)
    return FittedFeatureClusters(config, space, clusters)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights
) -> FittedFeatureClusters:
    clusters = Clusters.loaded(tables, weights["centers"])
    return FittedFeatureClusters(
        FeatureClustersConfig(**config), FeatureSpace.from_table(tables["space"]), clusters
    )


SEGMENTATION = Segmentation("features", FeatureClustersConfig, fit, load)
