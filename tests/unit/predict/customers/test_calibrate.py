import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.evaluation.calibration import calibration_error
from foresell.predict.customers.calibrate import METHODS, OF_TARGET, Calibrator, choose_calibrator


def drawn(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, pl.Series]:
    """What happens, its true chance, and whose each row is: two rows a customer."""
    random = np.random.default_rng(seed)
    chance = random.beta(1, 3, number)
    return (random.random(number) < chance).astype(float), chance, pl.Series(np.arange(number) // 2)


def bent(chance: np.ndarray) -> np.ndarray:
    """Log-odds doubled and shifted: what Platt's curve undoes."""
    odds = 2 * np.log(chance / (1 - chance)) + 1
    return 1 / (1 + np.exp(-odds))


@pytest.mark.parametrize("method", OF_TARGET["happens"][1:])
def test_a_bent_model_is_made_true(method: str) -> None:
    labels, chance, _ = drawn(40_000)
    later, true, _ = drawn(40_000, seed=1)
    curve = Calibrator(method, METHODS[method].fit(labels, bent(chance)))
    assert calibration_error(later, bent(true)) > 0.1
    assert calibration_error(later, curve.apply(bent(true))) < 0.02


def test_a_true_model_is_left_as_it_is() -> None:
    labels, chance, entities = drawn(4_000)
    assert choose_calibrator(labels, chance, entities, "happens").calibrator.method == "none"


def test_a_bent_model_is_not_left_and_validation_is_told_without_its_own_customer() -> None:
    labels, chance, entities = drawn(4_000)
    found = choose_calibrator(labels, bent(chance), entities, "happens")
    assert found.calibrator.method != "none"
    assert found.losses[found.calibrator.method] < found.losses["none"]
    assert np.abs(found.predicted - chance).mean() < 0.03
    own = found.calibrator.apply(bent(chance))
    assert not np.array_equal(own, found.predicted)


@given(
    predicted=st.lists(st.floats(0, 1), min_size=2, max_size=30),
    seed=st.integers(0, 5),
    method=st.sampled_from(OF_TARGET["happens"]),
)
def test_curves_rise_and_stay_between_0_and_1(predicted: list[float], seed: int, method: str) -> None:
    labels, chance, _ = drawn(100, seed)
    found = Calibrator(method, METHODS[method].fit(labels, chance)).apply(np.sort(predicted))
    assert (np.diff(found) >= -1e-12).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_steps_never_tell_a_certainty() -> None:
    curve = Calibrator(
        "isotonic", METHODS["isotonic"].fit(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]))
    )
    assert curve.apply(np.array([0.0, 1.0])).tolist() == [1 / 6, 5 / 6]


def test_with_next_to_nothing_it_is_left_as_it_is() -> None:
    found = choose_calibrator(np.array([1.0, 0.0]), np.array([0.6, 0.4]), pl.Series(["a", "b"]), "happens")
    assert found.calibrator.method == "none"
    assert found.predicted.tolist() == [0.6, 0.4]


def test_amounts_that_are_too_low_are_scaled() -> None:
    random = np.random.default_rng(0)
    mean = random.gamma(2, 10, 3_000)
    labels = random.gamma(1, mean)
    found = choose_calibrator(labels, mean / 2, pl.Series(np.arange(3_000)), "amount").calibrator
    assert found.method == "scale"
    assert found.numbers[0] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_kept_as_a_table_it_is_the_same(method: str) -> None:
    labels, chance, _ = drawn(50)
    curve = Calibrator(method, METHODS[method].fit(labels, chance))
    assert Calibrator.from_table(curve.to_table()) == curve
