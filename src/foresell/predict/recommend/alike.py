"""Which products are alike by what is written of them: the content side of `transition`.

Source: Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988: cosine of tf-idf with
presence for frequency.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.neighbors import nearest
from foresell.predict.recommend.rank import Floats, Ints

# A label or word of more products than this says little, and would make every product a neighbor of all.
MOST_PRODUCTS_A_WORD = 1_000
# Chinese and Japanese are written without blanks: each sign is a word.
WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{N}--\p{Han}--\p{Hiragana}--\p{Katakana}]+"


def alike(products: pl.DataFrame, catalog: Catalog, num_neighbors: int) -> Any:
    """Products × products (CSR, float32): the mean of the cosines of labels and of words, in (0, 1], of the
    `num_neighbors` most alike of each product, itself left out. A product without either has none."""
    vectors = content_vectors(products, catalog, MOST_PRODUCTS_A_WORD)

    def cosine(sums: Floats, rows: Ints, columns: Ints) -> Floats:
        return np.where(rows == columns, np.float32(0.0), np.minimum(sums, np.float32(1.0)))

    return nearest(vectors, sparse.csr_array(vectors.T), num_neighbors, cosine)


def content_vectors(products: pl.DataFrame, catalog: Catalog, most_products: int | None = None) -> Any:
    """Products × labels and words (CSR, float32), of which the inner product is the mean of the cosines of
    labels and of words. A label or word of more than `most_products` is left out (None: none is)."""
    known = catalog.with_positions(products.unique("product_id", keep="first")).sort("product")
    words = known["text"].fill_null("").str.to_lowercase().str.extract_all(WORD)
    halves = [
        _vectors(known["product"], column, catalog.size, most_products or catalog.size)
        * np.float32(np.sqrt(0.5))
        for column in (known["labels"], words)
    ]
    return sparse.csr_array(sparse.hstack(halves, format="csr"))


def _vectors(positions: pl.Series, words: pl.Series, size: int, most_products: int) -> Any:
    """Products × words, each row of length 1 or all 0; a word of one product tells of no other."""
    given = (
        pl.DataFrame({"product": positions, "word": words})
        .explode("word", empty_as_null=True)
        .drop_nulls("word")
        .unique()
    )
    num_products = pl.len().over("word")
    telling = given.filter((num_products > 1) & (num_products <= most_products)).with_columns(
        idf=(pl.lit(float(size)) / num_products).log()
    )
    # A word that every product has weighs nothing, and would leave a row of zeros.
    telling = telling.filter(pl.col("idf") > 0).with_columns(
        value=pl.col("idf") / pl.col("idf").pow(2).sum().sqrt().over("product"),
        column=pl.col("word").rank("dense").cast(pl.Int64) - 1,
    )
    cells = (
        telling["value"].cast(pl.Float32).to_numpy(),
        (telling["product"].to_numpy(), telling["column"].to_numpy()),
    )
    shape = (size, max(telling["word"].n_unique(), 1))
    return sparse.csr_array(cells, shape=shape, dtype=np.float32)


def described(products: pl.DataFrame) -> Sequence[str]:
    """The products of which anything is said."""
    is_said = (pl.col("labels").list.len().fill_null(0) > 0) | pl.col("text").is_not_null()
    return products.filter(is_said)["product_id"].to_list()
