"""Diversity, novelty and calibration do what they say, and nothing where they weigh nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.recommend.serving.rerank import Reranking, Shortlist, rerank


def shortlist(number: int, seed: int = 0, wanted: tuple[float, ...] = (0.5, 0.5)) -> Shortlist:
    random = np.random.default_rng(seed)
    vectors = random.random((number, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Shortlist(
        scores_N=np.sort(random.random(number))[::-1],
        likeness_NN=vectors @ vectors.T,
        novelty_N=random.random(number),
        category_N=random.integers(-1, len(wanted), number),
        wanted_C=np.asarray(wanted),
    )


@given(st.integers(0, 30), st.integers(1, 10), st.integers(0, 9), *[st.floats(0, 2)] * 3)
def test_every_candidate_stays_once(
    number: int, k: int, seed: int, diversity: float, novelty: float, calibration: float
) -> None:
    order = rerank(shortlist(number, seed), Reranking(diversity, novelty, calibration), k)
    assert sorted(order) == list(range(number))


def test_no_weight_leaves_the_order() -> None:
    assert rerank(shortlist(9), Reranking(), 5).tolist() == list(range(9))


def test_the_twin_of_the_first_steps_back() -> None:
    likeness = np.array([[1.0, 0.95, 0.0], [0.95, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = Shortlist(np.array([1.0, 0.9, 0.6]), likeness, np.zeros(3), np.full(3, -1), np.zeros(0))
    assert rerank(found, Reranking(diversity=0.5), 3).tolist() == [0, 2, 1]
    assert rerank(found, Reranking(diversity=0.1), 3).tolist() == [0, 1, 2]


def test_the_customers_own_mix_is_shown() -> None:
    scores = np.linspace(1.0, 0.9, 20)
    category = np.array([0] * 10 + [1] * 10)
    wanted = np.array([0.3, 0.7])
    found = Shortlist(scores, np.zeros((20, 20)), np.zeros(20), category, wanted)
    shown = category[rerank(found, Reranking(calibration=5.0), 10)[:10]]
    assert np.bincount(shown).tolist() == [3, 7]


def test_novelty_lifts_what_few_take() -> None:
    found = Shortlist(np.array([1.0, 0.95]), np.eye(2), np.array([0.0, 1.0]), np.full(2, -1), np.zeros(0))
    assert rerank(found, Reranking(novelty=0.1), 2).tolist() == [1, 0]


def test_a_weight_below_0_is_refused() -> None:
    with pytest.raises(InputError, match="below 0"):
        Reranking(diversity=-0.1)
