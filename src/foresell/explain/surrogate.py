"""A small linear model that speaks for the real one near one customer, and says how far it can be trusted.

Near: most of the customer's features kept, the others taken from other customers; what keeps more counts
more. The surrogate says what keeping each feature adds. Unlike Shapley values it names few features and need
not add up; where it does not follow the model (its fit is poor) it refuses to be read.

Source: Ribeiro, Singh and Guestrin, KDD 2016 (LIME); features chosen forward, as there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.explain.contributions import Contributions, Floats
from foresell.explain.feature_groups import FeatureGroup
from foresell.explain.mixtures import Predict, mixed, predicted

LEAST_FIT = 0.5


@dataclass(frozen=True, slots=True)
class SurrogateConfig:
    """`most`: features it may name; `num_near`: how many near customers are made up, a third of them only
    to judge it; `num_others`: customers whose features each takes, averaged; `width`: the share of replaced
    features at which a made-up customer counts e⁻¹ (0.37)."""

    most: int = 6
    num_near: int = 900
    num_others: int = 10
    width: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """names (G), effects (G,) what keeping each adds, 0 for those not chosen; base: with all replaced.

    fit         weighted R² on made-up customers that it did not learn from; at most 1, NaN where the model
                says the same of all
    prediction  of the surrogate, for the customer; `model_prediction`: what it should be
    """

    names: tuple[str, ...]
    base: float
    effects: Floats
    fit: float
    model_prediction: float

    @property
    def prediction(self) -> float:
        return self.base + float(self.effects.sum())

    @property
    def is_readable(self) -> bool:
        return self.fit >= LEAST_FIT

    def contributions(self) -> Contributions:
        """Raises InputError where the fit is below LEAST_FIT: its effects would be made up."""
        if not self.is_readable:
            raise InputError(
                "Near this customer the model cannot be told by a few features that add up",
                received=f"R² of {self.fit:.2f}",
                do=f"It takes {LEAST_FIT}. Read its Shapley values instead.",
            )
        return Contributions(self.names, np.array([self.base]), self.effects[None, :])


def local_surrogate(
    predict: Predict,
    row: pl.DataFrame,
    background: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    config: SurrogateConfig | None = None,
) -> Surrogate:
    """Of one customer (`row`, height 1). Costs num_near · num_others predictions; the same for a seed.

    Raises InputError for another number of rows, no background, or a feature that is missing.
    """
    asked = config or SurrogateConfig()
    if row.height != 1 or background.is_empty():
        raise InputError(
            "A surrogate is of one customer among others",
            received=f"{row.height} rows, {background.height} others",
        )
    random = np.random.default_rng(asked.seed)
    is_kept = _near(len(groups), asked, random)
    others = random.integers(background.height, size=(len(is_kept), asked.num_others))
    frame = mixed(
        row,
        background,
        groups,
        owner=np.zeros(others.size, np.int64),
        other=others.ravel(),
        is_replaced=np.repeat(~is_kept, asked.num_others, axis=0),
    )
    said = predicted(predict, frame).reshape(others.shape).mean(axis=1)
    weights = np.exp(-(((~is_kept).mean(axis=1) / asked.width) ** 2))
    kept = is_kept.astype(np.float64)
    learns = np.arange(len(kept)) % 3 != 2
    base, effects = _forward(kept[learns], said[learns], weights[learns], asked.most)
    fit = _fit(said[~learns], base + kept[~learns] @ effects, weights[~learns])
    names = tuple(group.name for group in groups)
    return Surrogate(names, base, effects, fit, float(predicted(predict, row)[0]))


def _near(num_groups: int, config: SurrogateConfig, random: np.random.Generator) -> NDArray[np.bool_]:
    """(num_near, G): each made-up customer keeps a share of features that is itself drawn evenly."""
    shares = random.random((config.num_near, 1))
    return random.random((config.num_near, num_groups)) < shares


def _forward(kept: Floats, said: Floats, weights: Floats, most: int) -> tuple[float, Floats]:
    """Weighted least squares on the features that, one after the other, leave least unexplained."""
    root = np.sqrt(weights)
    chosen: list[int] = []
    found = np.array([np.average(said, weights=weights)])
    for _ in range(min(most, kept.shape[1])):
        columns = np.column_stack([np.ones(len(kept)), kept[:, chosen]])
        left = (said - columns @ found) * root
        # What is left of each column when those chosen are taken out; the scale of a column says nothing.
        basis = np.linalg.qr(columns * root[:, None])[0]
        rest = kept * root[:, None]
        rest = rest - basis @ (basis.T @ rest)
        size = np.sqrt((rest**2).sum(axis=0))
        gain = np.divide(np.abs(left @ rest), size, out=np.zeros_like(size), where=size > 1e-9)
        gain[chosen] = 0.0
        if gain.max() <= 1e-12:
            break
        chosen.append(int(np.argmax(gain)))
        columns = np.column_stack([np.ones(len(kept)), kept[:, chosen]])
        found = np.linalg.lstsq(columns * root[:, None], said * root, rcond=None)[0]
    effects = np.zeros(kept.shape[1])
    effects[chosen] = found[1:]
    return float(found[0]), effects


def _fit(said: Floats, told: Floats, weights: Floats) -> float:
    apart = said - np.average(said, weights=weights)
    total = float(weights @ apart**2)
    return 1 - float(weights @ (said - told) ** 2) / total if total > 1e-24 else float("nan")
