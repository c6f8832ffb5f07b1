"""Vectors in two dimensions, to look at: neighbors stay neighbors, distances between groups mean little.

t-SNE (van der Maaten and Hinton, JMLR 2008), exact, from a start by principal components, so the same vectors
always give the same picture. Time and memory grow with the square of their number: 2,000 take some seconds
and 100 MB.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NEIGHBORS = 20.0
STEPS, EARLY_STEPS, EARLY_FACTOR = 500, 150, 8.0
TRIES = 40
TINY = 1e-12


def flat(vectors_ND: NDArray[np.float32], neighbors: float = NEIGHBORS) -> Floats:
    """(N, 2), its mean 0 and its largest coordinate ±1. Vectors are compared by their directions.

    `neighbors`: how many each point is drawn to (the perplexity), a third of the others at most.
    """
    if not len(vectors_ND):
        return np.zeros((0, 2), np.float32)
    norms = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    directions_ND = (vectors_ND / np.maximum(norms, TINY)).astype(np.float32)
    places_N2 = _principal(directions_ND)
    if len(places_N2) > 3:
        likeness_NN = _likeness(directions_ND, min(neighbors, (len(places_N2) - 1) / 3))
        places_N2 = _moved(places_N2 * np.float32(1e-2), likeness_NN)
    places_N2 = places_N2 - places_N2.mean(0)
    return np.asarray(places_N2 / max(float(np.abs(places_N2).max(initial=0.0)), TINY), np.float32)


def _principal(x_ND: Floats) -> Floats:
    """(N, 2) the first two principal components, each scaled to deviation 1, its largest entry positive."""
    centered = x_ND - x_ND.mean(0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    places_N2 = np.zeros((len(x_ND), 2), np.float32)
    known = min(2, len(sizes))
    places_N2[:, :known] = left[:, :known] * np.sqrt(len(x_ND))
    # A component's sign is the solver's whim.
    signs = np.sign(places_N2[np.abs(places_N2).argmax(0), range(2)])
    return places_N2 * np.where(signs == 0, 1, signs).astype(np.float32)


def _likeness(x_ND: Floats, neighbors: float) -> Floats:
    """(N, N) how much each pair belongs together, all of it summing up to 1."""
    squares_NN = _squares(x_ND)
    np.fill_diagonal(squares_NN, np.inf)
    squares_NN -= squares_NN.min(1, keepdims=True)
    widths_N = _widths(squares_NN, np.log(neighbors))
    chances_NN = np.exp(-squares_NN * widths_N[:, None])
    chances_NN /= chances_NN.sum(1, keepdims=True)
    return np.asarray((chances_NN + chances_NN.T) / (2 * len(x_ND)), np.float32)


def _widths(squares_NN: Floats, wanted: float) -> Floats:
    """(N,) for each row the factor under which its chances have the wanted entropy; found by halving."""
    low, high = np.zeros(len(squares_NN), np.float32), np.full(len(squares_NN), np.inf, np.float32)
    widths = np.ones(len(squares_NN), np.float32)
    finite = np.where(np.isfinite(squares_NN), squares_NN, 0)
    for _ in range(TRIES):
        chances = np.exp(-squares_NN * widths[:, None])
        sums = chances.sum(1)
        entropy = np.log(sums) + widths * (finite * chances).sum(1) / sums
        is_wide = entropy > wanted
        low, high = np.where(is_wide, widths, low), np.where(is_wide, high, widths)
        widths = np.where(np.isfinite(high), (low + high) / 2, widths * 2).astype(np.float32)
    return widths


def _moved(places_N2: Floats, likeness_NN: Floats) -> Floats:
    """Down the gradient, with momentum and a gain for each coordinate, as in the paper's section 3.4."""
    speed, gains = np.zeros_like(places_N2), np.ones_like(places_N2)
    rate = max(len(places_N2) / EARLY_FACTOR / 4, 50.0)
    for step in range(STEPS):
        pull = EARLY_FACTOR if step < EARLY_STEPS else 1.0
        slope = _slope(places_N2, likeness_NN, np.float32(pull))
        is_same = (slope > 0) == (speed > 0)
        gains = np.maximum(np.where(is_same, gains * 0.8, gains + 0.2), 0.01).astype(np.float32)
        momentum = 0.5 if step < EARLY_STEPS else 0.8
        speed = (momentum * speed - rate * gains * slope).astype(np.float32)
        places_N2 = places_N2 + speed
        places_N2 -= places_N2.mean(0)
    return places_N2


def _slope(places_N2: Floats, likeness_NN: Floats, pull: np.float32) -> Floats:
    near_NN = _squares(places_N2)
    near_NN += 1
    np.reciprocal(near_NN, out=near_NN)
    np.fill_diagonal(near_NN, 0)
    forces_NN = pull * likeness_NN
    forces_NN -= near_NN / near_NN.sum()
    forces_NN *= near_NN
    return np.asarray(4 * (forces_NN.sum(1)[:, None] * places_N2 - forces_NN @ places_N2), np.float32)


def _squares(x_ND: Floats) -> Floats:
    """(N, N) squared distances."""
    sizes_N = (x_ND**2).sum(1)
    squares_NN: Floats = sizes_N[:, None] + sizes_N - 2 * (x_ND @ x_ND.T)
    squares_NN[squares_NN < 0] = 0
    return squares_NN
