"""What the recommenders that read a customer's history in its order share: to fit, to rank, to keep, to load.

A score is the chance that the product comes next, among all products the model knows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foresell.behavior.batches import history_batches
from foresell.behavior.held_out import CUSTOMERS_AT_ONCE, all_vectors
from foresell.behavior.losses import LossConfig
from foresell.behavior.model import SequenceModel
from foresell.behavior.pretrain import TrainingConfig, pretrain
from foresell.behavior.sequences import Sequences
from foresell.behavior.vocabulary import Vocabulary
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.habit import Habit, Taken
from foresell.predict.recommend.held_back import held_back, to_judge
from foresell.predict.recommend.newcomers import Newcomers
from foresell.predict.recommend.rank import Floats, Ints, audience, rank
from foresell.predict.recommend.steps import Steps

REASON = "goes_with"
AGAIN_REASON = "buy_again"
TAKEN_LAST = 10


class ProductIds(nn.Module):
    """Products known by their id alone."""

    def __init__(self, num_products: int, width: int) -> None:
        super().__init__()
        self.ids = nn.Embedding(num_products + 1, width)

    def forward(self, indices_N: Tensor | None = None) -> Tensor:
        """(N, D); None: of all products, row 0 being none."""
        if indices_N is None:
            return self.ids.weight
        vectors_ND: Tensor = self.ids(indices_N)
        return vectors_ND


@dataclass(frozen=True)
class FittedSequenceModel:
    """`curve`: how the training went, a row an epoch; `known`: tables that `load` needs beside the
    products. `habit`: what buying again weighs; `newcomers`: the products that nobody had taken; `steps`: the
    counts of what others took next."""

    config: Any
    catalog: Catalog
    model: SequenceModel
    curve: list[dict[str, float]]
    known: Mapping[str, pl.DataFrame]
    habit: Habit | None = None
    newcomers: Newcomers | None = None
    steps: Steps | None = None

    @property
    def refit(self) -> dict[str, int]:
        """Config fields that train as long again as this one did to be at its best, with nobody held out."""
        best = max(int(row["epoch"]) for row in self.curve if row["is_best"])
        return {"max_epochs": best + 1, "patience": best + 1}

    def recommend(
        self,
        histories: pl.DataFrame,
        k: int,
        *,
        exclude: pl.DataFrame | None = None,
        customers: pl.Series | None = None,
        with_reasons: bool = True,
    ) -> pl.DataFrame:
        whom = histories["customer_id"] if customers is None else customers
        nobodys = pl.DataFrame(
            schema={"customer_id": pl.String, "product_id": pl.String, "value": pl.Float32}
        )
        to = audience(self.catalog, nobodys, whom, exclude)
        taken = self.habit.taken(to.customer_ids, histories, self.catalog) if self.habit else None
        profiles = replace(self._profiles(to.customer_ids, histories), taken=taken)
        vectors_PD = self._vectors()

        def score(some: Profiles) -> Floats:
            chances = np.zeros((some.sequences.num_customers, self.catalog.size), dtype=np.float32)
            for rows, found in self._chances(vectors_PD, some):
                chances[rows] = found
            if self.habit is None or some.taken is None:
                return chances
            return self.habit.apply(chances, some.taken)

        def explain(whose: Rows, products: Ints) -> tuple[NDArray[np.str_], Ints]:
            because = _nearest_taken(vectors_PD, whose.recent, products)
            if whose.taken is None:
                return np.full(len(products), REASON), because
            again = whose.taken.has(whose.customers, products, self.catalog.size)
            return np.where(again, AGAIN_REASON, REASON), np.where(again, products, because)

        return rank(self.catalog, replace(to, profiles=profiles), k, score, explain if with_reasons else None)

    def chances_of(self, customers: pl.Series, histories: pl.DataFrame) -> Iterator[tuple[Ints, Floats]]:
        """Rows of the customers (ascending and distinct), and their chances without habit, (C', P)."""
        vectors_PD = self._vectors()
        return self._chances(vectors_PD, self._profiles(customers, histories))

    def _vectors(self) -> Tensor:
        with torch.no_grad():
            return all_vectors(self.model)

    def _profiles(self, customers: pl.Series, histories: pl.DataFrame) -> "Profiles":
        profiles = Profiles.of(customers, histories, vocabulary_of(self.catalog))
        if self.steps is None:
            return profiles
        return replace(profiles, steps=self.steps.profiles(customers, histories))

    def _chances(self, vectors_PD: Tensor, profiles: "Profiles") -> Iterator[tuple[Ints, Floats]]:
        for rows, found in chances_of(self.model, vectors_PD, profiles, self.newcomers):
            yield rows, self.steps.mix(found, profiles.steps[rows]) if self.steps else found

    def to_tables(self) -> dict[str, pl.DataFrame]:
        tables = {"products": self.catalog.to_table(), "curve": pl.DataFrame(self.curve), **self.known}
        for part in (self.habit, self.newcomers, self.steps):
            tables |= part.to_tables(self.catalog) if part else {}
        return tables

    def to_weights(self) -> dict[str, Floats]:
        """Name → array, for the artifact's safetensors."""
        return {name: tensor.numpy() for name, tensor in self.model.state_dict().items()}

    @classmethod
    def loaded(
        cls,
        config: Any,
        catalog: Catalog,
        model: SequenceModel,
        tables: Mapping[str, pl.DataFrame],
        weights: Mapping[str, Floats],
        known: Mapping[str, pl.DataFrame],
    ) -> "FittedSequenceModel":
        """`model`: of the right shape, its weights of no matter."""
        model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        model.eval()
        parts = Habit.from_tables(tables), Newcomers.from_tables(tables), Steps.from_tables(tables)
        return cls(config, catalog, model, tables["curve"].to_dicts(), known, *parts)


def train(
    model: SequenceModel,
    training: TrainingConfig,
    loss: LossConfig,
    catalog: Catalog,
    interactions: pl.DataFrame,
    validation: pl.DataFrame | None,
) -> list[dict[str, float]]:
    """Train `model` (over the catalog's products) until it foretells no better what comes next; the curve.

    Without `validation` something later of a tenth of the customers is held out (`held_back`).
    """
    vocabulary = vocabulary_of(catalog)
    if validation is None:
        interactions, validation = held_back(interactions, training.target_horizon_days)
    sequences = Sequences.from_actions(interactions, vocabulary)
    held_out = to_judge(
        interactions, validation, vocabulary, training.target_horizon_days, only_new=training.only_new_targets
    )
    return pretrain(model, sequences, held_out, training, loss).curve


def vocabulary_of(catalog: Catalog) -> Vocabulary:
    return Vocabulary(catalog.product_ids)


@dataclass(frozen=True)
class Rows:
    """Enough of single customers to say reasons: which they are, the products each took last (indices, the
    newest first; 0: there is none), and what all customers have taken."""

    customers: Ints
    recent: Ints
    taken: Taken | None


@dataclass(frozen=True)
class Profiles:
    """The histories of the customers asked for, in their order; one without actions has none. `steps`: (C, G)
    CSR, what the graph of steps reads."""

    sequences: Sequences
    taken: Taken | None = None
    steps: Any = None

    @classmethod
    def of(cls, customers: pl.Series, histories: pl.DataFrame, vocabulary: Vocabulary) -> "Profiles":
        """`customers`: ascending and distinct."""
        known = histories.filter(pl.col("customer_id").is_in(customers.implode()))
        found = Sequences.from_actions(known, vocabulary)
        lengths = pl.DataFrame({"customer_id": found.customer_ids, "length": found.lengths})
        each = pl.DataFrame({"customer_id": customers}).join(
            lengths, on="customer_id", how="left", maintain_order="left"
        )["length"]
        offsets = np.concatenate([[0], each.fill_null(0).cum_sum().to_numpy()]).astype(np.int64)
        return cls(replace(found, offsets=offsets, customer_ids=None))

    @property
    def shape(self) -> tuple[int]:
        return (self.sequences.num_customers,)

    def __getitem__(self, which: "slice | Ints") -> "Profiles | Rows":
        """Those of a slice of the customers; for single rows, what is enough to say reasons."""
        if not isinstance(which, slice):
            return Rows(which, self.recent(which, TAKEN_LAST), self.taken)
        first, last, _ = which.indices(self.sequences.num_customers)
        sequences = replace(self.sequences, offsets=self.sequences.offsets[first : last + 1])
        taken = self.taken.between(first, last) if self.taken else None
        return Profiles(sequences, taken, None if self.steps is None else self.steps[first:last])

    def recent(self, customers: Ints, number: int) -> Ints:
        """(len(customers), number) indices of the last products, the newest first; 0: there is none."""
        ends, begins = self.sequences.offsets[customers + 1], self.sequences.offsets[customers]
        places = ends[:, None] - 1 - np.arange(number)
        is_there = places >= begins[:, None]
        found = np.zeros(places.shape, dtype=np.int64)
        found[is_there] = self.sequences.product[places[is_there]]
        return found


def chances_of(
    model: SequenceModel, vectors_PD: Tensor, profiles: Profiles, newcomers: Newcomers | None = None
) -> Iterator[tuple[Ints, Floats]]:
    """Rows of `profiles`, and the chance of each product to come next, (C', P); one without actions never
    comes."""
    with torch.no_grad():
        for rows, batch in history_batches(profiles.sequences, model.max_length, CUSTOMERS_AT_ONCE):
            scores_BP = model.last_hidden(batch) @ vectors_PD[1:].T
            yield rows, newcomers.chances(scores_BP) if newcomers else scores_BP.softmax(dim=1).numpy()


def _nearest_taken(vectors_PD: Tensor, taken: Ints, products: Ints) -> Ints:
    """(R,) positions of the taken product whose vector is nearest to the recommended one (the newer one of
    equals); −1 where nothing was taken. `taken`: (R, n) indices; `products`: (R,) positions."""
    directions_PD = torch.nn.functional.normalize(vectors_PD, dim=1)
    likeness = torch.einsum("rnd,rd->rn", directions_PD[taken], directions_PD[products + 1]).numpy()
    likeness = np.where(taken > 0, likeness, -np.inf)
    best = taken[np.arange(len(taken)), likeness.argmax(axis=1)]
    return np.asarray(best - 1)
