"""What is logged as a propensity is the chance with which it was drawn, whatever the rules allow."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.recommend.beta_maximum import BetaMaximum
from foresell.predict.recommend.explore import (
    Best,
    Bools,
    Chosen,
    Epsilon,
    Ints,
    MayFollow,
    Policy,
    Thompson,
    explore,
    propensities,
)

SIZE = 5
SCORES = np.array([0.2, 0.9, 0.4, 0.9, 0.1])
CLICKS = Thompson.of_clicks([0, 5, 2, 1, 30], [0, 200, 40, 90, 800], prior_rate=0.03)
POLICIES = {"best": Best(), "epsilon": Epsilon(0.4), "thompson": CLICKS}


def at_most(most: int, group: list[int]) -> MayFollow:
    """A cap, as the rules give it: no more than `most` of one group."""
    is_in = np.isin(np.arange(SIZE), group)

    def may_follow(chosen: Ints) -> Bools:
        return ~is_in if is_in[chosen].sum() >= most else np.ones(SIZE, dtype=bool)

    return may_follow


def whole(policy: Policy, before: list[int], may_follow: MayFollow | None = None) -> np.ndarray:
    """The chance of every candidate to come next."""
    return np.array(
        [
            propensities(SCORES, [*before, one], policy, may_follow)[-1]
            for one in range(SIZE)
            if one not in before
        ]
    )


counts = st.floats(0.5, 2000)
posteriors = st.lists(st.tuples(counts, counts), min_size=1, max_size=12)


@given(st.lists(st.floats(0.3, 400), min_size=1, max_size=10))
def test_the_largest_of_powers_is_known_in_closed_form(alphas: list[float]) -> None:
    """F(x) = x^a, so that P(i is the largest) = a_i / Σ a."""
    alpha = np.array(alphas)
    found = BetaMaximum.of(alpha, np.ones_like(alpha)).chances(np.ones(len(alpha), dtype=bool))
    assert found == pytest.approx(alpha / alpha.sum(), abs=2e-5)


def test_posteriors_of_any_width_agree_with_many_draws() -> None:
    alpha, beta = np.array([1, 6, 40, 3_000, 0.5]), np.array([40, 150, 900, 70_000, 4])
    found = BetaMaximum.of(alpha, beta).chances(np.ones(5, dtype=bool))
    draws = np.random.default_rng(1).beta(alpha, beta, size=(200_000, 5)).argmax(axis=1)
    often = np.bincount(draws, minlength=5) / len(draws)
    assert np.abs(found - often).max() < 4 * 0.5 / len(draws) ** 0.5


@given(posteriors, st.data())
def test_chances_of_any_set_add_up_to_one_and_stay_in_it(
    both: list[tuple[float, float]], data: st.DataObject
) -> None:
    alpha, beta = np.array(both).T
    is_in = np.array(data.draw(st.lists(st.booleans(), min_size=len(both), max_size=len(both))))
    is_in[0] = True
    found = BetaMaximum.of(alpha, beta).chances(is_in)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert (found[~is_in] == 0).all()


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("before", [[], [3], [4, 1]])
def test_chances_add_up_to_one_after_any_start(policy: Policy, before: list[int]) -> None:
    assert whole(policy, before).sum() == pytest.approx(1)
    capped = whole(policy, before, at_most(1, [1, 3]))
    assert capped.sum() == pytest.approx(1)


@pytest.mark.parametrize("policy", [Epsilon(0.4), CLICKS], ids=["epsilon", "thompson"])
def test_lists_come_as_often_as_their_propensities_say(policy: Policy) -> None:
    may_follow = at_most(1, [1, 3])
    times = 4_000
    lists = [explore(SCORES, 2, policy, seed, may_follow) for seed in range(times)]
    chance = {tuple(each.order_K): float(each.propensity_K.prod()) for each in lists}
    often = Counter(tuple(each.order_K) for each in lists)
    for order, count in often.items():
        expected = chance[order] * times
        assert abs(count - expected) < 4.5 * (expected * (1 - chance[order])) ** 0.5 + 1
    assert sum(chance.values()) == pytest.approx(1, abs=0.02)


@settings(max_examples=60)
@given(
    scores=st.lists(st.floats(-5, 5), min_size=0, max_size=15),
    k=st.integers(0, 20),
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["best", "epsilon", "thompson"]),
    data=st.data(),
)
def test_a_list_has_no_repeats_obeys_the_caps_and_is_the_same_again(
    scores: list[float], k: int, seed: int, kind: str, data: st.DataObject
) -> None:
    size = len(scores)
    groups = np.array(data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)), dtype=np.int64)
    alpha = np.array(data.draw(st.lists(st.floats(0.5, 50), min_size=size, max_size=size)))
    policy = {"best": Best(), "epsilon": Epsilon(0.3), "thompson": Thompson(alpha, alpha + 1)}[kind]

    def may_follow(chosen: Ints) -> Bools:
        full = np.bincount(groups[chosen], minlength=3) >= 2
        return np.asarray(~full[groups])

    found = explore(scores, k, policy, seed, may_follow)
    order = found.order_K.tolist()
    assert len(set(order)) == len(order)
    assert len(order) == min(k, sum(min(2, int((groups == one).sum())) for one in range(3)))
    assert (np.bincount(groups[order], minlength=3) <= 2).all()
    assert ((found.propensity_K > 0) & (found.propensity_K <= 1)).all()
    again = explore(scores, k, policy, seed, may_follow)
    assert again.order_K.tolist() == order
    assert propensities(scores, order, policy, may_follow) == pytest.approx(found.propensity_K)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=12), st.integers(0, 99))
def test_without_exploration_the_best_come_first_and_equal_ones_by_position(
    scores: list[float], seed: int
) -> None:
    best = np.argsort(-np.array(scores), kind="stable").tolist()
    for policy in (Best(), Epsilon(0.0)):
        found = explore(scores, len(scores), policy, seed)
        assert found.order_K.tolist() == best
        assert (found.propensity_K == 1).all()


def test_epsilon_by_hand() -> None:
    """Five candidates, two of them best alike: the first in position is the best; then the other."""
    assert whole(Epsilon(0.4), []) == pytest.approx([0.08, 0.68, 0.08, 0.08, 0.08])
    assert whole(Epsilon(0.4), [1]) == pytest.approx([0.1, 0.1, 0.7, 0.1])


def test_a_list_that_the_policy_would_not_show_has_no_chance() -> None:
    assert propensities(SCORES, [1, 4, 3], Best()).tolist() == [1, 0, 1]
    assert propensities(SCORES, [1, 3], Epsilon(0.4), at_most(1, [1, 3])).tolist() == [pytest.approx(0.68), 0]


def test_nothing_to_choose_from_and_nothing_that_may_follow() -> None:
    none = Thompson(np.empty(0), np.empty(0))
    for policy in (Best(), Epsilon(0.2), none):
        assert explore([], 5, policy, 1).order_K.shape == (0,)
    found: Chosen = explore(SCORES, 5, Best(), 1, lambda chosen: np.zeros(SIZE, dtype=bool))
    assert found.order_K.shape == found.propensity_K.shape == (0,)


def test_a_candidate_never_shown_is_shown_more_often_than_one_known_to_be_bad() -> None:
    policy = Thompson.of_clicks([0, 1], [0, 20_000], prior_rate=0.02)
    assert propensities([0.0, 0.0], [0], policy)[0] > 0.99


def test_two_hundred_candidates_and_fifty_slots_have_true_chances() -> None:
    random = np.random.default_rng(2)
    shown = random.integers(0, 100_000, 200)
    policy = Thompson.of_clicks(random.binomial(shown, 0.02), shown, prior_rate=0.02)
    found = explore(random.random(200), 50, policy, 3)
    assert len(set(found.order_K.tolist())) == 50
    assert propensities(np.zeros(200), found.order_K, policy) == pytest.approx(found.propensity_K)


def test_what_is_no_chance_or_no_count_is_refused() -> None:
    with pytest.raises(InputError, match="Epsilon"):
        Epsilon(1.5)
    with pytest.raises(InputError, match="More clicks"):
        Thompson.of_clicks([3], [2], prior_rate=0.1)
    with pytest.raises(InputError, match="prior click rate"):
        Thompson.of_clicks([1], [2], prior_rate=0.0)
    with pytest.raises(InputError, match="above 0"):
        Thompson(np.array([0.0]), np.array([1.0]))
    with pytest.raises(InputError, match="for each candidate"):
        explore(SCORES, 2, Thompson(np.ones(2), np.ones(2)), 1)
    with pytest.raises(InputError, match="one score"):
        explore([0.1, float("nan")], 2, Best(), 1)
