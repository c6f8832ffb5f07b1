"""How wide an interval must be so that it holds: the level that held it on customers not learned from.

Source: Gupta, Kuchibhotla and Ramdas, Nested conformal prediction, Pattern Recognition 127, 2022. Holds for
customers drawn as those were; a change of the times is not covered.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Simulated quantiles say nothing beyond this.
WIDEST = 0.995


def held_level(below: Floats, until: Floats, level: float) -> float:
    """The level whose central interval held a share `level` of the actual amounts, `level` at least.

    `below`, `until`: (n,) the model's P(Y < actual) and P(Y ≤ actual). No customers: `level` itself. Where
    most amounts are 0, intervals of nothing but 0 would hold enough of them; so none is made narrower than
    the model says.
    """
    number = len(below)
    if not number:
        return level
    # The narrowest central interval with the actual amount in it.
    needed = np.maximum(0.0, np.maximum(1 - 2 * until, 2 * below - 1))
    place = min(int(np.ceil((number + 1) * level)), number) - 1
    return float(np.clip(np.partition(needed, place)[place], level, max(level, WIDEST)))


def tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
