"""Every customer's actions as plain arrays, one customer after another: what batches are cut from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from foresell.behavior.actions import ORDER_OF_ACTIONS
from foresell.behavior.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_QUANTITY_BANDS = 10
MICROSECONDS = 1_000_000
ARRAYS: Mapping[str, Any] = {
    "product": np.int32,
    "event": np.uint8,
    "channel": np.uint8,
    "quantity": np.uint8,
    "seconds": np.int64,
}


@dataclass(frozen=True, eq=False)
class Sequences:
    """E actions of C customers. Those of customer c are at offsets[c] … offsets[c + 1] − 1, oldest first.

    offsets      int64 (C + 1,)
    product      int32 (E,)   by the vocabulary; 0: none or unknown
    event        uint8 (E,)   by the vocabulary; 0: unknown
    channel      uint8 (E,)   by the vocabulary; 0: unknown
    quantity     uint8 (E,)   band: 0 unknown or none, 1 up to 1, 2 from 2, 3 from 4, 4 from 8 … 9 from 256 on
    seconds      int64 (E,)   Unix time, rounded down; 0 everywhere: unknown
    customer_ids (C,) ascending by code point; None: not kept

    Actions of one moment: by event name, then product id. The arrays may be read-only.
    """

    offsets: "NDArray[np.int64]"
    product: "NDArray[np.int32]"
    event: "NDArray[np.uint8]"
    channel: "NDArray[np.uint8]"
    quantity: "NDArray[np.uint8]"
    seconds: "NDArray[np.int64]"
    customer_ids: pl.Series | None = None

    @classmethod
    def from_actions(cls, frame: pl.DataFrame, vocabulary: Vocabulary) -> "Sequences":
        """`frame`: customer_id, product_id, and what is there of occurred_at, event_name, quantity, channel.

        The frame of `predict.recommend.interactions` is such a one. Rows may come in any order; without
        occurred_at a customer's rows stay in the order given. Rows of nobody are left out.
        """
        known = frame.filter(pl.col("customer_id").is_not_null())
        keys = ORDER_OF_ACTIONS if "occurred_at" in frame.columns else ("customer_id",)
        ordered = known.sort([key for key in keys if key in frame.columns], maintain_order=True)
        runs = ordered["customer_id"].rle_id()
        lengths = np.bincount(runs.to_numpy(), minlength=0) if len(runs) else np.zeros(0, np.int64)
        return cls(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            **encoded({name: ordered[name].to_arrow() for name in ordered.columns}, len(runs), vocabulary),
            customer_ids=ordered["customer_id"].unique(maintain_order=True),
        )

    @property
    def num_customers(self) -> int:
        return len(self.offsets) - 1

    @property
    def num_actions(self) -> int:
        return len(self.product)

    @property
    def lengths(self) -> "NDArray[np.int64]":
        """Actions of each customer."""
        return np.diff(self.offsets)


def encoded(columns: Mapping[str, Any], num_rows: int, vocabulary: Vocabulary) -> dict[str, Any]:
    """The ARRAYS of rows that are given as Arrow arrays by name; a column that is not there is all 0."""
    arrays: dict[str, Any] = {}
    arrays["product"] = vocabulary.product_indices(columns["product_id"])
    if "event_name" in columns:
        arrays["event"] = vocabulary.event_indices(columns["event_name"])
    if "channel" in columns:
        arrays["channel"] = vocabulary.channel_indices(columns["channel"])
    if "quantity" in columns:
        arrays["quantity"] = quantity_bands(columns["quantity"])
    if "occurred_at" in columns:
        arrays["seconds"] = microseconds(columns["occurred_at"]) // MICROSECONDS
    missing = {name: np.zeros(num_rows, dtype) for name, dtype in ARRAYS.items() if name not in arrays}
    return {name: {**arrays, **missing}[name] for name in ARRAYS}


def quantity_bands(quantities: Any) -> "NDArray[np.uint8]":
    """Powers of two, as `Sequences` says; null, NaN, 0 and less are 0. `quantities`: an Arrow array."""
    values = pc.cast(quantities, pa.float64(), safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)
    some = np.where(values > 0, np.minimum(values, 2.0**NUM_QUANTITY_BANDS), 0.0)
    exponents = np.frexp(some)[1]
    bands = np.where(some > 0, np.clip(exponents, 1, NUM_QUANTITY_BANDS - 1), 0)
    return bands.astype(np.uint8)


def microseconds(moments: Any) -> "NDArray[np.int64]":
    """Unix time in microseconds of an Arrow array of timestamps without nulls."""
    whole = pc.cast(moments, pa.timestamp("us", moments.type.tz), safe=False)
    values: NDArray[np.int64] = whole.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return values
