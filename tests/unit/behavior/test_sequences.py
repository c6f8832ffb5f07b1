"""Actions as arrays: every action once, in order, whichever way they come; and the same from disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.behavior.sequence_files import ACTIONS_FILE, CUSTOMERS_FILE, open_sequences, write_sequences
from foresell.behavior.sequences import ARRAYS, Sequences, quantity_bands
from foresell.behavior.vocabulary import Vocabulary
from foresell.contracts.errors import InputError

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = {
    "customer_id": pl.String(),
    "occurred_at": pl.Datetime("us", "UTC"),
    "event_name": pl.String(),
    "product_id": pl.String(),
    "quantity": pl.Float64(),
    "channel": pl.String(),
}
ACTION = st.tuples(
    st.sampled_from(["ann", "Bob", "élise", "李"]),
    st.integers(-3, 3).map(lambda halves: START + timedelta(seconds=halves / 2)),
    st.sampled_from(["purchase", "view_item"]),
    st.none() | st.sampled_from(["p", "q", "r"]),
    st.none() | st.sampled_from([0.0, 0.5, 1.0, 2.0, 300.0]),
    st.none() | st.sampled_from(["web", "app"]),
)
ACTIONS = st.lists(ACTION, max_size=25)


def frame(rows: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, SCHEMA, orient="row")


def as_rows(sequences: Sequences) -> list[tuple[Any, ...]]:
    assert sequences.customer_ids is not None
    who = np.repeat(sequences.customer_ids.to_numpy(), sequences.lengths)
    arrays = [getattr(sequences, name) for name in ARRAYS]
    return list(zip(who, *(array.tolist() for array in arrays), strict=True))


@settings(max_examples=25)
@given(ACTIONS)
def test_every_action_is_there_once_and_in_order(rows: list[Any]) -> None:
    actions = frame(rows)
    vocabulary = Vocabulary.from_actions(actions)
    sequences = Sequences.from_actions(actions, vocabulary)
    ordered = actions.sort("customer_id", "occurred_at", "event_name", "product_id", nulls_last=False)
    wanted = [
        (
            row["customer_id"],
            vocabulary.product_indices(pl.Series([row["product_id"]], dtype=pl.String))[0],
            vocabulary.event_names.index(row["event_name"]) + 1,
        )
        for row in ordered.iter_rows(named=True)
    ]
    assert [row[:3] for row in as_rows(sequences)] == wanted
    assert sequences.seconds.tolist() == [
        int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1) for at in ordered["occurred_at"]
    ]
    assert (sequences.lengths > 0).all()
    assert sequences.num_actions == len(rows)
    assert all(getattr(sequences, name).dtype == dtype for name, dtype in ARRAYS.items())


@settings(max_examples=25)
@given(ACTIONS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Any], random: Any) -> None:
    distinct = list({row[:4]: row for row in rows}.values())
    vocabulary = Vocabulary.from_actions(frame(distinct))
    before = as_rows(Sequences.from_actions(frame(distinct), vocabulary))
    random.shuffle(distinct)
    assert as_rows(Sequences.from_actions(frame(distinct), vocabulary)) == before


def test_what_a_frame_does_not_have_is_unknown_and_without_times_the_given_order_stays() -> None:
    actions = pl.DataFrame(
        {"customer_id": ["b", "a", None, "b", "a"], "product_id": ["z", "y", "y", "x", "z"]}
    )
    sequences = Sequences.from_actions(actions, Vocabulary.from_actions(actions))
    assert sequences.offsets.tolist() == [0, 2, 4]
    assert sequences.product.tolist() == [2, 3, 3, 1]
    for name in ("event", "channel", "quantity", "seconds"):
        assert getattr(sequences, name).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("band", "quantities"),
    [
        (0, [None, np.nan, -2, 0]),
        (1, [0.25, 1, 1.9]),
        (2, [2, 3]),
        (3, [4, 7.9]),
        (4, [8]),
        (8, [255]),
        (9, [256, 1e300, np.inf]),
    ],
)
def test_quantities_fall_into_bands_of_powers_of_two(band: int, quantities: list[float | None]) -> None:
    assert set(quantity_bands(pa.array(quantities, pa.float64())).tolist()) == {band}


@settings(max_examples=25)
@given(ACTIONS, st.integers(1, 7))
def test_the_stream_on_disk_is_what_is_in_memory(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], rows_per_batch: int
) -> None:
    actions = frame(rows)
    vocabulary = Vocabulary.from_actions(actions)
    ordered = actions.sort("customer_id", "occurred_at", "event_name", "product_id", nulls_last=False)
    folder = tmp_path_factory.mktemp("sequences") / "here"
    write_sequences(ordered.to_arrow().to_batches(max_chunksize=rows_per_batch), vocabulary, folder)
    found, wanted = open_sequences(folder), Sequences.from_actions(ordered, vocabulary)
    assert as_rows(found) == as_rows(wanted)
    np.testing.assert_array_equal(found.offsets, wanted.offsets)
    assert {path.name for path in folder.parent.iterdir()} == {"here"}
    assert {path.name for path in folder.iterdir()} == {ACTIONS_FILE, CUSTOMERS_FILE}


def written(folder: Path) -> Path:
    actions = frame([("ann", START, "purchase", "p", 1.0, "web")] * 3)
    write_sequences(actions.to_arrow().to_batches(), Vocabulary.from_actions(actions), folder)
    return folder


def test_arrays_from_disk_are_not_copied(tmp_path: Path) -> None:
    sequences = open_sequences(written(tmp_path / "s"))
    for name in ARRAYS:
        array = getattr(sequences, name)
        assert not array.flags.owndata
        assert not array.flags.writeable


def test_batches_that_are_not_sorted_are_refused_and_leave_what_was_there(tmp_path: Path) -> None:
    folder = written(tmp_path / "s")
    before, later = (("a", at, "view_item", "p", 1.0, None) for at in (START, START + timedelta(hours=1)))
    other = ("b", *before[1:])
    for rows in ([later, before], [other, later]):
        batches = frame(rows).to_arrow().to_batches(max_chunksize=1)
        with pytest.raises(InputError, match="not sorted"):
            write_sequences(batches, Vocabulary(pl.Series(["p"])), folder)
    assert open_sequences(folder).num_actions == 3
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("name", [ACTIONS_FILE, CUSTOMERS_FILE])
def test_a_damaged_or_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "s")
    path = folder / name
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="sequences"):
        open_sequences(folder)
    path.unlink()
    with pytest.raises(InputError, match="holds no sequences"):
        open_sequences(folder)


def test_files_of_two_writings_do_not_go_together(tmp_path: Path) -> None:
    folder = written(tmp_path / "s")
    (row,) = [("zoe", START, "purchase", "p", 1.0, "web")]
    write_sequences(frame([row]).to_arrow().to_batches(), Vocabulary(pl.Series(["p"])), tmp_path / "t")
    (tmp_path / "t" / CUSTOMERS_FILE).rename(folder / CUSTOMERS_FILE)
    with pytest.raises(InputError, match="damaged"):
        open_sequences(folder)
