"""Numbers named "SciPy" were computed by SciPy from the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.evaluation.amounts import amount_differences, amount_score, amount_scores, concordance

AMOUNTS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([0.0, 1.0, 2.5, 7.0])), min_size=2, max_size=30
)


def test_spearman_is_that_of_scipy() -> None:
    random = np.random.default_rng(12)
    labels = (random.random(200) < 0.3).astype(float)
    np.round(np.clip(0.25 * labels + random.random(200) * 0.7, 0, 1), 2)
    random.integers(0, 4, 200)
    actual = np.round(random.gamma(1, 10, 200) * (random.random(200) < 0.6), 1)
    told = np.round(actual * 0.5 + random.random(200) * 20)
    assert amount_score("rank_correlation", actual, told) == pytest.approx(0.4876773446279768, rel=1e-12)


def test_gini_by_hand() -> None:
    # Money 6, 3, 1 in the order 3, 6, 1: areas .5·(0+.3)/3 … against the order of the money itself.
    area = 2 * (0.15 + 0.6 + 0.95) / 3 - 1
    best = 2 * (0.3 + 0.75 + 0.95) / 3 - 1
    assert amount_score("gini", [6, 3, 1], [2, 3, 1]) == pytest.approx(area / best)
    assert amount_score("gini", [6, 3, 1], [3, 2, 1]) == 1.0
    assert amount_score("gini", [6, 3, 1], [5, 5, 5]) == pytest.approx(0.0)
    assert np.isnan(amount_score("gini", [0, 0], [1, 2]))


@given(rows=AMOUNTS)
def test_the_order_of_rows_and_a_rising_curve_change_no_order(rows: list[tuple[int, float]]) -> None:
    actual, told = np.array([float(r[0]) for r in rows]), np.array([r[1] for r in rows])
    for name in ("gini", "rank_correlation"):
        one = amount_score(name, actual, told)
        assert amount_score(name, actual[::-1], told[::-1]) == pytest.approx(one, nan_ok=True)
        assert amount_score(name, actual, np.exp(told)) == pytest.approx(one, nan_ok=True)


def test_intervals_hold_the_value_and_a_better_model_is_seen() -> None:
    random = np.random.default_rng(1)
    actual = random.gamma(2, 10, 400)
    good, poor = actual + random.normal(0, 3, 400), actual + random.normal(0, 9, 400)
    found = amount_scores(actual, good, np.arange(400), seed=0, samples=100)
    assert all(one.lower <= one.value <= one.upper for one in found.values())
    gain = amount_differences(actual, poor, good, np.arange(400), seed=0, samples=100)
    assert gain["rmse"].upper < 0 < gain["gini"].lower


def test_concordance_by_hand() -> None:
    # Comparable: (2, 5), (2, censored), (5, censored). Told 1 < 3 right; 1 < 3 right; 3 = 3 half.
    found = concordance([2.0, 5.0, np.nan], [1.0, 3.0, 3.0], ["a", "b", "c"])
    assert found.value == pytest.approx(2.5 / 3)
    assert np.isnan(concordance([np.nan, np.nan], [1.0, 2.0], ["a", "b"]).value)


def test_concordance_is_auroc_where_all_dates_are_one_or_none() -> None:
    from foresell.evaluation.classification import score_of

    random = np.random.default_rng(2)
    happens = (random.random(300) < 0.4).astype(float)
    chance = random.random(300)
    dates = np.where(happens == 1, 7.0, np.nan)
    found = concordance(dates, -chance, np.arange(300))
    assert found.value == pytest.approx(score_of("auroc", happens, chance))


def test_concordance_intervals_hold_as_often_as_they_say() -> None:
    held = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        actual = random.normal(size=150)
        told = actual + random.normal(size=150)
        # Of two such pairs: 1/2 + asin(1/√2)/π.
        found = concordance(actual, told, np.arange(150))
        held += found.lower <= 0.75 <= found.upper
    assert 88 <= held <= 99


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(InputError):
        amount_score("mae", [1.0, np.nan], [1.0, 1.0])
