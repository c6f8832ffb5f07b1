"""What is held out is never trained on, and everything else is."""

from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from foresell.behavior.hold_out import hold_out
from foresell.behavior.sequences import Sequences


def sequences(*customers: list[tuple[int, int]]) -> Sequences:
    """Of each customer the (product, second) pairs, in their order."""
    rows = [row for one in customers for row in one]
    num = len(rows)
    return Sequences(
        np.cumsum([0, *map(len, customers)]).astype(np.int64),
        np.array([product for product, _ in rows], np.int32),
        np.ones(num, np.uint8),
        np.zeros(num, np.uint8),
        np.zeros(num, np.uint8),
        np.array([second for _, second in rows], np.int64),
        pl.Series("customer_id", [f"c{n:03}" for n in range(len(customers))]),
    )


def trained_on(found: Sequences) -> set[int]:
    """Places in the arrays that are part of a window: of sequences of two actions and more."""
    pairs = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return {place for begin, end in pairs if end - begin > 1 for place in range(begin, end)}


customers = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=8).map(
        lambda rows: sorted(rows, key=lambda row: row[1])
    ),
    min_size=1,
    max_size=12,
)


@given(customers, st.booleans())
def test_training_never_sees_the_held_out(given_customers: Any, repeats: bool) -> None:
    whole = sequences(*given_customers)
    learned, held_out = hold_out(whole, repeats=repeats, share=1.0)
    histories = held_out.histories
    assert histories.num_customers == len(held_out.targets)
    assert (held_out.targets > 0).all()
    assert (histories.lengths > 0).all()
    ends = dict(zip(whole.offsets[:-1].tolist(), whole.offsets[1:].tolist(), strict=True))
    cut = sorted(set(learned.offsets.tolist()) - set(whole.offsets.tolist()))
    assert len({max(begin for begin in ends if begin <= place) for place in cut}) == len(held_out.targets)
    for place in trained_on(learned):
        begin = max(one for one in ends if one <= place)
        firsts = [one for one in cut if begin < one < ends[begin]]
        assert not firsts or place < min(firsts)
    if not repeats:
        pairs = zip(histories.offsets, histories.offsets[1:], held_out.targets, strict=False)
        assert all(target not in histories.product[begin:end] for begin, end, target in pairs)


def test_the_last_moment_is_held_out_whole() -> None:
    whole = sequences([(1, 1), (2, 2), (3, 2), (0, 3)], [(4, 1)], [(0, 1), (0, 2)])
    learned, held_out = hold_out(whole, share=1.0)
    assert held_out.targets.tolist() == [2]
    assert held_out.histories.product.tolist() == [1]
    assert trained_on(learned) == {5, 6}
    assert learned.product is whole.product, "nothing is copied"


def test_without_repeats_the_target_is_new() -> None:
    whole = sequences([(1, 1), (1, 2), (2, 2)], [(3, 1), (3, 2)])
    assert hold_out(whole, repeats=False, share=1.0)[1].targets.tolist() == [2]
    assert sorted(hold_out(whole, share=1.0)[1].targets.tolist()) == [1, 3]


def test_a_tenth_always_the_same() -> None:
    whole = sequences(*[[(1, 1), (n % 5 + 1, 2)] for n in range(100)])
    first, second = hold_out(whole), hold_out(whole)
    assert len(first[1].targets) == 10
    assert first[0].offsets.tolist() == second[0].offsets.tolist()
    assert len(hold_out(whole, most=3)[1].targets) == 3
