"""What an action is to foretell within a horizon: never of its own basket, never of another customer."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.behavior.batches import epoch_batches
from foresell.behavior.horizon import SECONDS_A_DAY, draw_later, first_taken
from foresell.behavior.sequences import Sequences

CUSTOMERS = st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=12), max_size=5)


def sequences_of(customers: list[list[tuple[int, int]]]) -> Sequences:
    """(day, product) of each customer."""
    rows = [row for one in customers for row in sorted(one)]
    days, products = (np.array([row[at] for row in rows], np.int64) for at in (0, 1))
    none = np.zeros(len(rows), np.uint8)
    offsets = np.cumsum([0, *map(len, customers)]).astype(np.int64)
    return Sequences(offsets, products.astype(np.int32), none, none, none, days * SECONDS_A_DAY + 7)


@settings(deadline=None, max_examples=80)
@given(CUSTOMERS, st.integers(1, 5), st.booleans(), st.integers(0, 3))
def test_targets_are_later_of_the_same_customer_within_the_horizon(
    customers: list[list[tuple[int, int]]], horizon: int, only_new: bool, seed: int
) -> None:
    sequences = sequences_of(customers)
    owner = np.repeat(np.arange(sequences.num_customers), sequences.lengths)
    days = sequences.seconds // SECONDS_A_DAY
    is_first = np.isin(np.arange(len(days)), first_taken(sequences))
    drawn = draw_later(sequences, horizon, np.random.default_rng(seed), only_new=only_new)
    for action, target in enumerate(drawn):
        wait = days - days[action]
        allowed = (owner == owner[action]) & (wait > 0) & (wait <= horizon)
        allowed &= is_first if only_new else True
        assert allowed[target] if target >= 0 else not allowed.any()


def test_a_product_is_new_to_a_customer_once_and_none_is_no_product() -> None:
    sequences = sequences_of([[(1, 3), (2, 3), (2, 4)], [(1, 3), (5, 0)]])
    assert first_taken(sequences).tolist() == [0, 2, 3]


def test_batches_foretell_what_was_drawn_and_draw_anew_each_epoch() -> None:
    sequences = sequences_of([[(day, 1 + day % 4) for day in range(9)]] * 4)
    epochs = [epoch_batches(sequences, 8, 4, 0, epoch, 7.0) for epoch in (0, 0, 1)]
    first, again, other = (batches.batch(0).next_product_BL.tolist() for batches in epochs)
    assert first == again != other
    targets = epochs[0].targets
    assert targets is not None
    assert sorted(first[0]) == sorted(sequences.product[targets[:8]].tolist()) or len(first) == 4
