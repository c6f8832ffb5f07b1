"""Batches: every action but the first is foretold exactly once an epoch, by whichever process."""

from dataclasses import fields, replace
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.behavior.batches import Batch, epoch_batches, history_batches, training_windows
from foresell.behavior.sequences import Sequences

LENGTHS = st.lists(st.integers(0, 17), max_size=12)


def numbered(lengths: list[int]) -> Sequences:
    """Actions are told apart by their time: 1, 2, 3 …"""
    place = np.arange(sum(lengths))
    return Sequences(
        np.cumsum([0, *lengths]).astype(np.int64),
        (place % 9).astype(np.int32),
        (place % 3 + 1).astype(np.uint8),
        (place % 2).astype(np.uint8),
        (place % 5).astype(np.uint8),
        (place + 1).astype(np.int64),
    )


def followed(batch: Batch) -> list[int]:
    return batch.next_seconds_BL[batch.is_action_BL].tolist()


@settings(deadline=None, max_examples=60)
@given(LENGTHS, st.integers(1, 6), st.integers(1, 5), st.integers(0, 3), st.integers(1, 3))
def test_every_action_but_the_first_is_a_target_once_whatever_the_processes(
    lengths: list[int], max_length: int, batch_size: int, epoch: int, number: int
) -> None:
    sequences = numbered(lengths)
    batches = epoch_batches(sequences, max_length, batch_size, seed=5, epoch=epoch)
    firsts = {int(start) + 1 for start, length in zip(sequences.offsets, lengths, strict=False) if length}
    found = []
    for position in range(len(batches)):
        whole = batches.batch(position)
        assert len(whole.product_BL) <= batch_size
        assert whole.product_BL.shape[1] <= max_length
        shares = [batches.batch(position, rank, number) for rank in range(number)]
        assert sorted(chain.from_iterable(map(followed, shares))) == sorted(followed(whole))
        found += followed(whole)
    assert sorted(found) == [place for place in range(1, sum(lengths) + 1) if place not in firsts]


@settings(deadline=None, max_examples=60)
@given(LENGTHS, st.integers(1, 6), st.integers(0, 40))
def test_windows_are_of_one_customer_and_as_long_as_they_may(
    lengths: list[int], max_length: int, shift: int
) -> None:
    sequences = numbered(lengths)
    windows = training_windows(sequences, max_length, shift)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    assert ((windows.ends - windows.begins >= 2) & (windows.ends - windows.begins <= max_length + 1)).all()
    assert (owners[windows.begins] == owners[windows.ends - 1]).all()


@settings(deadline=None, max_examples=40)
@given(LENGTHS.filter(lambda lengths: max(lengths, default=0) > 1), st.integers(1, 6))
def test_a_batch_says_what_was_done_and_what_came_next(lengths: list[int], max_length: int) -> None:
    sequences = numbered(lengths)
    batches = epoch_batches(sequences, max_length, 4, seed=0, epoch=0)
    for position in range(len(batches)):
        batch = batches.batch(position)
        known = batch.is_action_BL
        places, following = batch.seconds_BL[known] - 1, batch.next_seconds_BL[known] - 1
        assert (following == places + 1).all()
        for name in ("product", "event", "channel", "quantity"):
            assert (getattr(batch, f"{name}_BL")[known].numpy() == getattr(sequences, name)[places]).all()
            assert not getattr(batch, f"{name}_BL")[~known].any()
        assert (batch.next_product_BL[known].numpy() == sequences.product[following]).all()
        assert (batch.next_event_BL[known].numpy() == sequences.event[following]).all()
        assert not batch.next_product_BL[~known].any()
        assert not batch.next_event_BL[~known].any()
        assert batch.num_actions_B.tolist() == known.sum(1).tolist()
        # Filled up at the right only.
        assert (known[:, :-1] | ~known[:, 1:]).all()


def test_the_same_seed_and_epoch_give_the_same_batches_and_others_give_others() -> None:
    sequences = numbered([9, 14, 3, 8, 17, 2, 11])

    def all_of(seed: int, epoch: int) -> list[list[int]]:
        batches = epoch_batches(sequences, 4, 3, seed, epoch)
        return [followed(batches.batch(position)) for position in range(len(batches))]

    assert all_of(1, 2) == all_of(1, 2)
    assert all_of(1, 2) != all_of(1, 3)
    assert all_of(1, 2) != all_of(2, 2)


def test_windows_of_all_lengths_share_a_batch() -> None:
    batches = epoch_batches(numbered([2] * 400 + [12] * 400), 12, 50, seed=3, epoch=1)
    shares = [float((batches.batch(n).num_actions_B > 1).float().mean()) for n in range(len(batches))]
    assert 0.3 < min(shares) < max(shares) < 0.7
    assert all(batches.batch(n).num_actions_B.diff().ge(0).all() for n in range(len(batches)))


@settings(deadline=None, max_examples=40)
@given(LENGTHS.filter(lambda lengths: max(lengths, default=0) > 1), st.integers(1, 6))
def test_pieces_hold_what_the_batch_holds(lengths: list[int], number: int) -> None:
    whole = epoch_batches(numbered(lengths), 9, 7, seed=0, epoch=0).batch(0)
    pieces = whole.pieces(number)
    assert len(pieces) <= number
    assert sum(len(piece.num_actions_B) for piece in pieces) == len(whole.num_actions_B)
    for name in ("product_BL", "next_product_BL", "seconds_BL", "next_seconds_BL"):
        held = torch.cat([getattr(piece, name)[piece.is_action_BL] for piece in pieces])
        assert torch.equal(held, getattr(whole, name)[whole.is_action_BL])
    assert all(piece.product_BL.shape[1] == piece.num_actions_B.max() for piece in pieces)


def test_a_process_without_a_window_gets_one_of_nothing() -> None:
    batches = epoch_batches(numbered([5]), 10, 4, seed=0, epoch=0)
    share = batches.batch(0, rank=1, number=2)
    assert share.product_BL.shape == (1, 1)
    assert all(not getattr(share, field.name).any() for field in fields(Batch))


@settings(deadline=None, max_examples=40)
@given(LENGTHS, st.integers(1, 6), st.integers(1, 5))
def test_history_batches_hold_everyones_last_actions(
    lengths: list[int], max_length: int, batch_size: int
) -> None:
    sequences = numbered(lengths)
    seen = []
    for customers, batch in history_batches(sequences, max_length, batch_size):
        assert not batch.next_product_BL.any()
        assert not batch.next_event_BL.any()
        for customer, seconds, known in zip(customers, batch.seconds_BL, batch.is_action_BL, strict=True):
            first, end = sequences.offsets[customer], sequences.offsets[customer + 1]
            assert seconds[known].tolist() == list(range(max(first, end - max_length) + 1, end + 1))
        seen += customers.tolist()
    assert sorted(seen) == [customer for customer, length in enumerate(lengths) if length]


def test_arrays_that_may_not_be_written_are_read() -> None:
    sequences = numbered([4, 6])
    for field in fields(Sequences)[:-1]:
        getattr(sequences, field.name).flags.writeable = False
    batch = epoch_batches(replace(sequences), 5, 8, 0, 0).batch(0)
    assert batch.product_BL.dtype == torch.int64


@pytest.mark.parametrize("lengths", [[], [0, 0], [1, 1, 0]])
def test_where_nothing_came_next_there_are_no_batches(lengths: list[int]) -> None:
    assert len(epoch_batches(numbered(lengths), 5, 8, 0, 0)) == 0
