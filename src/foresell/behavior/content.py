"""What a product is beside its id (labels, price band, text vector), so that a new one is no stranger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foresell.behavior.text import TextEncoder
from foresell.behavior.vocabulary import Vocabulary
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_PRICE_BANDS = 20
NO_CONTENT = pl.Schema(
    {"product_id": pl.String(), "labels": pl.List(pl.String()), "price": pl.Float64(), "text": pl.String()}
)


@dataclass(frozen=True, eq=False)
class Content:
    """Row i of everything is the product of index i of the vocabulary; row 0 (none, unknown) says nothing.

    label_offsets  int64 (P + 2,)  the labels of row i are labels[label_offsets[i]:label_offsets[i + 1]]
    labels         int64           position in label_names + 1 (0 is never there), ascending in a row
    label_names    distinct, ascending
    price_bands    int64 (P + 1,)  0: unknown; b from 1 on: price_edges[b − 2] ≤ price < price_edges[b − 1]
    price_edges    float64, ascending; bands of about as many products each
    texts          float32 (P + 1, W), of length 1 or all 0 (no text); W may be 0
    """

    label_offsets: "NDArray[np.int64]"
    labels: "NDArray[np.int64]"
    label_names: tuple[str, ...]
    price_bands: "NDArray[np.int64]"
    price_edges: "NDArray[np.float64]"
    texts: "NDArray[np.float32]"

    @property
    def num_products(self) -> int:
        return len(self.price_bands) - 1

    @property
    def num_labels(self) -> int:
        return len(self.label_names)

    @property
    def num_price_bands(self) -> int:
        return len(self.price_edges) + 1

    @property
    def width(self) -> int:
        """Of a text vector."""
        return int(self.texts.shape[1])

    def extend(
        self, products: pl.DataFrame, vocabulary: Vocabulary, encoder: TextEncoder | None
    ) -> "Content":
        """The content of a vocabulary grown by new products, under the same labels and price edges.

        Rows that are there stay as they are; labels that were unknown at the fit are dropped. `encoder`: the
        one of the fit.
        """
        new_ids = vocabulary.product_ids[self.num_products :]
        new = _rows(products, new_ids)
        offsets, labels = _labels(new, self.label_names)
        bands = _bands(new, self.price_edges)
        texts = _texts(new, encoder)
        return Content(
            np.concatenate([self.label_offsets, self.label_offsets[-1] + offsets[1:]]),
            np.concatenate([self.labels, labels]),
            self.label_names,
            np.concatenate([self.price_bands, bands]),
            self.price_edges,
            np.concatenate([self.texts, texts]),
        )

    def without_products(self) -> "Content":
        """The labels and price edges alone, for `extend` to put products of any order under."""
        none = np.zeros(0, np.int64)
        return Content(
            np.zeros(2, np.int64),
            none,
            self.label_names,
            np.zeros(1, np.int64),
            self.price_edges,
            self.texts[:1],
        )

    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All of it as the tables of an artifact; `from_tables` is the inverse."""
        counts = np.diff(self.label_offsets)
        rows = {"num_labels": counts, "price_band": self.price_bands}
        return {
            "content_products": pl.DataFrame(rows, {"num_labels": pl.Int64, "price_band": pl.Int64}),
            "content_labels": pl.DataFrame({"label": self.labels}, {"label": pl.Int64}),
            "content_label_names": pl.DataFrame({"name": self.label_names}, {"name": pl.String}),
            "content_price_edges": pl.DataFrame({"price": self.price_edges}, {"price": pl.Float64}),
            "content_texts": pl.DataFrame({"value": self.texts.ravel()}, {"value": pl.Float32}),
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> "Content":
        rows = tables["content_products"]
        return cls(
            _offsets(rows["num_labels"].to_numpy()),
            tables["content_labels"]["label"].to_numpy(),
            tuple(tables["content_label_names"]["name"]),
            rows["price_band"].to_numpy(),
            tables["content_price_edges"]["price"].to_numpy(),
            tables["content_texts"]["value"].to_numpy().reshape(rows.height, -1),
        )


def content(
    products: pl.DataFrame | None, vocabulary: Vocabulary, encoder: TextEncoder | None = None
) -> Content:
    """What `products` (the frame of `features.products`) says of the products of the vocabulary.

    A product that it lacks has no label, no price and no text; so have all where it is None. Without an
    encoder the text vectors have width 0. Labels and price edges are learned from the vocabulary's products
    only.
    """
    rows = _rows(pl.DataFrame(schema=NO_CONTENT) if products is None else products, vocabulary.product_ids)
    names = rows["labels"].explode(empty_as_null=True).drop_nulls().unique().sort()
    edges = _price_edges(rows)
    offsets, labels = _labels(rows, tuple(names))
    nothing = np.zeros((1, 0 if encoder is None else encoder.width), np.float32)
    return Content(
        np.concatenate([[0], offsets]),
        labels,
        tuple(names),
        np.concatenate([[0], _bands(rows, edges)]),
        edges,
        np.concatenate([nothing, _texts(rows, encoder)]),
    )


def _rows(products: pl.DataFrame, product_ids: pl.Series) -> pl.DataFrame:
    """The products' rows in the order of the ids, nulls where nothing is known."""
    wanted = pl.DataFrame({"product_id": product_ids}, {"product_id": pl.String})
    known = products.select(NO_CONTENT.names()).cast(NO_CONTENT).unique("product_id", keep="first")
    return wanted.join(known, on="product_id", how="left", maintain_order="left")


def _labels(rows: pl.DataFrame, names: tuple[str, ...]) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    numbers = pl.DataFrame({"label": names}, {"label": pl.String}).with_row_index("number", offset=1)
    given = (
        rows.select("labels")
        .with_row_index("row")
        .explode("labels", empty_as_null=True)
        .drop_nulls("labels")
        .unique()
        .join(numbers, left_on="labels", right_on="label")
        .sort("row", "number")
    )
    counts = np.bincount(given["row"].to_numpy(), minlength=rows.height)
    return _offsets(counts), given["number"].to_numpy().astype(np.int64)


def _offsets(counts: Any) -> "NDArray[np.int64]":
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _usable_prices(rows: pl.DataFrame) -> "NDArray[np.float64]":
    """NaN where there is no price, or an impossible one."""
    prices = rows["price"].fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(prices) & (prices >= 0), prices, np.nan)


