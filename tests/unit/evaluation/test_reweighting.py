"""Weights make group and outcome independent; what that gains and costs is judged on the same people."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.evaluation.fairness import Decisions, fairness
from foresell.evaluation.money import Costs
from foresell.evaluation.reweighting import drawn_by_weight, fair_weights, trade

rows = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 1)), min_size=1, max_size=80)


@given(rows)
def test_with_weights_every_group_has_the_same_rate(drawn):
    groups = pl.Series([group for group, _ in drawn], dtype=pl.String)
    labels = np.array([label for _, label in drawn], np.float64)
    weights = fair_weights(groups, labels, least_rows=1)
    assert (weights > 0).all()
    for group in groups.unique():
        own = np.asarray([one == group for one in groups])
        if 0 < labels[own].mean() < 1:
            assert np.average(labels[own], weights=weights[own]) == pytest.approx(labels.mean())
            assert weights[own].sum() == pytest.approx(own.sum())


def test_weights_are_kamiran_and_calders_own():
    """Their example of ten people: five men of whom four succeed, five women of whom two do."""
    groups = pl.Series(["m"] * 5 + ["f"] * 5)
    labels = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0], np.float64)
    weights = fair_weights(groups, labels, least_rows=1)
    assert weights[[0, 4, 5, 7]].round(2).tolist() == [0.75, 2.0, 1.5, 0.67]


def test_small_groups_count_as_one():
    groups = pl.Series(["a"] * 60 + ["b"] * 2 + ["c"] * 2)
    labels = np.array([0, 1] * 30 + [1, 1, 0, 0], np.float64)
    assert fair_weights(groups, labels).tolist() == pytest.approx([1.0] * 64)


@given(rows, st.integers(0, 3))
def test_rows_are_drawn_as_often_as_they_weigh(drawn, seed):
    labels = np.array([label for _, label in drawn], np.float64)
    weights = fair_weights(pl.Series([group for group, _ in drawn], dtype=pl.String), labels, least_rows=1)
    scaled = weights * len(weights) / weights.sum()
    taken = drawn_by_weight(weights, seed=seed)
    counts = np.bincount(taken, minlength=len(labels))
    assert len(taken) == len(labels)
    assert (np.abs(counts - scaled) < 1 + 1e-9).all()
    assert (np.diff(taken) >= 0).all()


def judged(
    is_chosen: np.ndarray, predicted: np.ndarray, made: tuple[np.ndarray, pl.Series, pl.DataFrame]
) -> Decisions:
    labels, entities, groups = made
    return Decisions(labels, predicted, is_chosen, entities, groups)


@pytest.fixture(scope="module")
def two_models() -> tuple[Decisions, Decisions]:
    """A trait that says more of group a, and a score that knows it or not."""
    random = np.random.default_rng(4)
    number = 3000
    is_a = random.random(number) < 0.4
    taste = random.normal(size=number)
    chance = 1 / (1 + np.exp(-(taste + 1.2 * is_a - 0.6)))
    labels = (random.random(number) < chance).astype(np.float64)
    made = (
        labels,
        pl.Series(np.arange(number) // 2),
        pl.DataFrame({"band": np.where(is_a, "a", "b"), "place": (np.arange(number) % 3).astype(str)}),
    )
    blind = 1 / (1 + np.exp(-taste))
    return judged(chance > 0.5, chance, made), judged(blind > 0.5, blind, made)


def test_a_fairer_model_closes_the_gap_and_what_it_costs_is_told(two_models):
    before, after = two_models
    found = trade(before, after, costs=Costs(false_positive=1, false_negative=1), samples=200)
    (chosen,) = found.gaps.filter(
        pl.col("attribute") == "band", pl.col("group") == "a", pl.col("measure") == "selection_rate"
    ).to_dicts()
    assert chosen["gap_before"] > 0.3
    assert abs(chosen["gap_after"]) < 0.06
    assert chosen["closes_lower"] > 0.3
    measured = fairness(before, samples=2).filter(
        pl.col("attribute") == "band", pl.col("group") == "a", pl.col("measure") == "selection_rate"
    )
    assert measured["gap"].item() == pytest.approx(chosen["gap_before"])
    assert found.costs["auroc"].upper < 0
    assert found.costs["brier"].lower > 0
    assert found.costs["money"].upper < 0
    own = before.labels * (after.is_chosen * 1.0 - before.is_chosen) - (1 - before.labels) * (
        after.is_chosen * 1.0 - before.is_chosen
    )
    assert found.costs["money"].value == pytest.approx(own.mean())


def test_the_interval_is_that_of_a_bootstrap_over_people(two_models):
    before, after = two_models
    (row,) = (
        trade(before, after, samples=2)
        .gaps.filter(
            pl.col("attribute") == "band", pl.col("group") == "a", pl.col("measure") == "true_positive_rate"
        )
        .to_dicts()
    )
    random = np.random.default_rng(0)
    people, is_a = before.entities.to_numpy(), (before.groups["band"] == "a").to_numpy()
    drawn = []
    for _ in range(400):
        weights = np.bincount(random.integers(1500, size=1500), minlength=1500)[people] * before.labels
        gaps = [
            np.average(d.is_chosen[is_a], weights=weights[is_a])
            - np.average(d.is_chosen[~is_a], weights=weights[~is_a])
            for d in (before, after)
        ]
        drawn.append(abs(gaps[0]) - abs(gaps[1]))
    # Two groups are judged together: each at 97.5%.
    half = (row["closes_upper"] - row["closes_lower"]) / 2
    assert half == pytest.approx(2.2414 * np.std(drawn), rel=0.12)


def test_a_model_against_itself_gains_and_costs_nothing(two_models):
    before, _ = two_models
    found = trade(before, before, samples=10)
    assert found.gaps["closes"].abs().max() == 0
    assert {interval.value for interval in found.costs.values()} == {0.0}
    assert "money" not in found.costs


def test_other_rows_cannot_be_compared(two_models):
    before, after = two_models
    shuffled = Decisions(
        after.labels, after.predicted, after.is_chosen, after.entities.reverse(), after.groups
    )
    with pytest.raises(InputError, match="same rows"):
        trade(before, shuffled)
    with pytest.raises(InputError, match="label"):
        fair_weights(pl.Series(["a"]), np.array([2.0]))
