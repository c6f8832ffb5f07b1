"""The numbers of products, event names and channels: what a model's embeddings are looked up by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from foresell.features.ids import places

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

# They are stored as one byte, 0 standing for none.
MOST_NAMES = 255
# So many times fewer ids than products are looked up one by one.
FEW = 8
COUNTED = ("product_id", "event_name", "channel")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The index of a thing is its position + 1; 0 stands for none and for unknown.

    `product_ids` distinct; ascending by code point at the first fit, later ones at the end. `event_names` and
    `channels` ascending.
    """

    product_ids: pl.Series
    event_names: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    @classmethod
    def from_actions(cls, actions: "pl.DataFrame | ir.Table", min_count: int = 1) -> "Vocabulary":
        """The products of at least `min_count` actions, and every event name and channel.

        Of more than 255 names the most frequent are kept (ties: ascending). `actions`: a frame, or an Ibis
        table, which is counted by its engine. Only product_id must be there.
        """
        counts = _counts(actions)
        products = _each(counts, "product_id").filter(pl.col("num") >= min_count)
        return cls(
            products["product_id"].sort(),
            _most_frequent(_each(counts, "event_name")),
            _most_frequent(_each(counts, "channel")),
        )

    @property
    def num_products(self) -> int:
        return len(self.product_ids)

    def with_products(self, product_ids: Iterable[str]) -> "Vocabulary":
        """The same with those that are new at the end, ascending: no index that was given ever moves."""
        given = pl.Series("product_id", list(product_ids), pl.String).drop_nulls().unique()
        new = given.filter(~given.is_in(self.product_ids.implode())).sort()
        return replace(self, product_ids=pl.concat([self.product_ids, new]))

    def product_indices(self, product_ids: "pl.Series | pa.Array") -> "NDArray[np.int32]":
        if len(product_ids) * FEW < self.num_products and self._is_ascending:
            given = product_ids if isinstance(product_ids, pl.Series) else pl.Series(product_ids)
            return (places(self.product_ids, given.cast(pl.String)) + 1).astype(np.int32)
        return _indices(product_ids, self._products)

    def event_indices(self, event_names: "pl.Series | pa.Array") -> "NDArray[np.uint8]":
        return _indices(event_names, self._events).astype(np.uint8)

    def channel_indices(self, channels: "pl.Series | pa.Array") -> "NDArray[np.uint8]":
        return _indices(channels, self._channels).astype(np.uint8)

    @cached_property
    def _is_ascending(self) -> bool:
        return self.product_ids.is_sorted()

    @cached_property
    def _products(self) -> Any:
        return self.product_ids.cast(pl.String).to_arrow().cast(pa.large_string())

    @cached_property
    def _events(self) -> Any:
        return pa.array(self.event_names, pa.large_string())

    @cached_property
    def _channels(self) -> Any:
        return pa.array(self.channels, pa.large_string())

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {
            "vocabulary_products": pl.DataFrame({"product_id": self.product_ids}),
            "vocabulary_events": pl.DataFrame({"event_name": self.event_names}, {"event_name": pl.String}),
            "vocabulary_channels": pl.DataFrame({"channel": self.channels}, {"channel": pl.String}),
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> "Vocabulary":
        return cls(
            tables["vocabulary_products"]["product_id"],
            tuple(tables["vocabulary_events"]["event_name"]),
            tuple(tables["vocabulary_channels"]["channel"]),
        )


def _counts(actions: "pl.DataFrame | ir.Table") -> pl.DataFrame:
    """COUNTED and num: how often each combination occurs, asked of an engine once."""
    there = [name for name in COUNTED if name in actions.columns]
    if isinstance(actions, pl.DataFrame):
        counts = actions.group_by(there).agg(num=pl.len())
    else:
        counts = actions.group_by(*there).agg(num=actions.count()).to_polars()
    missing = [pl.lit(None, pl.String).alias(name) for name in COUNTED if name not in there]
    return counts.with_columns(*missing, pl.col("num").cast(pl.Int64), pl.col(there).cast(pl.String))


def _each(counts: pl.DataFrame, name: str) -> pl.DataFrame:
    return counts.drop_nulls(name).group_by(name).agg(pl.col("num").sum())


def _most_frequent(counts: pl.DataFrame) -> tuple[str, ...]:
    name = counts.columns[0]
    return tuple(counts.sort(["num", name], descending=[True, False])[name].head(MOST_NAMES).sort())


def _indices(values: "pl.Series | pa.Array", known: Any) -> "NDArray[np.int32]":
    given = values.cast(pl.String).to_arrow() if isinstance(values, pl.Series) else values
    positions = pc.index_in(given.cast(pa.large_string()), value_set=known)
    indices: NDArray[np.int32] = positions.fill_null(-1).to_numpy(zero_copy_only=False) + np.int32(1)
    return indices
