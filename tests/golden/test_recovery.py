"""What a simulated world hides is found again from what its shop sees: a few seeds of the whole campaign.

`python -m benchmarks.quality.recovery` judges 200 seeds by bias and coverage.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SEEDS = range(3)
# Of so few seeds the mean error is at most this many standard errors of one.
MOST_ERROR = 2.5


@pytest.fixture(scope="module")
def trials() -> Any:
    sys.path.insert(0, str(REPOSITORY))
    try:
        return importlib.import_module("benchmarks.quality.recovery.__main__").TRIALS
    finally:
        sys.path.remove(str(REPOSITORY))


@pytest.mark.parametrize("name", ["price elasticity", "position bias", "leaving hazard", "censored demand"])
def test_a_hidden_truth_is_recovered(trials: Any, name: str) -> None:
    found = [trials[name](seed) for seed in SEEDS]
    errors = [(estimate.value - truth) / estimate.standard_error for estimate, truth in found]
    assert abs(sum(errors) / len(errors)) < MOST_ERROR
    assert all(abs(estimate.value / truth - 1) < 0.25 for estimate, truth in found)
