"""k-means finds what is there, the same each time, and says so when there is too little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.agreement import adjusted_rand
from foresell.predict.customers.segments.kmeans import k_means, nearest_two, unit_length

points = arrays(np.float64, (30, 2), elements=st.floats(-5, 5).map(lambda x: round(x, 3)), unique=True)


def blobs(seed=1):
    random = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], [60, 40, 20])
    centers = np.array([(0, 0), (5, 0), (0, 5)])
    return centers[truth] + 0.3 * random.normal(size=(120, 2)), truth


def test_groups_are_found_the_larger_first():
    found = k_means(blobs()[0], 3, seed=0)
    assert adjusted_rand(found.labels, blobs()[1]) == 1.0
    assert np.bincount(found.labels).tolist() == [60, 40, 20]
    np.testing.assert_allclose(found.centers, [(0, 0), (5, 0), (0, 5)], atol=0.2)


@given(points, st.integers(1, 5))
def test_every_point_is_with_its_nearest_center_and_a_seed_decides(cloud, k):
    found = k_means(cloud, k, seed=3, starts=2)
    distances = ((cloud[:, None] - found.centers) ** 2).sum(axis=2)
    mine = distances[np.arange(len(cloud)), found.labels]
    assert (mine <= distances.min(axis=1) + 1e-9).all()
    assert found.inertia == pytest.approx(mine.sum(), abs=1e-6)
    again = k_means(cloud, k, seed=3, starts=2)
    np.testing.assert_array_equal(found.labels, again.labels)


def test_more_starts_are_never_worse():
    cloud = np.random.default_rng(0).normal(size=(200, 2))
    assert k_means(cloud, 6, seed=0, starts=10).inertia <= k_means(cloud, 6, seed=0, starts=1).inertia


def test_directions_are_grouped_whatever_their_length():
    random = np.random.default_rng(2)
    truth = random.integers(2, size=100)
    rays = np.array([(1.0, 0.0), (0.0, 1.0)])[truth] * random.uniform(0.1, 50, size=(100, 1))
    rays += 0.01 * random.normal(size=rays.shape)
    found = k_means(unit_length(rays), 2, seed=0, is_spherical=True)
    assert adjusted_rand(found.labels, truth) == 1.0
    np.testing.assert_allclose(np.linalg.norm(found.centers, axis=1), 1.0)


def test_distances_are_those_to_the_nearest_and_the_next():
    labels, first, second = nearest_two(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 0.0]]))
    assert (labels[0], first[0], second[0]) == (0, 1.0, 4.0)
    assert np.isinf(nearest_two(np.array([[1.0]]), np.array([[0.0]]))[2][0])


def test_too_few_different_points_are_refused():
    with pytest.raises(InputError, match="fewer different customers"):
        k_means(np.ones((50, 2)), 2, seed=0)
