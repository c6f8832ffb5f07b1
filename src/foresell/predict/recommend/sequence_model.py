"""What the recommenders that read a customer's history in its order share: to fit, to rank, to keep, to load.

A score is the chance that the product comes next, among all products the model knows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.behavior.batches import history_batches
from foresell.behavior.held_out import CUSTOMERS_AT_ONCE
from foresell.behavior.losses import LossConfig
from foresell.behavior.model import SequenceModel
from foresell.behavior.pretrain import TrainingConfig, pretrain
from foresell.behavior.sequences import Sequences
from foresell.behavior.vocabulary import Vocabulary
from foresell.behavior.workers import alone
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.encoder import Encoder, product_vectors, sequences_of
from foresell.predict.recommend.fitted import FittedRecommender, Rows
from foresell.predict.recommend.habit import Habit, taken_of
from foresell.predict.recommend.held_back import held_back, to_judge
from foresell.predict.recommend.leave_out import NEWEST_TRIED, Variants, named, variants
from foresell.predict.recommend.newcomers import Newcomers
from foresell.predict.recommend.opinions import Opinions
from foresell.predict.recommend.rank import SCORES_AT_ONCE, Explained, Floats, Ints
from foresell.predict.recommend.sequence_profiles import Profiles
from foresell.predict.recommend.steps import Steps
from foresell.predict.recommend.timelines import Timelines
from foresell.predict.recommend.vector_opinions import Foretold
from foresell.predict.recommend.vector_reasons import because_of, left_out

REASON = "goes_with"
AGAIN_REASON = "buy_again"
TASTE_REASON = "your_taste"
# Customers for whom reasons are prepared with their vectors.
FEW = 8


class ProductIds(nn.Module):
    """Products known by their id alone. `dropout`: of their vectors, those that scores are taken from
    included."""

    def __init__(self, num_products: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.ids = nn.Embedding(num_products + 1, width)
        self.dropout = dropout

    def forward(self, indices_N: Tensor | None = None) -> Tensor:
        """(N, D); None: of all products, row 0 being none."""
        vectors_ND: Tensor = self.ids.weight if indices_N is None else self.ids(indices_N)
        return functional.dropout(vectors_ND, self.dropout, self.training)


@dataclass(frozen=True)
class FittedSequenceModel(FittedRecommender):
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

    def profiles(self, customers: pl.Series, histories: pl.DataFrame) -> Profiles:
        found = Profiles.of(customers, histories, self._vocabulary)
        return replace(
            found,
            taken=self.habit.taken(customers, histories, self.catalog) if self.habit else None,
            steps=self.steps.profiles(customers, histories) if self.steps else None,
        )

    def read(self, told: Timelines) -> Profiles:
        return Profiles(
            sequences_of(told),
            taken_of(told, self.habit.taken_again) if self.habit else None,
            self.steps.read(told) if self.steps else None,
        )

    @property
    def has_vectors(self) -> bool:
        return self.newcomers is None

    def vectors(self, profiles: Profiles) -> Floats:
        """(C, D) what comes out after the last action; 0 without any."""
        everybody = np.arange(profiles.sequences.num_customers)
        if len(everybody) > FEW:
            return self.encoder.vectors(profiles.sequences)
        # Reasons will be asked for: for few customers twice as many histories take hardly longer.
        tried = left_out(self.encoder, profiles.sequences, everybody)
        profiles.keep_left_out(everybody, tried)
        return np.asarray(tried[1][tried[0].removed == 0])

    def opinions(self, profiles: Profiles, vectors: Floats | None = None) -> Opinions:
        if self.newcomers:
            return super().opinions(profiles)
        found = self.vectors(profiles) if vectors is None else vectors
        is_told = profiles.sequences.lengths > 0
        steps = self.steps.counted(profiles.steps) if self.steps else None
        habit = (self.habit, profiles.taken) if self.habit and profiles.taken else None
        return Foretold(self.encoder.index, found, is_told, steps, habit)

    def explain_some(
        self,
        profiles: Profiles,
        opinions: Opinions | None,
        rows: Ints,
        products: Ints,
        best: Sequence[Ints],
    ) -> Explained:
        if not isinstance(opinions, Foretold):
            return super().explain_some(profiles, opinions, rows, products, best)
        taken = profiles.taken
        again = (
            np.zeros(len(products), dtype=np.bool_)
            if taken is None
            else taken.has(rows, products, self.catalog.size)
        )
        because = products.copy()
        because[~again] = because_of(
            self.encoder, self.steps, profiles, opinions, rows[~again], products[~again], best
        )
        codes = np.where(because < 0, TASTE_REASON, REASON)
        return np.where(again, AGAIN_REASON, codes), because

    def prepare(self, told: Timelines) -> float | None:
        return self.encoder.prepare(self.vectors(self.read(told))) if self.has_vectors else None

    @cached_property
    def encoder(self) -> Encoder:
        return Encoder.of(self.model, self._vectors)

    def score(self, profiles: Profiles) -> Floats:
        chances = np.zeros((profiles.sequences.num_customers, self.catalog.size), dtype=np.float32)
        for rows, found in self._chances(profiles):
            chances[rows] = found
        if self.habit is None or profiles.taken is None:
            return chances
        return self.habit.apply(chances, profiles.taken)

    def explain(self, profiles: Rows[Profiles], products: Ints) -> Explained:
        """Because of the product without which the chance falls most (`leave_out`); one taken before, because
        of itself."""
        taken = profiles.of.taken
        if taken is None:
            again = np.zeros(len(products), dtype=np.bool_)
        else:
            again = taken.has(profiles.customers, products, self.catalog.size)
        because = products.copy()
        because[~again] = self._named(Rows(profiles.of, profiles.customers[~again]), products[~again])
        codes = np.where(because < 0, TASTE_REASON, REASON)
        return np.where(again, AGAIN_REASON, codes), because

    def _named(self, profiles: Rows[Profiles], products: Ints) -> Ints:
        if not len(products):
            return products
        customers, rows = np.unique(profiles.customers, return_inverse=True)
        whole = profiles.of
        found = variants(whole.sequences, customers, self.model.max_length + NEWEST_TRIED)

        def chances_of(some: Variants) -> Floats:
            steps = None
            if self.steps:
                steps = self.steps.without(whole.steps[customers[some.owners]], some.removed)
            chances = np.zeros((len(some.owners), self.catalog.size), dtype=np.float32)
            for which, part in self._chances(Profiles(some.sequences, None, steps)):
                chances[which] = part
            return chances

        return named(found, rows, products, chances_of, max(1, SCORES_AT_ONCE // self.catalog.size))

    def chances_of(self, customers: pl.Series, histories: pl.DataFrame) -> Iterator[tuple[Ints, Floats]]:
        """Rows of the customers (ascending and distinct), and their chances without habit, (C', P)."""
        return self._chances(self.profiles(customers, histories))

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.catalog)

    @cached_property
    def _vectors(self) -> Tensor:
        return product_vectors(self.model)

    def _chances(self, profiles: Profiles) -> Iterator[tuple[Ints, Floats]]:
        for rows, found in chances_of(self.model, self._vectors, profiles, self.newcomers):
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
    On a GPU where there is one; the model is on the processor afterwards.

    Without `validation` something later of a tenth of the customers is held out (`held_back`).
    """
    vocabulary = vocabulary_of(catalog)
    if validation is None:
        interactions, validation = held_back(interactions, training.target_horizon_days)
    sequences = Sequences.from_actions(interactions, vocabulary)
    held_out = to_judge(
        interactions, validation, vocabulary, training.target_horizon_days, only_new=training.only_new_targets
    )
    curve = pretrain(model, sequences, held_out, training, loss, workers=alone()).curve
    model.to("cpu")
    return curve


def vocabulary_of(catalog: Catalog) -> Vocabulary:
    return Vocabulary(catalog.product_ids)


def chances_of(
    model: SequenceModel, vectors_PD: Tensor, profiles: Profiles, newcomers: Newcomers | None = None
) -> Iterator[tuple[Ints, Floats]]:
    """Rows of `profiles`, and the chance of each product to come next, (C', P); one without actions never
    comes."""
    with torch.no_grad():
        for rows, batch in history_batches(profiles.sequences, model.max_length, CUSTOMERS_AT_ONCE):
            scores_BP = model.last_hidden(batch) @ vectors_PD[1:].T
            yield rows, newcomers.chances(scores_BP) if newcomers else scores_BP.softmax(dim=1).numpy()
