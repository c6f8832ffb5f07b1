"""Numbers named "scikit-learn" were computed by scikit-learn 1.9.1 from the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.evaluation.calibration import calibration_error, reliability
from foresell.evaluation.classification import (
    SCORES,
    classification_scores,
    gains,
    score_differences,
    score_of,
)


def drawn() -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """200 rows with ties."""
    random = np.random.default_rng(12)
    labels = (random.random(200) < 0.3).astype(float)
    return labels, np.round(np.clip(0.25 * labels + random.random(200) * 0.7, 0, 1), 2), random


@pytest.mark.parametrize(
    ("name", "of_scikit_learn"),
    [
        ("auroc", 0.7462462462462462),
        ("aupr", 0.7067108289227356),
        ("log_loss", 0.560361255599953),
        ("brier", 0.1968095),
        ("accuracy", 0.605),
    ],
)
def test_scores_are_those_of_scikit_learn(name: str, of_scikit_learn: float) -> None:
    labels, predicted, _ = drawn()
    assert score_of(name, labels, predicted) == pytest.approx(of_scikit_learn, rel=1e-12)


def test_weighted_scores_are_those_of_scikit_learn() -> None:
    labels, predicted, random = drawn()
    weights = random.integers(0, 4, 200)
    assert score_of("auroc", labels, predicted, weights) == pytest.approx(0.7076730608840701, rel=1e-12)
    assert score_of("aupr", labels, predicted, weights) == pytest.approx(0.6468763616187877, rel=1e-12)


def test_by_hand() -> None:
    # Pairs (happens, does not): .8>.6, .8>.2, .6=.6 half, .6>.2: 3.5 of 4.
    assert score_of("auroc", [1, 1, 0, 0], [0.8, 0.6, 0.6, 0.2]) == 3.5 / 4
    # Recall .5 at precision 1, then 1 at 2/3 (both of .6 at once).
    assert score_of("aupr", [1, 1, 0, 0], [0.8, 0.6, 0.6, 0.2]) == pytest.approx(0.5 + 0.5 * 2 / 3)


ROWS = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2)


@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_changes_no_score(rows: list[tuple[bool, float]], seed: int) -> None:
    labels, predicted = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    shuffle = np.random.default_rng(seed).permutation(len(rows))
    for name in SCORES:
        one = score_of(name, labels, predicted)
        assert score_of(name, labels[shuffle], predicted[shuffle]) == pytest.approx(
            one, nan_ok=True, abs=1e-9
        )


@given(rows=ROWS)
def test_a_rising_curve_changes_no_order_and_turning_it_mirrors_auroc(rows: list[tuple[bool, float]]) -> None:
    labels, predicted = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    for name in ("auroc", "aupr"):
        one = score_of(name, labels, predicted)
        assert score_of(name, labels, predicted**2 / 2) == pytest.approx(one, nan_ok=True)
    turned = score_of("auroc", labels, 1 - predicted)
    assert turned == pytest.approx(1 - score_of("auroc", labels, predicted), nan_ok=True)


@given(rows=ROWS)
def test_counting_every_row_twice_is_a_weight_of_two(rows: list[tuple[bool, float]]) -> None:
    labels, predicted = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    for name in SCORES:
        twice = score_of(name, np.tile(labels, 2), np.tile(predicted, 2))
        by_weight = score_of(name, labels, predicted, np.full(len(rows), 2.0))
        if name == "calibration_error":
            continue
        assert by_weight == pytest.approx(twice, nan_ok=True)


def test_one_class_has_no_order() -> None:
    assert np.isnan(score_of("auroc", [1, 1], [0.2, 0.4]))
    assert np.isnan(score_of("aupr", [0, 0], [0.2, 0.4]))


@pytest.mark.parametrize(
    ("labels", "predicted"), [([2, 0], [0.1, 0.2]), ([1, 0], [1.1, 0.2]), ([], []), ([1], [np.nan])]
)
def test_what_is_no_label_or_chance_is_refused(labels: list[float], predicted: list[float]) -> None:
    with pytest.raises(InputError):
        score_of("auroc", labels, predicted)


def test_intervals_are_as_wide_as_the_number_of_customers_says() -> None:
    random = np.random.default_rng(0)
    chance = np.repeat(random.random(100), 20)
    labels = np.repeat((random.random(100) < chance[::20]).astype(float), 20)
    by_customer = classification_scores(labels, chance, np.repeat(np.arange(100), 20), seed=1, samples=200)
    by_row = classification_scores(labels, chance, np.arange(2_000), seed=1, samples=200)
    widths = [found["brier"].upper - found["brier"].lower for found in (by_customer, by_row)]
    assert widths[0] / widths[1] == pytest.approx(20**0.5, rel=0.3)
    assert by_customer["brier"].value == by_row["brier"].value


def test_two_models_are_compared_on_the_same_customers() -> None:
    random = np.random.default_rng(3)
    chance = random.random(2_000)
    labels = (random.random(2_000) < chance).astype(float)
    worse = np.clip(chance + random.normal(0, 0.3, 2_000), 0, 1)
    paired = score_differences(labels, worse, chance, np.arange(2_000), seed=0, samples=300)["auroc"]
    alone = classification_scores(labels, chance, np.arange(2_000), seed=0, samples=300)["auroc"]
    assert paired.value == pytest.approx(score_of("auroc", labels, chance) - score_of("auroc", labels, worse))
    assert paired.lower > 0
    assert paired.upper - paired.lower < alone.upper - alone.lower


def test_gains_by_hand_share_ties_at_a_border() -> None:
    # Four rows of .5 hold two that happen; the border of halves cuts them in two.
    found = gains([1, 1, 0, 0, 1, 0], [0.9, 0.5, 0.5, 0.5, 0.5, 0.1], parts=2)
    assert found["gain"].to_list() == [pytest.approx(2 / 3), 1.0]
    assert found["lift"].to_list() == [pytest.approx(4 / 3), pytest.approx(2 / 3)]
    assert gains([0, 0], [0.1, 0.2], parts=2)["lift"].to_list() == [None, None]


def test_a_perfect_model_has_no_calibration_error_but_that_of_chance() -> None:
    errors, plugged_in = [], []
    for seed in range(40):
        random = np.random.default_rng(seed)
        chance = random.random(1_000)
        labels = (random.random(1_000) < chance).astype(float)
        errors.append(calibration_error(labels, chance) ** 2)
        plugged_in.append(
            float(
                (
                    (
                        reliability(labels, chance, bins=15)["predicted"]
                        - reliability(labels, chance, bins=15)["rate"]
                    )
                    ** 2
                ).mean()
            )
        )
    assert np.mean(errors) < np.mean(plugged_in) / 2


def test_a_shift_is_found_in_full() -> None:
    random = np.random.default_rng(5)
    chance = random.uniform(0.2, 0.6, 40_000)
    labels = (random.random(40_000) < chance).astype(float)
    assert calibration_error(labels, chance + 0.1) == pytest.approx(0.1, abs=0.01)
    found = classification_scores(labels, chance, np.arange(40_000), seed=0, samples=50)["calibration_error"]
    assert found.lower == 0.0
    assert found.upper < 0.02


def test_reliability_by_hand() -> None:
    found = reliability([0, 0, 1, 1, 0], [0.1, 0.1, 0.7, 0.7, 0.7], bins=2)
    assert found["num_rows"].to_list() == [2, 3]
    assert found["rate"].to_list() == [0.0, pytest.approx(2 / 3)]
    # Wilson's interval of 2 of 3.
    assert found["lower"][1] == pytest.approx(0.2077, abs=1e-4)
    assert found["upper"][1] == pytest.approx(0.9385, abs=1e-4)
