"""What a model reads in general: which features it needs, and how its answer runs along one of them.

Effects are told only where customers were seen: a value, category or bin with fewer than `least_rows` of
them is left out or joined to its neighbor. They describe the model, not what changing a customer would do.

Sources: Breiman, Machine Learning 45, 2001, and Fisher, Rudin and Dominici, JMLR 20, 2019 (permutation
importance); Friedman, Annals of Statistics 29, 2001 (partial dependence); Apley and Zhu, JRSS B 82, 2020
(accumulated local effects, which ask the model only about customers near those that exist).
"""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from foresell.contracts.errors import InputError
from foresell.explain.feature_groups import FeatureGroup
from foresell.explain.mixtures import Floats, Predict, predicted
from foresell.features.feature import Feature

# Labels and predictions → a score; higher is better.
Score = Callable[[Floats, Floats], float]
LEAST_ROWS = 30
BINS = 20


def permutation_importance(
    predict: Predict,
    features: pl.DataFrame,
    labels: Floats,
    score: Score,
    groups: Sequence[FeatureGroup],
    *,
    repeats: int = 10,
    level: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """How much of the score is lost when a group's features are shuffled among customers, together:

        name, value, lower, upper

    The largest first; equal ones as declared. The interval (Student's t) is over repeats of the shuffling:
    it says nothing of other customers. Two features that tell the same may each look needless; group them.
    Raises InputError for fewer than two repeats, no rows, or a score that is not defined on them.
    """
    if repeats < 2 or features.is_empty():
        raise InputError(
            "Importance needs customers, and two repeats for an interval",
            received=f"{features.height} rows, {repeats} repeats",
        )
    whole = score(labels, predicted(predict, features))
    if not np.isfinite(whole):
        raise InputError(
            "The score is not defined on these customers",
            received=whole,
            do="Give some to whom it happened and some to whom it did not.",
        )
    shuffles = [
        np.random.default_rng([seed, repeat]).permutation(features.height) for repeat in range(repeats)
    ]
    half_width = float(stdtrit(repeats - 1, (1 + level) / 2)) / repeats**0.5
    rows = []
    for group in groups:
        lost = np.array(
            [whole - score(labels, predicted(predict, _shuffled(features, group, s))) for s in shuffles]
        )
        middle, half = float(lost.mean()), half_width * float(lost.std(ddof=1))
        rows.append((group.name, middle, middle - half, middle + half))
    schema = {"name": pl.String(), **dict.fromkeys(("value", "lower", "upper"), pl.Float64())}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("value", descending=True, maintain_order=True)


def _shuffled(features: pl.DataFrame, group: FeatureGroup, order: NDArray[np.int64]) -> pl.DataFrame:
    return features.with_columns(features[name].gather(order) for name in group.columns)


def accumulated_effects(
    predict: Predict,
    features: pl.DataFrame,
    feature: Feature,
    *,
    bins: int = BINS,
    least_rows: int = LEAST_ROWS,
    level: float = 0.95,
) -> pl.DataFrame:
    """How the prediction runs along a number, all else as it is near each value (ALE):

        value, effect, lower, upper, num_rows

    A row a border of bins of about equally many customers, ascending; `effect`: against the mean customer;
    `num_rows`: in the bin that ends there (the first row: in the one that begins). Customers whose value is
    not known are left out. Raises InputError for a category, fewer than `least_rows` customers, or a single
    value.
    """
    if feature.kind == "category":
        raise InputError(f"'{feature.name}' is a category", do="Ask for its partial dependence.")
    known = features.filter(_is_known(features[feature.name]))
    values = known[feature.name].cast(pl.Float64).to_numpy()
    borders, which = _bins(values, bins, least_rows, feature)
    upper = predicted(predict, _all_with(known, feature, borders[which + 1]))
    lower = predicted(predict, _all_with(known, feature, borders[which]))
    number = len(borders) - 1
    counts = np.bincount(which, minlength=number).astype(np.float64)
    step = np.bincount(which, upper - lower, number) / counts
    off = upper - lower - step[which]
    variance = np.bincount(which, off**2, number) / np.maximum(counts - 1, 1) / counts
    # Effects at borders as sums of steps, less their mean over customers (each at the middle of its bin).
    sums = np.tril(np.ones((number + 1, number)), -1)
    middles = (sums[1:] + sums[:-1]) / 2
    weights = sums - (counts / counts.sum()) @ middles
    half = float(ndtri((1 + level) / 2)) * np.sqrt(weights**2 @ variance)
    effect = weights @ step
    rows = np.r_[counts[0], counts].astype(np.int64)
    return pl.DataFrame(
        {"value": borders, "effect": effect, "lower": effect - half, "upper": effect + half, "num_rows": rows}
    )


def _bins(values: Floats, bins: int, least_rows: int, feature: Feature) -> tuple[Floats, NDArray[np.int64]]:
    """Borders, and (n,) the bin of each value: (border, next border], the first with its lower one."""
    distinct = np.unique(values)
    most = min(bins, len(values) // max(least_rows, 1))
    if len(distinct) < 2 or most < 1:
        raise InputError(
            f"There are too few customers to tell the effect of '{feature.name}'",
            received=f"{len(values)} whose value is known, {len(distinct)} different values",
            do=f"It takes {least_rows} in a bin and two values.",
        )
    borders = np.unique(np.quantile(values, np.linspace(0, 1, most + 1), method="inverted_cdf"))
    kept = [borders[0]]
    for border in borders[1:]:
        first = -np.inf if len(kept) == 1 else kept[-1]
        if ((values > first) & (values <= border)).sum() >= least_rows:
            kept.append(border)
    if len(kept) == 1:
        kept.append(borders[-1])
    kept[-1] = borders[-1]
    found = np.array(kept)
    return found, np.clip(np.searchsorted(found, values, side="left") - 1, 0, len(found) - 2)


def partial_dependence(
    predict: Predict,
    features: pl.DataFrame,
    feature: Feature,
    *,
    bins: int = BINS,
    least_rows: int = LEAST_ROWS,
    level: float = 0.95,
) -> pl.DataFrame:
    """The mean prediction if all customers had a value, all else as it is:

        value, effect, lower, upper, num_rows

    `effect`: less the mean over the values, by how many have each. A category: a row each, by name; a
    number: its means in bins of about equally many customers. Unknown (null) comes last. Values that fewer
    than `least_rows` customers have are left out. The interval is over these customers.
    Raises InputError where fewer than two values are left.
    """
    column = features[feature.name]
    is_known = _is_known(column)
    values, counts = _grid(column.filter(is_known), feature, bins, least_rows)
    if (unknown := features.height - int(is_known.sum())) >= least_rows:
        values, counts = [*values, None], [*counts, unknown]
    if len(values) < 2:
        raise InputError(
            f"There are too few customers to tell the effect of '{feature.name}'",
            received=f"{len(values)} values that {least_rows} have",
            do="It takes two.",
        )
    said = np.column_stack([predicted(predict, _all_with(features, feature, value)) for value in values])
    apart = said - (said @ np.array(counts, np.float64) / sum(counts))[:, None]
    effect = apart.mean(axis=0)
    error = apart.std(axis=0, ddof=1) / len(apart) ** 0.5
    half = float(ndtri((1 + level) / 2)) * error
    return pl.DataFrame(
        {
            "value": pl.Series(values, dtype=column.dtype),
            "effect": effect,
            "lower": effect - half,
            "upper": effect + half,
            "num_rows": counts,
        }
    )


def _grid(
    known: pl.Series, feature: Feature, bins: int, least_rows: int
) -> tuple[list[float | str | None], list[int]]:
    if feature.kind == "category":
        counts = known.rename("value").value_counts().filter(pl.col("count") >= least_rows).sort("value")
        return counts["value"].to_list(), counts["count"].to_list()
    values = known.cast(pl.Float64).to_numpy()
    if len(np.unique(values)) < 2 or len(values) < 2 * least_rows:
        return [], []
    borders, which = _bins(values, bins, least_rows, feature)
    sizes = np.bincount(which, minlength=len(borders) - 1)
    means = np.bincount(which, values) / sizes
    return [float(mean) for mean in means], [int(size) for size in sizes]


def _is_known(column: pl.Series) -> pl.Series:
    return (column.fill_nan(None) if column.dtype.is_float() else column).is_not_null()


def _all_with(features: pl.DataFrame, feature: Feature, value: "float | str | Floats | None") -> pl.DataFrame:
    dtype = features.schema[feature.name]
    if isinstance(value, np.ndarray):
        return features.with_columns(pl.Series(feature.name, value).cast(dtype))
    return features.with_columns(pl.lit(value, dtype).alias(feature.name))
