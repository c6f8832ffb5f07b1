"""The k best, against a plain sort; neighbors, against a dense product."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from foresell.predict.recommend import neighbors, rank
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.neighbors import nearest
from foresell.predict.recommend.rank import as_matrix, audience, top_k

few_values = st.sampled_from([0.0, 0.5, 1.0, -0.25, -np.inf])


@given(st.integers(1, 5), st.integers(1, 8), st.integers(1, 10), st.data())
def test_top_k_is_the_head_of_a_stable_sort(rows: int, columns: int, k: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(few_values, min_size=rows * columns, max_size=rows * columns))
    scores = np.array(values, dtype=np.float32).reshape(rows, columns)
    found_rows, found_columns, ranks = top_k(scores, k)
    expected = [
        (row, column, place)
        for row in range(rows)
        for place, column in enumerate(
            [
                c
                for c in sorted(range(columns), key=lambda c: (-scores[row, c], c))
                if scores[row, c] > -np.inf
            ][:k],
            1,
        )
    ]
    assert list(zip(found_rows, found_columns, ranks, strict=True)) == expected


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 9), st.data())
def test_nearest_is_the_head_of_the_dense_product(
    num_products: int, contexts: int, kept: int, at_once: int, data: st.DataObject
) -> None:
    cells = st.lists(st.integers(0, 2), min_size=num_products * contexts, max_size=num_products * contexts)
    left = np.array(data.draw(cells), dtype=np.float32).reshape(num_products, contexts)
    right = np.array(data.draw(cells), dtype=np.float32).reshape(contexts, num_products)
    dense = left @ right
    expected = np.zeros_like(dense)
    for row in range(num_products):
        for column in sorted(range(num_products), key=lambda c: (-dense[row, c], c))[:kept]:
            expected[row, column] = dense[row, column]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "CELLS_AT_ONCE", at_once)
        found = nearest(
            sparse.csr_array(left), sparse.csr_array(right), kept, lambda sums, rows, columns: sums
        )
    assert (found.toarray() == expected).all()


def catalog() -> Catalog:
    return Catalog.from_table(pl.DataFrame({"product_id": ["a", "b", "c"], "popularity": [0.2, 1.0, 0.2]}))


def test_popular_products_fill_up_below_everything_scored_and_batches_change_nothing() -> None:
    profile = pl.DataFrame({"customer_id": ["v"], "product_id": ["a"], "value": [2.0]})
    exclude = pl.DataFrame({"customer_id": ["u", None], "product_id": ["b", "no such product"]})
    customers = pl.Series(["u", "v"])
    to = audience(catalog(), customers, as_matrix(catalog(), customers, profile), exclude)
    whole = rank.rank(catalog(), to, 3, lambda profiles: profiles.toarray())
    assert whole.select("customer_id", "product_id", "rank").rows() == [
        ("u", "a", 1),
        ("u", "c", 2),
        ("v", "a", 1),
        ("v", "b", 2),
        ("v", "c", 3),
    ]
    assert [score > 0 for score in whole["score"]] == [False, False, True, False, False]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank, "SCORES_AT_ONCE", 1)
        assert rank.rank(catalog(), to, 3, lambda profiles: profiles.toarray()).equals(whole)


def test_a_null_customer_excludes_for_everybody() -> None:
    exclude = pl.DataFrame(
        {"customer_id": [None], "product_id": ["b"]}, schema_overrides={"customer_id": pl.String}
    )
    nothing = pl.DataFrame(schema={"customer_id": pl.String, "product_id": pl.String, "value": pl.Float32})
    customers = pl.Series(["u", "v"])
    to = audience(catalog(), customers, as_matrix(catalog(), customers, nothing), exclude)
    found = rank.rank(catalog(), to, 5, lambda profiles: np.zeros(profiles.shape, dtype=np.float32))
    assert set(found["product_id"]) == {"a", "c"}
