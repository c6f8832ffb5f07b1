"""What every model of a task is: a config, a `fit`, and a fitted object that predicts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.examples import Examples, Floats

# happens: a label of 0 or 1, predicted as a probability; amount: of 0 or more, predicted as its mean.
Target = Literal["happens", "amount"]
Weights = Mapping[str, NDArray[Any]]


class FittedTaskModel(ABC):
    """Predicts from features alone; made by `fit` or `load`."""

    config: Any

    @abstractmethod
    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        """(n,) probabilities in [0, 1], or amounts of 0 or more, in the order of the rows.

        `features`: the columns that the model learned from, in any order; others are ignored. A category
        that was never seen counts as unknown. Raises InputError naming a column that is missing.
        """

    @abstractmethod
    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All that was learned, as the tables of an artifact; with `to_weights`, `load` is the inverse."""

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {}


class Fit(Protocol):
    """Learns from `examples`; may stop early by `validation`, whose labels it learns from in no other way."""

    def __call__(
        self, examples: Examples, config: Any, target: Target, *, validation: Examples | None = None
    ) -> FittedTaskModel: ...


@dataclass(frozen=True, slots=True)
class TaskModel:
    """An entry of MODELS. `load(config, tables, weights)`; `config` makes a config of plain values."""

    name: str
    config: Callable[..., Any]
    fit: Fit
    load: Callable[[Mapping[str, Any], Mapping[str, pl.DataFrame], Weights], FittedTaskModel]
