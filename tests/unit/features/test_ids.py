"""Ids are found where they are, few or many of them, and nowhere else."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from foresell.behavior.vocabulary import Vocabulary
from foresell.features.ids import places
from foresell.predict.recommend.catalog import Catalog

ids = st.text("aé中0~", max_size=3)


@given(st.sets(ids), st.lists(st.none() | ids))
def test_an_id_is_where_it_is_or_nowhere(known: set[str], wanted: list[str | None]) -> None:
    ascending = sorted(known)
    found = places(pl.Series(ascending, dtype=pl.String), pl.Series(wanted, dtype=pl.String))
    assert found.tolist() == [ascending.index(one) if one in known else -1 for one in wanted]


@given(st.sets(ids, min_size=1), st.lists(ids, min_size=1, max_size=3))
def test_few_are_looked_up_as_many_are(known: set[str], wanted: list[str]) -> None:
    products = pl.Series("product_id", sorted(known), pl.String)
    catalog = Catalog.from_table(pl.DataFrame({"product_id": products, "popularity": 1.0}))
    few = pl.DataFrame({"product_id": wanted, "n": range(len(wanted))})
    many = pl.concat([few] * 20)
    assert catalog.with_positions(few).equals(
        catalog.with_positions(many).head(len(catalog.with_positions(few)))
    )
    vocabulary = Vocabulary(products)
    assert (
        vocabulary.product_indices(few["product_id"])
        == vocabulary.product_indices(many["product_id"])[: len(few)]
    ).all()
    assert vocabulary.product_indices(few["product_id"]).dtype == np.int32
