"""A small network over counts, and over the behavior model's vector where there is one: both in one head.

Several networks from other seeds are averaged. It is trained with torch and speaks without it. Sources:
Hendrycks and Gimpel, 2016 (SiLU); Srivastava et al., JMLR 15, 2014 (dropout); Loshchilov and Hutter, ICLR
2019 (AdamW).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from foresell.predict.customers.columns import Columns, checked_labels, row_weights, vectors_of
from foresell.predict.customers.design import Design
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights

NAME = "neural"
LEAST_SPREAD = 1e-9
# The farthest a standardized direction of a vector counts, as numbers do in `design`.
FARTHEST = 4.0


@dataclass(frozen=True, slots=True)
class NeuralConfig:
    """`only`: the features to learn from; none: all. `nets`: networks that are averaged. `epochs`: passes
    over the rows; of them the best by validation, where there is one. `balance`: as TreesConfig.
    `uses_vectors`: reads the behavior model's vectors where there are some."""

    only: tuple[str, ...] = ()
    width: int = 64
    input_dropout: float = 0.1
    dropout: float = 0.3
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch_size: int = 128
    epochs: int = 30
    nets: int = 3
    balance: float = 0.0
    uses_vectors: bool = True
    seed: int = 0


@dataclass(frozen=True)
class FittedNeural(FittedTaskModel):
    """`layers`: (w1, b1, w2, b2, w3, b3), each with axis 0 over the networks. `middle`, `spread`: (D,) of the
    vectors it learned from; (0,): it reads none. `unit`, `highest`: as of `linear.Linear`."""

    config: NeuralConfig
    target: Target
    design: Design
    layers: tuple[Floats, ...]
    middle: Floats
    spread: Floats
    unit: float
    highest: float

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        if not features.height:
            return np.empty(0)
        columns = self.design.apply(self.design.columns.matrix(features))
        if len(self.middle):
            seen = vectors_of(vectors, len(self.middle), features.height)
            columns = np.column_stack([columns, _standard(seen, self.middle, self.spread)])
        sums = np.mean([self._sums(columns, net) for net in range(len(self.layers[0]))], axis=0)
        if self.target == "happens":
            return np.asarray(expit(sums), np.float64)
        return np.asarray(np.minimum(np.exp(np.minimum(sums, 50.0)) * self.unit, self.highest), np.float64)

    def _sums(self, columns: Floats, net: int) -> Floats:
        w1, b1, w2, b2, w3, b3 = (layer[net] for layer in self.layers)
        return np.asarray((_silu(_silu(columns @ w1 + b1) @ w2 + b2) @ w3 + b3)[:, 0], np.float64)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        facts = {"target": [self.target], "unit": [self.unit], "highest": [self.highest]}
        return {**self.design.to_tables(), "network": pl.DataFrame(facts)}

    def to_weights(self) -> dict[str, NDArray[Any]]:
        layers = {f"layer_{place}": layer for place, layer in enumerate(self.layers)}
        return {**layers, "middle": self.middle, "spread": self.spread}


def _silu(sums: Floats) -> Floats:
    return np.asarray(sums * expit(sums), np.float64)


def _standard(vectors: Floats, middle: Floats, spread: Floats) -> Floats:
    return np.clip((vectors - middle) / spread, -FARTHEST, FARTHEST)


