"""A flat picture keeps together what belongs together, and is always the same."""

import numpy as np
import pytest

from foresell.behavior.flat import flat


def groups(num_each: int = 15) -> np.ndarray:
    random = np.random.default_rng(0)
    centers = np.eye(3, 8, dtype=np.float32) * 5
    return np.concatenate([random.normal(c, 0.3, (num_each, 8)).astype(np.float32) for c in centers])


def test_neighbors_stay_neighbors() -> None:
    places = flat(groups(), neighbors=5)
    assert places.shape == (45, 2)
    apart = ((places[:, None] - places) ** 2).sum(2)
    np.fill_diagonal(apart, np.inf)
    # Where a whole group lies is the rounding's whim, and differs from machine to machine.
    assert (apart.argmin(1) // 15 == np.arange(45) // 15).mean() > 0.9
    assert np.abs(places).max() == pytest.approx(1)
    assert np.array_equal(places, flat(groups(), neighbors=5))


@pytest.mark.parametrize("num", [0, 1, 2, 3, 4, 7])
def test_few_points_and_equal_ones_have_places(num: int) -> None:
    assert flat(np.ones((num, 4), np.float32)).shape == (num, 2)
    assert np.isfinite(flat(np.ones((num, 4), np.float32))).all()
    assert np.isfinite(flat(np.zeros((num, 4), np.float32))).all()
