"""How often Bernoulli Thompson sampling puts each action at each place: by quadrature, not by simulation.

obp's `BernoulliTS.compute_batch_action_dist` counts places in 100,000 draws. With θ_i = x, the number of
actions ahead of i is a sum of Bernoulli variables of chances 1 − F_j(x); its distribution is built up action
by action from both sides, so that leaving one out needs no division.
"""

import numpy as np
from numpy.typing import NDArray

from foresell.predict.recommend.beta_maximum import BetaMaximum

Floats = NDArray[np.float64]


def rank_chances(alpha: Floats, beta: Floats, places: int) -> Floats:
    """(actions, places): the chance of an action at a place, the largest draw first. Columns add up to 1."""
    nodes = BetaMaximum.of(alpha, beta)
    below = np.exp(nodes.log_F_NQ)
    number, num_nodes = below.shape
    before = np.zeros((number + 1, places, num_nodes))
    before[0, 0] = 1.0
    for action in range(number):
        before[action + 1] = _with(before[action], below[action])
    after = np.zeros((places, num_nodes))
    after[0] = 1.0
    chances = np.empty((number, places))
    for action in range(number - 1, -1, -1):
        weights = nodes.ratios_NQ[action] * below[action]
        for place in range(places):
            ahead = sum(before[action, some] * after[place - some] for some in range(place + 1))
            chances[action, place] = weights @ ahead
        after = _with(after, below[action])
    return np.asarray(chances / chances.sum(axis=0))


def _with(ahead: Floats, below: Floats) -> Floats:
    """(places, nodes) chances of 0, 1, … ahead once another action, `below` so often, is counted."""
    counted = ahead * below
    counted[1:] += ahead[:-1] * (1 - below)
    return counted
