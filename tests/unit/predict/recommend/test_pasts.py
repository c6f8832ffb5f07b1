"""What a ranker knows of pairs: counted by hand, as of one moment, the same alone and among others."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.pasts import (
    OF_CUSTOMER,
    OF_GROUP,
    OF_PAIR,
    PAIR_FEATURES,
    pair_features,
    pasts,
)
from foresell.predict.recommend.product_facts import FACTS, ProductFacts, product_facts

START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = pl.DataFrame(
    {
        "product_id": ["bread", "butter", "soap"],
        "labels": [["brand:x", "category:food"], ["brand:x", "category:food"], ["category:care"]],
        "price": [2.0, 8.0, None],
        "text": ["bread", "butter", "soap"],
    },
    schema_overrides={"price": pl.Float64},
)
Rows = list[tuple[int, str, int]]


def histories(rows: Rows) -> pl.DataFrame:
    full = [(f"c{c}", product, START + timedelta(days=day), 1.0, c) for c, product, day in rows]
    schema = pl.Schema({**INTERACTIONS, "customer": pl.UInt32()})
    return pl.DataFrame(full, schema=schema, orient="row").unique(["customer", "product_id", "occurred_at"])


PAST = histories(
    [
        (0, "bread", 0),
        (0, "bread", 10),
        (0, "butter", 10),
        (0, "bread", 30),
        (1, "soap", 50),
        (1, "bread", 50),
    ]
)


def known(rows: pl.DataFrame) -> tuple[Catalog, ProductFacts]:
    catalog = Catalog.from_interactions(rows, 30.0, PRODUCTS["product_id"])
    return catalog, product_facts(catalog, rows, PRODUCTS)


def test_counts_gaps_and_groups_of_a_pair_by_hand() -> None:
    catalog, facts = known(PAST)
    past = pasts(PAST, 2, catalog, facts)
    row = pair_features(past, facts, np.array([0]), np.array([0]))[0]
    found = dict(zip(PAIR_FEATURES, row.tolist(), strict=True))
    assert found["times"] == 3
    assert found["share_of_baskets"] == 1.0
    # The shop's newest moment is day 50.
    assert found["days_since_last"] == pytest.approx(20)
    assert found["days_since_first"] == pytest.approx(50)
    assert found["own_gap"] == pytest.approx(15)
    assert found["count_15_days"] == pytest.approx(
        np.log1p(2 ** (-20 / 15) + 2 ** (-40 / 15) + 2 ** (-50 / 15)), 1e-5
    )
    assert found["baskets"] == 3
    assert found["baskets_28_days"] == 1
    assert found["distinct_products"] == 2
    assert found["repeat_share"] == 0.5
    assert found["usual_price"] == pytest.approx(np.log(4), 1e-5)
    assert found["dearer_than_usual"] == pytest.approx(np.log(2 / 4), 1e-5)
    assert found["category_distinct"] == 2
    assert found["category_share"] == 1.0
    assert found["category_days_since_last"] == pytest.approx(20)
    assert found["takers"] == pytest.approx(np.log1p(2), 1e-5)


def test_what_was_never_taken_has_no_counts_and_what_has_no_price_none() -> None:
    catalog, facts = known(PAST)
    row = pair_features(pasts(PAST, 2, catalog, facts), facts, np.array([0]), np.array([2]))[0]
    assert np.isnan(row[: len(OF_PAIR)]).all()
    assert np.isnan(row[PAIR_FEATURES.index("price")])
    assert len(row) == len(OF_PAIR) + len(OF_CUSTOMER) + len(FACTS) + 1 + 3 * len(OF_GROUP)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["bread", "butter", "soap"]), st.integers(0, 40)),
        min_size=1,
    )
)
def test_a_customer_alone_is_the_customer_among_others(rows: Rows) -> None:
    past = histories(rows)
    catalog, facts = known(past)
    together = pasts(past, 4, catalog, facts)
    products = np.arange(3)
    for customer in range(4):
        mine = past.filter(customer=customer).with_columns(customer=pl.lit(0, pl.UInt32))
        alone, cut = pasts(mine, 1, catalog, facts), together.between(customer, customer + 1)
        zeros = np.zeros(3, np.int64)
        expected = pair_features(together, facts, zeros + customer, products)
        for one in (alone, cut):
            np.testing.assert_array_equal(pair_features(one, facts, zeros, products), expected)
