"""What a product is beside its id: the right row for the right product, the same after saving and growing."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foresell.behavior.content import NO_CONTENT, NUM_PRICE_BANDS, Content, content
from foresell.behavior.text.hashed import HashedEncoder
from foresell.behavior.vocabulary import Vocabulary
from foresell.contracts.errors import InputError
from foresell.store.models import load_artifact, save_artifact

ENCODER = HashedEncoder(16)
PRODUCT = st.tuples(
    st.sampled_from("abcdefgh"),
    st.none()
    | st.lists(st.none() | st.sampled_from(["brand:X", "category:Tea", "category:Cup"]), max_size=4),
    st.none() | st.sampled_from([0.0, 1.5, 1.5, 2.0, 99.0, float("nan"), float("inf"), -1.0]),
    st.none() | st.sampled_from(["", " ", "green tea", "绿茶"]),
)
PRODUCTS = st.lists(PRODUCT, max_size=8, unique_by=lambda product: product[0])


def frame(rows: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, NO_CONTENT, orient="row")


def vocabulary(*product_ids: str) -> Vocabulary:
    return Vocabulary(pl.Series("product_id", product_ids, pl.String))


def labels_of(made: Content, index: int) -> list[str]:
    here = made.labels[made.label_offsets[index] : made.label_offsets[index + 1]]
    return [made.label_names[label - 1] for label in here]


@settings(max_examples=25)
@given(PRODUCTS)
def test_every_row_says_what_is_known_of_its_product(rows: list[Any]) -> None:
    known = {row[0]: row for row in rows}
    made = content(frame(rows), vocabulary(*"bdfhz"), ENCODER)
    for index, product in enumerate(["", *"bdfhz"]):
        _, labels, price, text = known.get(product, (product, None, None, None))
        assert labels_of(made, index) == sorted({label for label in labels or [] if label})
        assert (made.price_bands[index] > 0) == (price is not None and np.isfinite(price) and price >= 0)
        np.testing.assert_array_equal(made.texts[index], ENCODER.encode([text or ""])[0])
    assert made.label_offsets.shape == (7,)
    assert made.price_bands.max() <= made.num_price_bands


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_bands_follow_prices_and_the_edges_say_which(prices: list[float]) -> None:
    ids = [f"{number:03}" for number in range(len(prices))]
    made = content(
        frame([(one, [], price, None) for one, price in zip(ids, prices, strict=True)]), vocabulary(*ids)
    )
    bands = made.price_bands[1:]
    order = np.argsort(prices, kind="stable")
    assert (np.diff(bands[order]) >= 0).all()
    assert bands.min() == 1
    assert made.num_price_bands <= NUM_PRICE_BANDS
    for price, band in zip(prices, bands, strict=True):
        assert band == 1 or made.price_edges[band - 2] <= price
        assert band == made.num_price_bands or price < made.price_edges[band - 1]


def test_many_different_prices_fill_the_bands_evenly() -> None:
    ids = [f"{number:04}" for number in range(1000)]
    rows = [(one, [], float(number**2), None) for number, one in enumerate(ids)]
    made = content(frame(rows), vocabulary(*ids))
    assert np.abs(np.bincount(made.price_bands)[1:] - 1000 / NUM_PRICE_BANDS).max() <= 1


@settings(max_examples=25)
@given(PRODUCTS, PRODUCTS)
def test_growing_keeps_rows_and_reads_new_ones_by_the_old_labels_and_edges(
    rows: list[Any], later: list[Any]
) -> None:
    before = vocabulary(*"bd")
    made = content(frame(rows), before, ENCODER)
    grown = made.extend(frame(later), before.with_products(["a", "h"]), ENCODER)
    assert grown.num_products == 4
    assert [labels_of(grown, index) for index in range(3)] == [labels_of(made, index) for index in range(3)]
    np.testing.assert_array_equal(grown.price_bands[:3], made.price_bands)
    np.testing.assert_array_equal(grown.texts[:3], made.texts)
    known = {row[0]: row for row in later}
    for index, product in ((3, "a"), (4, "h")):
        wanted = {label for label in known.get(product, (0, None))[1] or [] if label}
        assert set(labels_of(grown, index)) == wanted & set(made.label_names)
    np.testing.assert_array_equal(grown.price_edges, made.price_edges)
    assert grown.label_names == made.label_names


def test_an_artifact_brings_it_back(tmp_path: Path) -> None:
    rows = [("a", ["x", "y"], 1.0, "tea"), ("b", [], None, None), ("c", ["y"], 3.0, "cup")]
    for encoder in (ENCODER, None):
        made = content(frame(rows), vocabulary("a", "b", "c"), encoder)
        version = save_artifact(tmp_path, "m", "behavior", {}, made.to_tables(), {})
        again = Content.from_tables(load_artifact(tmp_path, "m", version).tables)
        assert again.label_names == made.label_names
        for name in ("label_offsets", "labels", "price_bands", "price_edges", "texts"):
            np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
            assert getattr(again, name).dtype == getattr(made, name).dtype


def test_without_products_there_is_nothing_but_the_right_shape() -> None:
    made = content(None, vocabulary("a", "b"))
    assert made.texts.shape == (3, 0)
    assert made.label_offsets.tolist() == [0, 0, 0, 0]
    assert made.price_bands.tolist() == [0, 0, 0]
    assert (made.num_labels, made.num_price_bands, made.width) == (0, 1, 0)


def test_a_vector_that_is_no_number_is_refused() -> None:
    class Broken:
        name = "broken"
        width = 2

        def encode(self, texts: list[str]) -> NDArray[np.float32]:
            return np.full((len(texts), 2), np.nan, np.float32)

    with pytest.raises(InputError, match=r"no number.*broken"):
        content(frame([("a", [], None, "tea")]), vocabulary("a"), Broken())
