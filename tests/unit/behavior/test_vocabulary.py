"""Indices of products, events and channels: one each, never moved, the same by a frame and by the engine."""

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from foresell.behavior.vocabulary import MOST_NAMES, Vocabulary

NAMES = st.text(st.characters(codec="utf-8"), max_size=4)
MAYBE_NAMES = st.lists(st.none() | NAMES, max_size=12)


def frame(products: list[str | None], **more: list[str | None]) -> pl.DataFrame:
    columns = {"product_id": products, **more}
    return pl.DataFrame(columns, dict.fromkeys(columns, pl.String))


@settings(max_examples=40)
@given(MAYBE_NAMES, MAYBE_NAMES)
def test_an_index_is_a_position_plus_one_and_zero_is_none_or_unknown(
    known: list[str | None], asked: list[str | None]
) -> None:
    vocabulary = Vocabulary.from_actions(frame(known))
    ids = vocabulary.product_ids.to_list()
    assert ids == sorted({product for product in known if product is not None})
    indices = vocabulary.product_indices(pl.Series(asked, dtype=pl.String))
    assert indices.dtype == np.int32
    assert indices.tolist() == [ids.index(one) + 1 if one in ids else 0 for one in asked]
    arrow = vocabulary.product_indices(pa.array(asked, pa.string()))
    np.testing.assert_array_equal(arrow, indices)


@settings(max_examples=40)
@given(MAYBE_NAMES, st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=8))
def test_new_products_never_move_an_index(first: list[str | None], more: list[str], later: list[str]) -> None:
    before = Vocabulary.from_actions(frame(first))
    after = before.with_products(more).with_products(later)
    assert after.product_ids.to_list()[: before.num_products] == before.product_ids.to_list()
    assert after.product_ids.n_unique() == after.num_products
    assert set(after.product_ids) == {*before.product_ids, *more, *later}


def test_rare_products_are_unknown() -> None:
    vocabulary = Vocabulary.from_actions(frame(["a", "b", "b", None, "c", "c", "c"]), min_count=2)
    assert vocabulary.product_ids.to_list() == ["b", "c"]
    assert vocabulary.product_indices(pl.Series(["a", "c"])).tolist() == [0, 2]


def test_of_too_many_names_the_most_frequent_are_kept() -> None:
    names: list[str | None] = [f"{number:03}" for number in range(300)]
    vocabulary = Vocabulary.from_actions(frame([None] * 301, channel=[*names, "299"]))
    assert len(vocabulary.channels) == MOST_NAMES
    assert vocabulary.channels[-1] == "299"
    assert vocabulary.channels[:-1] == tuple(names[: MOST_NAMES - 1])
    assert vocabulary.channel_indices(pl.Series(["299", "298"])).tolist() == [255, 0]


def test_tables_bring_it_back_and_hold_no_customers() -> None:
    made = Vocabulary.from_actions(frame(["b", "a"], event_name=["x", None], channel=[None, None]))
    grown = made.with_products(["0"])
    tables = grown.to_tables()
    again = Vocabulary.from_tables(tables)
    assert_series_equal(again.product_ids, grown.product_ids)
    assert (again.event_names, again.channels) == (("x",), ())
    assert {column for table in tables.values() for column in table.columns} == {
        "product_id",
        "event_name",
        "channel",
    }


@pytest.mark.parametrize("min_count", [1, 2])
def test_the_engine_counts_as_the_frame_does(min_count: int) -> None:
    import ibis

    rows = frame(["é", "z", "a", "a", None], event_name=["view", "view", "buy", None, "buy"])
    connection: Any = ibis.duckdb.connect()
    told = Vocabulary.from_actions(connection.create_table("actions", rows.to_arrow()), min_count)
    wanted = Vocabulary.from_actions(rows, min_count)
    assert told.product_ids.to_list() == wanted.product_ids.to_list()
    assert (told.event_names, told.channels) == (wanted.event_names, wanted.channels)
    connection.disconnect()
