"""What every segmentation is: a config, a `fit` on customers, and a fitted object that assigns them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.features.feature import Feature

Weights = Mapping[str, NDArray[Any]]
# The contracts' table of that name.
SEGMENTS = pl.Schema(
    {
        "segmentation": pl.String(),
        "customer_id": pl.String(),
        "segment": pl.String(),
        "model": pl.String(),
        "confidence": pl.Float64(),
        "cutoff_at": pl.Datetime("us", "UTC"),
        "made_at": pl.Datetime("us", "UTC"),
    }
)


@dataclass(frozen=True, slots=True)
class Customers:
    """n customers as of one cutoff.

    ids         (n,) distinct
    features    (n rows) one column for each of `described`, Float64 or String; others may be there
    vectors     (n, D) of the behavior model; (n, 0): none. A row of zeros: nothing is known
    actions     what they did (`behavior.actions`): customer_id, occurred_at, event_name, quantity; None: not
    read
    """

    ids: pl.Series
    features: pl.DataFrame
    described: tuple[Feature, ...]
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    actions: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.features) or (len(self.vectors) not in (0, len(self.ids))):
            raise InputError(
                "The parts of customers must have the same number of rows",
                received=f"{len(self.ids)} ids, {len(self.features)} features, {len(self.vectors)} vectors",
            )
        if self.ids.null_count() or self.ids.n_unique() != len(self.ids):
            raise InputError("Each customer must have one row", received=f"{len(self.ids)} rows")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64]) -> "Customers":
        """The customers at these positions, in that order; `actions` stay whole."""
        vectors = self.vectors[rows] if len(self.vectors) else self.vectors
        return Customers(self.ids[rows], self.features[rows], self.described, vectors, self.actions)


class FittedSegmentation(ABC):
    """Knows segments and numbers, and nothing about any one customer.

    segments    a row a segment: segment (its name), name_zh, sentence, sentence_zh, num_customers, share
    candidates  how the number of segments was chosen (`choosing.judge_candidates`); empty: it was given
    """

    config: Any
    segments: pl.DataFrame
    candidates: pl.DataFrame

    @abstractmethod
    def assign(self, customers: Customers) -> pl.DataFrame:
        """A row a customer, in their order: segment, confidence (0–1; null where chance has no part)."""

    @abstractmethod
    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All that was learned, as the tables of an artifact; with `to_weights`, `load` is the inverse."""

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {}

    def to_config(self) -> dict[str, Any]:
        return asdict(self.config)


class Fit(Protocol):
    """Learns segments. `previous`: an earlier fit of the same kind, whose names are kept for segments that
    are found again."""

    def __call__(
        self, customers: Customers, config: Any, *, previous: FittedSegmentation | None = None
    ) -> FittedSegmentation: ...


@dataclass(frozen=True, slots=True)
class Segmentation:
    """An entry of SEGMENTATIONS. `load(config, tables, weights)`; `config` makes a config of plain values."""

    name: str
    config: Callable[..., Any]
    fit: Fit
    load: Callable[[Mapping[str, Any], Mapping[str, pl.DataFrame], Weights], FittedSegmentation]
