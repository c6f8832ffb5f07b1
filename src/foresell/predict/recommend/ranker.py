"""Trees that tell, from all that is known of a candidate, how likely its customer is to take it.

Source: Ke et al., LightGBM: A highly efficient gradient boosting decision tree, NeurIPS 2017. The loss is
logistic: a chance can be weighed by money, and more trees do it no harm; LambdaRank was not shown to order
better, and worsened with more trees (benchmarks/quality/complete_journey/RESULTS.md).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from foresell.predict.recommend.rank import Floats

# The same trees for the same rows, on any number of cores.
SETTLED = {
    "objective": "binary",
    "seed": 0,
    "num_threads": len(os.sched_getaffinity(0)),
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "max_bin": 127,
}
PATIENCE = 10
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Trees:
    """`max_trees`: at most so many; fewer where later ones foretell the judging customers no better."""

    max_trees: int = 120
    learning_rate: float = 0.1
    num_leaves: int = 31
    min_rows_in_leaf: int = 100


@dataclass(frozen=True)
class Ranker:
    """`text`: the trees in LightGBM's own format."""

    text: str

    @cached_property
    def _booster(self) -> Any:
        return lightgbm.Booster(model_str=self.text)

    def chances(self, features: Floats) -> Floats:
        """(M,) in (0, 1)."""
        if not len(features):
            return np.empty(0, np.float32)
        return np.asarray(self._booster.predict(features, num_threads=1), np.float32)


def learn_ranker(
    names: Sequence[str], features: Floats, was_taken: Flags, judges: Flags, trees: Trees
) -> Ranker | None:
    """From candidates (rows) and whether each was taken. `judges`: rows that stop the trees early, and that
    nothing else is learned from. None where there is nothing to tell apart."""
    learned = was_taken[~judges]
    if learned.all() or not learned.any():
        return None
    settings = {
        **SETTLED,
        "learning_rate": trees.learning_rate,
        "num_leaves": trees.num_leaves,
        "min_data_in_leaf": trees.min_rows_in_leaf,
    }
    data = lightgbm.Dataset(features[~judges], learned, feature_name=list(names), params=settings)
    stops = was_taken[judges].any() and not was_taken[judges].all()
    judging = [data.create_valid(features[judges], was_taken[judges])] if stops else []
    callbacks: list[Callable[..., Any]] = [lightgbm.early_stopping(PATIENCE, verbose=False)] if stops else []
    booster = lightgbm.train(settings, data, trees.max_trees, valid_sets=judging, callbacks=callbacks)
    return Ranker(booster.model_to_string(num_iteration=booster.best_iteration))
