"""What a sequence model reads of histories, a row a customer."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from foresell.behavior.sequences import Sequences
from foresell.behavior.vocabulary import Vocabulary
from foresell.predict.recommend.fitted import Rows
from foresell.predict.recommend.habit import Taken
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.vector_reasons import LeftOut


@dataclass(frozen=True)
class Profiles:
    """The histories of the customers asked for, in their order; one without actions has none. `steps`: (C, G)
    CSR, what the graph of steps reads."""

    sequences: Sequences
    taken: Taken | None = None
    steps: Any = None

    @property
    def left_out(self) -> tuple[Ints, LeftOut] | None:
        """Of which rows histories without single products were tried already, and how they came out."""
        found: tuple[Ints, LeftOut] | None = self.__dict__.get("_left_out")
        return found

    def keep_left_out(self, rows: Ints, tried: LeftOut) -> None:
        self.__dict__["_left_out"] = rows, tried

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

    def __getitem__(self, which: "slice | Ints") -> "Profiles | Rows[Profiles]":
        """Those of a slice of the customers, to be scored; single rows, to be explained."""
        if not isinstance(which, slice):
            return Rows(self, which)
        first, last, _ = which.indices(self.sequences.num_customers)
        sequences = replace(self.sequences, offsets=self.sequences.offsets[first : last + 1])
        taken = self.taken.between(first, last) if self.taken else None
        return Profiles(sequences, taken, None if self.steps is None else self.steps[first:last])
