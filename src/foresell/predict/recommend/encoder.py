"""A trained sequence model made ready to answer: customers' vectors in milliseconds, products' made once."""

import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from foresell.behavior.batches import history_batches
from foresell.behavior.held_out import CUSTOMERS_AT_ONCE, PRODUCTS_AT_ONCE
from foresell.behavior.model import SequenceModel
from foresell.behavior.sequences import Sequences
from foresell.predict.recommend.index import VectorIndex
from foresell.predict.recommend.inverted import RECALL_AT
from foresell.predict.recommend.rank import Floats
from foresell.predict.recommend.timelines import MICROSECONDS, Timelines
from foresell.predict.recommend.vector_opinions import Sampled


class KnownVectors(nn.Module):
    """Products' vectors as they came out of training: nothing of their content is computed again."""

    def __init__(self, vectors_PD: Tensor) -> None:
        super().__init__()
        self.vectors_PD = vectors_PD

    def forward(self, indices_N: Tensor | None = None) -> Tensor:
        return self.vectors_PD if indices_N is None else self.vectors_PD[indices_N]


@dataclass(frozen=True, eq=False)
class Encoder:
    """`vectors_PD`: of all products, row 0 being none. Threads may share it."""

    model: SequenceModel
    vectors_PD: Tensor

    @classmethod
    def of(cls, model: SequenceModel, vectors_PD: Tensor) -> "Encoder":
        """The model itself stays as it is."""
        answering = copy.copy(model)
        answering._modules = {**model._modules, "products": KnownVectors(vectors_PD)}
        answering.eval()
        return cls(answering, vectors_PD)

    @cached_property
    def index(self) -> VectorIndex:
        """By position in the catalog; exact, but slow among millions, until `prepare` is called."""
        return VectorIndex.exact(self.vectors_PD.numpy()[1:])

    def prepare(self, vectors_CD: Floats) -> float:
        """Learn an index where there are too many products to look at each (seconds), and say how many of
        the best 20 it finds. By customers' vectors: every other one to learn, the rest to judge."""
        index = VectorIndex.of(self.vectors_PD.numpy()[1:], vectors_CD[::2] if len(vectors_CD) > 1 else None)
        # As a cached property is set: nothing that answers now waits for it.
        self.__dict__["index"] = index
        return index.recall(vectors_CD[1::2], RECALL_AT)

    @cached_property
    def sampled(self) -> Sampled:
        return Sampled.of(self.index)

    def vectors(self, sequences: Sequences) -> Floats:
        """(C, D) the state after each customer's last action; 0 where there is none."""
        width = self.vectors_PD.shape[1]
        found = np.zeros((sequences.num_customers, width), np.float32)
        with torch.inference_mode():
            for rows, batch in history_batches(sequences, self.model.max_length, CUSTOMERS_AT_ONCE):
                found[rows] = self.model.last_hidden(batch).numpy()
        return found


def product_vectors(model: SequenceModel) -> Tensor:
    """(P + 1, D) of all products, as `all_vectors`, but never held twice."""
    with torch.no_grad():
        vectors_PD = torch.empty(
            model.num_products + 1, model.products(torch.zeros(1, dtype=torch.long)).shape[1]
        )
        for some in torch.arange(len(vectors_PD)).split(PRODUCTS_AT_ONCE):
            vectors_PD[some[0] : some[-1] + 1] = model.products(some)
    return vectors_PD


def sequences_of(told: Timelines) -> Sequences:
    """As `Sequences.from_actions` of the same actions."""
    bytes_of_0 = np.zeros(len(told.product), np.uint8)
    product = (np.maximum(told.product, -1) + 1).astype(np.int32)
    return Sequences(told.offsets, product, bytes_of_0, bytes_of_0, bytes_of_0, told.at // MICROSECONDS)