def fit(
    examples: Examples, config: NeuralConfig, target: Target, *, validation: Examples | None = None
) -> FittedNeural:
    """Raises InputError where labels are not known or all the same."""
    labels = checked_labels(examples, target)
    columns = Columns.learn(examples, config.only)
    array = columns.matrix(examples.features)
    design = Design.learn(columns, array)
    middle = spread = np.empty(0)
    if config.uses_vectors and examples.vectors.shape[1]:
        middle, spread = examples.vectors.mean(axis=0), examples.vectors.std(axis=0)
        middle, spread = middle.astype(np.float64), np.where(spread > LEAST_SPREAD, spread, 1.0)

    def inputs(of: Examples, matrix: Floats) -> Floats:
        known = design.apply(matrix)
        if not len(middle):
            return known
        return np.column_stack([known, _standard(of.vectors.astype(np.float64), middle, spread)])

    unit = 1.0 if target == "happens" else float(np.average(labels, weights=row_weights(examples)))
    train = (inputs(examples, array), labels / unit, row_weights(examples, config.balance))
    judges = None
    if validation is not None and len(validation):
        judged = inputs(validation, columns.matrix(validation.features))
        judges = (judged, validation.labels / unit, row_weights(validation))
    nets = [_trained(train, judges, config, target, config.seed * 1_000 + net) for net in range(config.nets)]
    layers = tuple(np.stack(parts) for parts in zip(*nets, strict=True))
    highest = np.inf if target == "happens" else float(labels.max())
    return FittedNeural(config, target, design, layers, middle, spread, unit, highest)


def _trained(
    train: tuple[Floats, Floats, Floats],
    judges: tuple[Floats, Floats, Floats] | None,
    config: NeuralConfig,
    target: Target,
    seed: int,
) -> tuple[Floats, ...]:
    """(w1, b1, w2, b2, w3, b3) of one network; of the last epoch, or the best by `judges`."""
    import torch

    # One thread: the sums, and so the network, are the same on any number of cores.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _descended(train, judges, config, target, seed)
    finally:
        torch.set_num_threads(threads)


def _descended(
    train: tuple[Floats, Floats, Floats],
    judges: tuple[Floats, Floats, Floats] | None,
    config: NeuralConfig,
    target: Target,
    seed: int,
) -> tuple[Floats, ...]:
    import torch

    random = torch.Generator().manual_seed(seed)
    x, y, w = (torch.from_numpy(part).float() for part in train)
    seen = None if judges is None else tuple(torch.from_numpy(part).float() for part in judges)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = torch.nn.Sequential(
            torch.nn.Dropout(config.input_dropout),
            torch.nn.Linear(x.shape[1], config.width),
            torch.nn.SiLU(),
            torch.nn.Dropout(config.dropout),
            torch.nn.Linear(config.width, config.width),
            torch.nn.SiLU(),
            torch.nn.Dropout(config.dropout),
            torch.nn.Linear(config.width, 1),
        )
        steps = config.epochs * -(-len(x) // config.batch_size)
        optimizer = torch.optim.AdamW(
            net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        best, least = None, np.inf
        for _ in range(config.epochs):
            net.train()
            for rows in torch.randperm(len(x), generator=random).split(config.batch_size):
                loss = (_losses(net(x[rows])[:, 0], y[rows], target) * w[rows]).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            if seen is not None:
                found = _judged(net, seen, target)
                if found < least:
                    best, least = _layers(net), found
    return best or _layers(net)


def _judged(net: Any, judges: tuple[Any, ...], target: Target) -> float:
    import torch

    net.eval()
    with torch.no_grad():
        losses = _losses(net(judges[0])[:, 0], judges[1], target)
    return float((losses * judges[2]).mean())


def _losses(sums: Any, labels: Any, target: Target) -> Any:
    import torch

    if target == "happens":
        return torch.nn.functional.binary_cross_entropy_with_logits(sums, labels, reduction="none")
    # Half the Tweedie deviance of power 1.5, as `linear`.
    bounded = sums.clamp(-20, 20)
    return 2 * torch.exp(bounded / 2) + 2 * labels * torch.exp(-bounded / 2)


def _layers(net: Any) -> tuple[Floats, ...]:
    return tuple(part.detach().numpy().astype(np.float64).T.copy() for part in net.parameters())


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedNeural:
    facts = tables["network"].row(0, named=True)
    return FittedNeural(
        NeuralConfig(**{**config, "only": tuple(config["only"])}),
        facts["target"],
        Design.from_tables(tables["columns"], tables["design"]),
        tuple(weights[f"layer_{place}"] for place in range(6)),
        weights["middle"],
        weights["spread"],
        facts["unit"],
        facts["highest"],
    )


MODEL = TaskModel(NAME, NeuralConfig, fit, load)
