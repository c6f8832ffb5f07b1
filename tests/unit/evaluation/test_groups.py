"""Gaps between groups: by the books, rarely found where there are none, and never claimed of a handful."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from foresell.contracts.errors import InputError
from foresell.evaluation.groups import group_gaps


def scores(**groups: list[float]) -> pl.DataFrame:
    rows = [(name, value) for name, values in groups.items() for value in values]
    return pl.DataFrame(rows, schema={"group": pl.String, "ndcg": pl.Float64}, orient="row")


def test_two_groups_have_the_interval_of_the_books() -> None:
    """Each of two gaps is judged at 97.5%, so that both hold together at 95%."""
    random = np.random.default_rng(1)
    new, regular = random.normal(0.1, 0.2, 40), random.normal(0.3, 0.1, 60)
    found = group_gaps(scores(new=list(new), regular=list(regular)), "ndcg").to_dicts()
    book = stats.ttest_ind(new, regular, equal_var=False).confidence_interval(0.975)
    assert (found[0]["gap_lower"], found[0]["gap_upper"]) == pytest.approx((book.low, book.high))
    alone = stats.ttest_1samp(new, 0).confidence_interval(0.95)
    assert (found[0]["lower"], found[0]["upper"]) == pytest.approx((alone.low, alone.high))
    assert found[1]["gap"] == pytest.approx(-found[0]["gap"])
    assert found[0]["is_apart"]


def test_twenty_equal_groups_are_seldom_found_apart() -> None:
    random = np.random.default_rng(2)
    times = 150
    false = 0
    for _ in range(times):
        values = random.exponential(1.0, 20 * 40)
        frame = pl.DataFrame({"group": np.arange(800) % 20, "ndcg": values})
        false += bool(group_gaps(frame, "ndcg")["is_apart"].any())
    assert false / times < 0.15


def test_small_groups_are_named_and_not_judged() -> None:
    frame = scores(few=[0.0] * 28 + [0.01], many=[1.0] * 60 + [0.9], one=[0.5])
    found = {row["group"]: row for row in group_gaps(frame, "ndcg").to_dicts()}
    assert [found[name]["is_small"] for name in ("few", "many", "one")] == [True, False, True]
    assert found["few"]["gap_upper"] < 0
    assert not found["few"]["is_apart"]
    assert found["many"]["is_apart"]
    assert (found["one"]["num_customers"], found["one"]["lower"], found["one"]["gap_lower"]) == (
        1,
        None,
        None,
    )


def test_customers_without_a_group_are_a_group_and_those_without_a_score_are_left_out() -> None:
    frame = pl.DataFrame(
        {"group": [None, None, "a", "a", "a"], "ndcg": [0.1, 0.3, 0.4, None, float("nan")]},
        schema={"group": pl.String, "ndcg": pl.Float64},
    )
    found = group_gaps(frame, "ndcg")
    assert found.select("group", "num_customers").rows() == [(None, 2), ("a", 1)]
    assert found["gap"].to_list() == pytest.approx([-0.2, 0.2])


def test_one_group_has_nobody_to_differ_from() -> None:
    found = group_gaps(scores(all=[0.1, 0.2]), "ndcg").to_dicts()
    assert (found[0]["value"], found[0]["gap"]) == (pytest.approx(0.15), None)


def test_what_is_missing_is_told() -> None:
    with pytest.raises(InputError, match="Add recall"):
        group_gaps(scores(a=[1.0]), "recall")
    with pytest.raises(InputError, match="No customer"):
        group_gaps(scores(), "ndcg")
