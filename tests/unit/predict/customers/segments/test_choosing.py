"""The number of segments is justified by figures, and a choice that cannot stand is refused."""

import numpy as np
import pytest

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.choosing import (
    Choosing,
    are_separate,
    choose_again,
    chosen_number,
    judge_candidates,
    silhouette,
)


def blobs(sizes, seed=0, spread=0.3):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    centers = 6 * np.array([(0, 0), (1, 0), (0, 1), (1, 1), (2, 2)])
    return centers[truth] + spread * random.normal(size=(len(truth), 2))


def test_four_groups_are_found_and_called_separate():
    candidates = judge_candidates(blobs([80, 60, 70, 50]), Choosing(most=6), seed=0)
    assert chosen_number(candidates) == 4
    assert are_separate(candidates)
    row = candidates.filter(candidates["num_segments"] == 4).row(0, named=True)
    assert row["silhouette"] > 0.8
    assert row["stability"] > 0.99
    assert candidates["num_segments"].to_list() == [1, 2, 3, 4, 5, 6]


def test_one_crowd_is_not_called_separate():
    cloud = np.random.default_rng(3).uniform(size=(300, 3))
    assert not are_separate(judge_candidates(cloud, Choosing(most=5), seed=0))


def test_a_number_that_leaves_a_group_too_small_is_not_chosen():
    points = blobs([100, 100, 4])
    found = judge_candidates(points, Choosing(most=4), seed=0)
    assert not found.filter(found["num_segments"] == 3)["is_allowed"][0]
    assert chosen_number(found) == 2


def test_a_number_that_is_asked_for_is_taken_and_judged_beside_others():
    found = judge_candidates(blobs([60, 60]), Choosing(num_segments=3, most=4), seed=0)
    assert chosen_number(found) == 3
    assert found["num_segments"].to_list() == [1, 2, 3, 4]


def test_the_number_of_before_is_kept_while_it_is_allowed():
    choosing = Choosing(most=4)
    found = judge_candidates(blobs([100, 100, 100, 100]), choosing, seed=0)
    assert chosen_number(found) == 4
    allowed = found.filter("is_allowed")["num_segments"].to_list()
    for before in (2, 3, 4, 7):
        wanted = before if before in allowed else 4
        assert chosen_number(choose_again(found, choosing, before)) == wanted


def test_silhouettes_are_those_of_the_definition():
    # a = 1; b = (4 + 5) / 2, (3 + 4) / 2, then (5 + 6) / 2... of points 0, 1 and 5, 6 on a line.
    points = np.array([[0.0], [1.0], [5.0], [6.0]])
    outer, inner = (5.5 - 1) / 5.5, (4.5 - 1) / 4.5
    assert silhouette(points, np.array([0, 0, 1, 1])) == pytest.approx((outer + inner) / 2)


def test_too_few_customers_are_refused_by_name():
    with pytest.raises(InputError, match="at least 20 customers"):
        judge_candidates(np.random.default_rng(0).normal(size=(19, 2)), Choosing(), seed=0)
    with pytest.raises(InputError, match="too few different customers"):
        judge_candidates(np.ones((50, 2)), Choosing(), seed=0)
    with pytest.raises(InputError, match="so many segments"):
        judge_candidates(np.random.default_rng(0).normal(size=(30, 2)), Choosing(num_segments=4), seed=0)
    with pytest.raises(InputError, match="the fewest first"):
        judge_candidates(np.random.default_rng(0).normal(size=(30, 2)), Choosing(fewest=5, most=3), seed=0)