def _price_edges(rows: pl.DataFrame) -> "NDArray[np.float64]":
    """The quantiles between NUM_PRICE_BANDS bands, each a price that occurs, none twice."""
    prices = _usable_prices(rows)
    prices = prices[~np.isnan(prices)]
    if prices.size == 0:
        return np.zeros(0)
    shares = np.arange(1, NUM_PRICE_BANDS) / NUM_PRICE_BANDS
    edges = np.unique(np.quantile(prices, shares, method="higher"))
    return np.asarray(edges[edges > prices.min()], np.float64)


def _bands(rows: pl.DataFrame, edges: "NDArray[np.float64]") -> "NDArray[np.int64]":
    prices = _usable_prices(rows)
    bands = np.searchsorted(edges, np.nan_to_num(prices), side="right") + 1
    return np.where(np.isnan(prices), 0, bands).astype(np.int64)


def _texts(rows: pl.DataFrame, encoder: TextEncoder | None) -> "NDArray[np.float32]":
    if encoder is None:
        return np.zeros((rows.height, 0), np.float32)
    vectors = np.zeros((rows.height, encoder.width), np.float32)
    has_text = (rows["text"].fill_null("").str.strip_chars() != "").to_numpy()
    if has_text.any():
        vectors[has_text] = encoder.encode(rows["text"].filter(pl.Series(has_text)).to_list())
    if not np.isfinite(vectors).all():
        raise InputError(
            "A text encoder gave what is no number", received=encoder.name, do="Choose another encoder."
        )
    return vectors
