"""Whether a task's examples know what they are to foretell: computed again, and by what they tell."""

from datetime import datetime

import numpy as np
import polars as pl
from scipy.stats import rankdata

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.evaluation.classification import score_of
from foresell.features.leak import assert_no_leak
from foresell.features.spec import CustomerSpec
from foresell.matching.resolve import without_matching
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.task import SESSIONS_OF, Task
from foresell.predict.customers.training import scoring_features, spec_for
from foresell.predict.customers.visits import moments

# A single feature that tells the label this well has seen it.
SUSPICIOUS_AUROC = 0.99
# Fewer of either class and nothing is suspicious.
LEAST_OF_A_CLASS = 10


def check_leak(
    tables: Tables, settings: Settings, task: Task, cutoff: datetime, spec: CustomerSpec | None = None
) -> None:
    """Computes population, features and groups as of the cutoff again where the future was deleted, and where
    another one was planted; with `spec` None, its choice as well.

    Raises features.leak.LeakError, naming the columns that changed.
    """

    def compute(world: Tables) -> pl.DataFrame:
        chosen = spec or spec_for(world, settings, task, cutoff)
        if task.about == "session":
            since = cutoff - SESSIONS_OF
            return moments(world, settings, task, chosen, since, cutoff).drop("place")
        keys, features, groups = scoring_features(world, settings, task, chosen, cutoff)
        return pl.concat([keys, features, groups], how="horizontal")

    assert_no_leak(compute, without_matching(tables), cutoff)


def suspicious_features(examples: Examples, *, limit: float = SUSPICIOUS_AUROC) -> dict[str, float]:
    """Features that tell a label of 0 or 1 alone, and how well: the larger of AUROC and 1 − AUROC, from
    `limit` on, best first. Whether a value is known at all may tell it too.

    Of amounts: none. Null counts as a value below all others; a category is told by the rate of its rows.
    """
    happens = examples.labels
    if not np.isin(happens, (0.0, 1.0)).all():
        return {}
    if min(happens.sum(), (1 - happens).sum()) < LEAST_OF_A_CLASS:
        return {}
    found = {}
    for name in examples.features.columns:
        auroc = score_of("auroc", happens, _in_order(examples.features[name], happens))
        if max(auroc, 1 - auroc) >= limit:
            found[name] = max(auroc, 1 - auroc)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _in_order(column: pl.Series, happens: Floats) -> Floats:
    """(n,) from 0 to 1, in the order of the values."""
    if column.dtype == pl.String:
        rates = pl.DataFrame({"value": column, "label": happens}).with_columns(
            rate=pl.col("label").mean().over("value")
        )
        # A category of one row tells that row's label whatever it is.
        is_common = pl.len().over("value") >= LEAST_OF_A_CLASS
        values = (
            rates.select(pl.when(is_common).then("rate").otherwise(happens.mean())).to_series().to_numpy()
        )
    else:
        values = column.cast(pl.Float64).fill_null(-np.inf).to_numpy()
    return np.asarray(rankdata(values) / len(values), np.float64)
