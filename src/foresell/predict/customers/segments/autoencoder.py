"""Segments in the latent space of an autoencoder: few numbers that everything else can be told from.

Over features a perceptron with one hidden layer, over events a gated recurrent network. Training needs the
extra `behavior` (torch); assigning does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import BackendError, InputError
from foresell.predict.customers.segments.choosing import Choosing
from foresell.predict.customers.segments.clusters import Clusters, FittedClusters, fit_clusters
from foresell.predict.customers.segments.encoding import encode_features, encode_steps
from foresell.predict.customers.segments.segmentation import (
    Customers,
    FittedSegmentation,
    Segmentation,
    Weights,
)
from foresell.predict.customers.segments.space import FeatureSpace, chosen_space
from foresell.predict.customers.segments.steps import event_names, steps_of, summary

Over = Literal["features", "events"]
# Customers that the network learns from; all are encoded.
MOST_LEARNED = 20_000


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """`over`: what is encoded; `columns`: of features, these alone."""

    seed: int = 0
    over: Over = "features"
    columns: tuple[str, ...] = ()
    width: int = 32
    latent: int = 4
    learning_rate: float = 1e-3
    max_epochs: int = 40
    patience: int = 4
    choosing: Choosing = field(default_factory=Choosing)

    def __post_init__(self) -> None:
        if isinstance(self.choosing, Mapping):
            object.__setattr__(self, "choosing", Choosing(**self.choosing))
        object.__setattr__(self, "columns", tuple(self.columns))
        if self.over not in ("features", "events"):
            raise InputError("An autoencoder is over features or over events", received=self.over)


@dataclass(frozen=True, eq=False)
class Encoder:
    """`weights` of the network and what they read (`space` of features, or event `names`). Points are
    (latent − `center`) @ `turn`.

    What a network keeps where, and how large, is an accident of its seed. So latent vectors are turned and
    stretched to how much they tell: `turn` is the least-squares map to what was encoded, on its principal
    axes, and two customers are as far apart as what is told of them.
    """

    weights: Mapping[str, NDArray[Any]]
    space: FeatureSpace | None
    names: tuple[str, ...]
    center: NDArray[np.float64]
    turn: NDArray[np.float64]

    def latent(self, customers: Customers) -> NDArray[np.float64]:
        if self.space is not None:
            return encode_features(self.space.points(customers.features), self.weights)
        return encode_steps(steps_of(customers.actions, customers.ids, self.names), self.weights)

    def points(self, customers: Customers) -> NDArray[np.float64]:
        return np.asarray((self.latent(customers) - self.center) @ self.turn)


class FittedAutoencoder(FittedClusters):
    config: AutoencoderConfig

    def __init__(self, config: AutoencoderConfig, encoder: Encoder, clusters: Clusters) -> None:
        self.config, self.encoder, self.clusters = config, encoder, clusters

    def points(self, customers: Customers) -> NDArray[np.float64]:
        return self.encoder.points(customers)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        tables = self.clusters.to_tables()
        if self.encoder.space is not None:
            return {**tables, "space": self.encoder.space.to_table()}
        return {
            **tables,
            "events": pl.DataFrame({"event_name": pl.Series(self.encoder.names, dtype=pl.String)}),
        }

    def to_weights(self) -> dict[str, NDArray[Any]]:
        own = {"centers": self.clusters.centers, "center": self.encoder.center, "turn": self.encoder.turn}
        return {**own, **self.encoder.weights}


def fit(
    customers: Customers, config: AutoencoderConfig, *, previous: FittedSegmentation | None = None
) -> FittedAutoencoder:
    """Raises InputError where there are too few customers or nothing to read, BackendError without torch.

    The encoder of `previous` is used again where it was made with the same config (but for the number of
    segments) from columns that are still there: another training would cut the customers in another way. To
    train anew, give no `previous`, or another seed.
    """
    encoder = _kept(previous, config, customers)
    if encoder is None:
        if find_spec("torch") is None:
            raise BackendError("Autoencoders need torch", do="pip install 'foresell[behavior]'")
        encoder = _trained(customers, config)
    points = encoder.points(customers)
    clusters = fit_clusters(points, customers, config.choosing, seed=config.seed, previous=previous)
    return FittedAutoencoder(config, encoder, clusters)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights
) -> FittedAutoencoder:
    own = ("centers", "center", "turn")
    encoder = Encoder(
        {name: one for name, one in weights.items() if name not in own},
        FeatureSpace.from_table(tables["space"]) if "space" in tables else None,
        tuple(tables["events"]["event_name"]) if "events" in tables else (),
        np.asarray(weights["center"], np.float64),
        np.asarray(weights["turn"], np.float64),
    )
    clusters = Clusters.loaded(tables, weights["centers"])
    return FittedAutoencoder(AutoencoderConfig(**config), encoder, clusters)


def _kept(
    previous: FittedSegmentation | None, config: AutoencoderConfig, customers: Customers
) -> Encoder | None:
    if not isinstance(previous, FittedAutoencoder):
        return None
    if replace(previous.config, choosing=config.choosing) != config:
        return None
    space = previous.encoder.space
    is_there = space is None or set(space.columns) <= set(customers.features.columns)
    return previous.encoder if is_there else None


def _trained(customers: Customers, config: AutoencoderConfig) -> Encoder:
    from foresell.predict.customers.segments.networks import Training, train_on_features, train_on_steps

    training = Training(
        config.seed,
        config.width,
        config.latent,
        config.learning_rate,
        config.max_epochs,
        config.patience,
    )
    learned = customers.take(
        np.sort(np.random.default_rng(config.seed).permutation(len(customers))[:MOST_LEARNED])
    )
    space: FeatureSpace | None = None
    names: tuple[str, ...] = ()
    if config.over == "features":
        space = chosen_space(customers, config.columns)
        told = space.points(learned.features)
        weights = train_on_features(told, training)
    else:
        if customers.actions is not None:
            names = event_names(customers.actions)
        steps = steps_of(learned.actions, learned.ids, names)
        if not steps.lengths.any():
            raise InputError("No customer has done anything yet", do="Choose a later date.")
        told = summary(steps, len(names) + 2)
        weights = train_on_steps(steps, len(names) + 2, training)
    untold = Encoder(weights, space, names, np.zeros(config.latent), np.eye(config.latent))
    latent = untold.latent(learned)
    center = latent.mean(axis=0)
    return replace(untold, center=center, turn=_turn(latent - center, told - told.mean(axis=0)))


def _turn(latent: NDArray[np.float64], told: NDArray[np.float64]) -> NDArray[np.float64]:
    """(latent, latent)"""
    to_told = np.linalg.lstsq(latent, told, rcond=None)[0]
    _, _, axes = np.linalg.svd(latent @ to_told, full_matrices=False)
    turn = np.zeros((latent.shape[1], latent.shape[1]))
    found = to_told @ axes[: latent.shape[1]].T
    turn[:, : found.shape[1]] = found
    return turn


SEGMENTATION = Segmentation("autoencoder", AutoencoderConfig, fit, load)
