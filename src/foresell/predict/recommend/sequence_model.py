"""What the recommenders that read a customer's history in its order share: to fit, to rank, to keep, to load.

A score is the chance that the product comes next, among all products the model knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foresell.behavior.batches import history_batches
from foresell.behavior.held_out import CUSTOMERS_AT_ONCE, HeldOut
from foresell.behavior.losses import LossConfig
from foresell.behavior.model import SequenceModel
from foresell.behavior.pretrain import TrainingConfig, pretrain
from foresell.behavior.sequences import Sequences
from foresell.behavior.vocabulary import Vocabulary
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.rank import Floats, Ints, audience, rank

REASON = "goes_with"
MOST_HELD_OUT = 5_000
TAKEN_LAST = 10
HELD_OUT_SHARE = 0.1


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
    products."""

    config: Any
    catalog: Catalog
    model: SequenceModel
    curve: list[dict[str, float]]
    known: Mapping[str, pl.DataFrame]

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
        profiles = _Profiles.of(to.customer_ids, histories, vocabulary_of(self.catalog))
        with torch.no_grad():
            vectors_PD = self.model.products().detach()

        def score(some: _Profiles) -> Floats:
            return _chances(self.model, vectors_PD, some)

        def explain(taken: Ints, products: Ints) -> tuple[NDArray[np.str_], Ints]:
            return np.full(len(products), REASON), _nearest_taken(vectors_PD, taken, products)

        return rank(self.catalog, replace(to, profiles=profiles), k, score, explain if with_reasons else None)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"products": self.catalog.to_table(), "curve": pl.DataFrame(self.curve), **self.known}

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
        return cls(config, catalog, model, tables["curve"].to_dicts(), known)


def train(
    model: SequenceModel,
    training: TrainingConfig,
    loss: LossConfig,
    catalog: Catalog,
    interactions: pl.DataFrame,
    validation: pl.DataFrame | None,
) -> list[dict[str, float]]:
    """Train `model` (over the catalog's products) until it foretells no better what comes next; the curve.

    Without `validation` the last interactions of a tenth of the customers (at most 5,000) are held out.
    """
    vocabulary = vocabulary_of(catalog)
    if validation is None:
        interactions, validation = _hold_out(interactions)
    sequences = Sequences.from_actions(interactions, vocabulary)
    held_out = _held_out(interactions, validation, vocabulary)
    return pretrain(model, sequences, held_out, training, loss).curve


def vocabulary_of(catalog: Catalog) -> Vocabulary:
    return Vocabulary(catalog.product_ids)


def _hold_out(interactions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All but the last moment of some customers, and that; by a hash of the customer's id, so always the
    same."""
    moments = interactions.group_by("customer_id").agg(
        first=pl.col("occurred_at").min(), last=pl.col("occurred_at").max()
    )
    several = moments.filter(pl.col("first") < pl.col("last"))
    number = min(MOST_HELD_OUT, round(several.height * HELD_OUT_SHARE))
    chosen = (
        several.sort(pl.col("customer_id").hash(0), "customer_id").head(number).select("customer_id", "last")
    )
    marked = interactions.join(chosen, on="customer_id", how="left", maintain_order="left")
    is_held = (pl.col("occurred_at") == pl.col("last")).fill_null(False)
    return marked.filter(~is_held).drop("last"), marked.filter(is_held).drop("last")


def _held_out(learned: pl.DataFrame, later: pl.DataFrame, vocabulary: Vocabulary) -> HeldOut:
    """Of each customer the first later product that the model can know, after what they did before.

    Where nobody took a product again, none that was taken is ranked.
    """
    first = (
        later.filter(pl.col("product_id").is_in(vocabulary.product_ids.implode()))
        .sort("occurred_at", "product_id")
        .unique("customer_id", keep="first")
        .select("customer_id", target="product_id")
    )
    histories = Sequences.from_actions(
        learned.join(first, on="customer_id", how="semi", maintain_order="left"), vocabulary
    )
    targets = pl.DataFrame({"customer_id": histories.customer_ids}).join(
        first, on="customer_id", how="left", maintain_order="left"
    )
    again = targets.join(learned, left_on=["customer_id", "target"], right_on=["customer_id", "product_id"])
    indices = vocabulary.product_indices(targets["target"]).astype(np.int64)
    return HeldOut(histories, indices, repeats=not again.is_empty())


@dataclass(frozen=True)
class _Profiles:
    """The histories of the customers asked for, in their order; one without actions has none."""

    sequences: Sequences

    @classmethod
    def of(cls, customers: pl.Series, histories: pl.DataFrame, vocabulary: Vocabulary) -> "_Profiles":
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

    def __getitem__(self, which: "slice | Ints") -> "_Profiles | Ints":
        """Those of a slice of the customers; for single rows, what is enough to say reasons: the products
        taken last."""
        if not isinstance(which, slice):
            return self.recent(which, TAKEN_LAST)
        first, last, _ = which.indices(self.sequences.num_customers)
        return _Profiles(replace(self.sequences, offsets=self.sequences.offsets[first : last + 1]))

    def recent(self, customers: Ints, number: int) -> Ints:
        """(len(customers), number) indices of the last products, the newest first; 0: there is none."""
        ends, begins = self.sequences.offsets[customers + 1], self.sequences.offsets[customers]
        places = ends[:, None] - 1 - np.arange(number)
        is_there = places >= begins[:, None]
        found = np.zeros(places.shape, dtype=np.int64)
        found[is_there] = self.sequences.product[places[is_there]]
        return found


def _chances(model: SequenceModel, vectors_PD: Tensor, profiles: _Profiles) -> Floats:
    """(C, P) the chance of each product to come next; 0 for a customer without actions."""
    chances = np.zeros((profiles.sequences.num_customers, len(vectors_PD) - 1), dtype=np.float32)
    with torch.no_grad():
        for rows, batch in history_batches(profiles.sequences, model.max_length, CUSTOMERS_AT_ONCE):
            scores_BP = model.last_hidden(batch) @ vectors_PD[1:].T
            chances[rows] = scores_BP.softmax(dim=1).numpy()
    return chances


def _nearest_taken(vectors_PD: Tensor, taken: Ints, products: Ints) -> Ints:
    """(R,) positions of the taken product whose vector is nearest to the recommended one (the newer one of
    equals); −1 where nothing was taken. `taken`: (R, n) indices; `products`: (R,) positions."""
    directions_PD = torch.nn.functional.normalize(vectors_PD, dim=1)
    likeness = torch.einsum("rnd,rd->rn", directions_PD[taken], directions_PD[products + 1]).numpy()
    likeness = np.where(taken > 0, likeness, -np.inf)
    best = taken[np.arange(len(taken)), likeness.argmax(axis=1)]
    return np.asarray(best - 1)
