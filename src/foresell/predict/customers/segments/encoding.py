"""What a trained encoder makes of customers: latent vectors, without torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresell.predict.customers.segments.steps import Steps

Floats = NDArray[np.float64]
Weights = Mapping[str, NDArray[Any]]
AT_ONCE = 20_000


def encode_features(points: Floats, weights: Weights) -> Floats:
    """(n, latent)"""
    hidden = np.maximum(points @ weights["hidden.weight"].T + weights["hidden.bias"], 0.0)
    bent = hidden @ weights["to_latent.weight"].T + weights["to_latent.bias"]
    straight = points @ weights["straight.weight"].T + weights["straight.bias"]
    return np.asarray(straight + bent, np.float64)


def encode_steps(steps: Steps, weights: Weights) -> Floats:
    """(n, latent) of each customer's last state; zeros for one without steps."""
    latent = np.zeros((len(steps.lengths), len(weights["to_latent.bias"])))
    some = np.flatnonzero(steps.lengths)
    for start in range(0, len(some), AT_ONCE):
        rows = some[start : start + AT_ONCE]
        states = _last_states(steps.take(rows), weights)
        latent[rows] = states @ weights["to_latent.weight"].T + weights["to_latent.bias"]
    return latent


def _last_states(steps: Steps, weights: Weights) -> Floats:
    """A gated recurrent unit, as torch computes it."""
    w_input, b_input = weights["recurrent.weight_ih_l0"], weights["recurrent.bias_ih_l0"]
    w_state, b_state = weights["recurrent.weight_hh_l0"], weights["recurrent.bias_hh_l0"]
    state = np.zeros((len(steps.lengths), w_state.shape[1]))
    for step in range(int(steps.lengths.max())):
        x = np.concatenate([weights["events.weight"][steps.event[:, step]], steps.numbers[:, step]], axis=1)
        reset_in, update_in, new_in = np.split(x @ w_input.T + b_input, 3, axis=1)
        reset_of, update_of, new_of = np.split(state @ w_state.T + b_state, 3, axis=1)
        update = _sigmoid(update_in + update_of)
        new = np.tanh(new_in + _sigmoid(reset_in + reset_of) * new_of)
        is_there = (step < steps.lengths)[:, None]
        state = np.where(is_there, (1 - update) * new + update * state, state)
    return state


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))
