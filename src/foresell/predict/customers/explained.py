"""What features add to a fitted task's scores, exactly, where its model is trees."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from scipy.special import expit

from foresell.explain.contributions import Contributions, averaged, tree_contributions
from foresell.explain.feature_groups import FeatureGroup
from foresell.predict.customers.examples import Floats
from foresell.predict.customers.fitted import FittedTask
from foresell.predict.customers.model import Target

# From LightGBM's margin to what it says: log-odds to chances, logarithms to amounts.
LINKS: dict[Target, Callable[[Floats], Floats]] = {"happens": expit, "amount": np.exp}


def exact_contributions(
    fitted: FittedTask, features: pl.DataFrame, groups: Sequence[FeatureGroup]
) -> Contributions | None:
    """By group and in the unit of the score: base and contributions add up to `fitted.predict`. None where
    the model is no trees: sample its Shapley values instead (`explain.shapley`).

    Exact in the margin (TreeSHAP); in the score they are shared as `Contributions.through` says. Features
    that the model does not read add 0. Raises InputError naming a column that is missing.
    """
    from foresell.predict.customers.models.trees import FittedTrees

    model = fitted.model
    if not isinstance(model, FittedTrees):
        return None
    array, link, calibrator = model.columns.matrix(features), LINKS[fitted.target], fitted.calibrator
    margins = [
        _with_all(
            tree_contributions(booster.predict(array, pred_contrib=True, num_threads=1), model.columns.names),
            groups,
        )
        for booster in model.boosters
    ]
    if len(margins) == 1:
        return margins[0].through(lambda margin: calibrator.apply(link(margin)))
    # Bags are averaged in what they say; a step of the sum may leave the range that chances have.
    most = 1.0 if fitted.target == "happens" else np.inf
    said = averaged([margin.through(link) for margin in margins])
    return said.through(lambda mean: calibrator.apply(np.clip(mean, 0.0, most)))


def _with_all(found: Contributions, groups: Sequence[FeatureGroup]) -> Contributions:
    """By group, where a group may hold features that the model does not read."""
    missing = tuple(name for group in groups for name in group.columns if name not in found.names)
    values = np.hstack([found.values, np.zeros((len(found), len(missing)))])
    return Contributions((*found.names, *missing), found.base, values).grouped(groups)
