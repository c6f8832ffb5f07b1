"""What the trees know after learning: of a median and a spread, or of the chances of small counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.classes import Classes, are_small_counts, classes_of
from foresell.predict.forecast.boosting.features import Places, Rows, Target
from foresell.predict.forecast.boosting.knowledge import Knowledge
from foresell.predict.forecast.boosting.training import (
    Examples,
    examples_of,
    judging_columns,
    judging_pairs,
    learned,
    learning_examples,
    rounds_of,
)
from foresell.predict.forecast.conformal import Offsets, offsets_of
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import QUANTILES
from foresell.predict.forecast.paths import Paths

# Fewer rows than these teach trees nothing.
FEWEST_ROWS = 100
FEWEST_FOR_SPREAD = 1_000
MAX_JUDGING_ROWS = 200_000
FEWEST_FOR_THREADS = 20_000
UNJUDGED_ROUNDS = 100
LEAST_SPREAD = 1e-3
# The periods of the judging origins are parted so often: errors of one time go together. Widths are told from
# errors of other parts, and how sure a series' own are from how its parts differ.
PARTS = 4
# Next to the mean of all: one wild error tells no habit, nor do a few that were hit.
MOST_ERROR = 10.0
LEAST_ERROR = 0.05
# Of the logarithm of a part's mean error, where no series has two parts to tell it from.
USUAL_VARIANCE = 0.5
NO_OFFSETS = Offsets(np.zeros((1, len(QUANTILES))), np.zeros(1))
# The trees of the spread: few and small, on the few rows of the judging origins.
SPREAD: dict[str, Any] = {"objective": "poisson", "num_leaves": 15, "learning_rate": 0.1}
SPREAD_ROUNDS = 60
# Chances must hold where no origin has judged them: small trees, always as many. Those that an origin stopped
# told too many sales of the next (car_parts: a bias of +8% in the place of +1.5%).
CLASS_ROUNDS = 120
CLASS_TREES: dict[str, Any] = {
    "num_leaves": 15,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
}
FEWEST_IN_CLASS_LEAF = 200
SETTLED: dict[str, Any] = {
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "feature_pre_filter": False,
}


@dataclass(frozen=True, eq=False)
class Trees:
    """`center` tells the median, or the chances of `classes`; `spread`, the typical distance from it, is None
    where it is the same for all. `factors`: series → how many times that distance its own errors were;
    none: 1. No `center`: there was nothing to learn from."""

    target: Target
    window: int
    center: str | None = None
    spread: str | None = None
    offsets: Offsets = NO_OFFSETS
    classes: Classes | None = None
    factors: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def boosters(self) -> tuple[Any, Any]:
        import lightgbm

        center, spread = (
            None if text is None else lightgbm.Booster(model_str=text) for text in (self.center, self.spread)
        )
        return center, spread

    def paths(self, rows: Rows, names: NDArray[np.str_], horizon: int) -> Paths:
        """(N, horizon, VALUES) of rows that are all steps of the series `names` (N,) after each other."""
        told = self.center_of(rows)
        if self.classes is not None:
            return self.classes.paths(told).reshape(-1, horizon, 1 + len(QUANTILES))
        scale, level = rows.scale.astype(np.float64), rows.level.astype(np.float64)
        steps = np.tile(np.arange(horizon), len(told) // horizon)
        own = np.array([self.factors.get(str(name), 1.0) for name in names])
        spreads = scale * self.spreads(rows) * np.repeat(own, horizon)
        found = self.offsets.paths(level + scale * told, spreads, steps)
        return np.asarray(found.reshape(-1, horizon, 1 + len(QUANTILES)))

    def center_of(self, rows: Rows) -> Floats:
        """(R,) relative medians, or (R, classes) chances."""
        return self._predicted(0, rows)

    def spreads(self, rows: Rows) -> Floats:
        """(R,) relative."""
        booster = self.boosters[1]
        if booster is None:
            return np.ones(len(rows.matrix))
        return np.maximum(self._predicted(1, rows), LEAST_SPREAD)

    def _predicted(self, part: int, rows: Rows) -> Floats:
        threads = int(len(rows.matrix) < FEWEST_FOR_THREADS)
        return np.asarray(self.boosters[part].predict(rows.matrix, num_threads=threads), np.float64)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        texts = {"center": self.center, "spread": self.spread}
        told = [(part, text) for part, text in texts.items() if text is not None]
        tables = {"trees": pl.DataFrame(told, schema={"part": pl.String, "text": pl.String}, orient="row")}
        columns = {"mean": self.offsets.means, **dict(zip(QUANTILES, self.offsets.table.T, strict=True))}
        tables["offsets"] = pl.DataFrame(columns)
        if self.classes is not None:
            tables["classes"] = self.classes.to_table()
        schema = {"series_id": pl.String, "factor": pl.Float64}
        tables["factors"] = pl.DataFrame(list(self.factors.items()), schema=schema, orient="row")
        return tables

    @classmethod
    def from_tables(cls, target: Target, window: int, tables: Mapping[str, pl.DataFrame]) -> "Trees":
        texts = dict(tables["trees"].iter_rows())
        offsets, classes = tables["offsets"], tables.get("classes")
        return cls(
            target,
            window,
            texts.get("center"),
            texts.get("spread"),
            Offsets(offsets.select(QUANTILES).to_numpy(), offsets["mean"].to_numpy()),
            None if classes is None else Classes.from_table(classes),
            dict(tables["factors"].iter_rows()),
        )


def learn(knowledge: Knowledge, config: Any, window: int) -> Trees:
    """As `BoostedConfig` says."""
    target = target_of(knowledge.grid, knowledge.horizon) if config.target == "auto" else config.target
    newest = knowledge.grid.values.shape[1] - 1
    everything = learning_examples(knowledge, target, newest, config)
    if len(everything.actuals) < FEWEST_ROWS:
        return Trees(target, window)
    if target == "classes":
        return _of_classes(knowledge, everything, config, window)
    return _of_median(knowledge, everything, _judging(knowledge, target, config), config, target, window)


def target_of(grid: Grid, horizon: int) -> Target:
    """Classes for small counts; else whether the newest value told more than the mean of the newest eight, at
    the judging origins (of a short history: at the middle): a change, or a ratio. Series count alike."""
    if are_small_counts(grid):
        return "classes"
    values, length = grid.values, grid.values.shape[1]
    newest = means = 0.0
    size = np.nanmean(np.abs(values), axis=1)
    for origin in judging_columns(length, horizon) or [length // 2]:
        past, coming = values[:, max(0, origin - 7) : origin + 1], values[:, origin + 1 :][:, :horizon]
        usable = ~np.isnan(past[:, -1]) & (size > 0)
        sized = size[usable, None]
        usual = np.nanmean(past[usable], axis=1)[:, None]
        newest += float(np.nansum(np.abs(coming[usable] - past[usable, -1:]) / sized))
        means += float(np.nansum(np.abs(coming[usable] - usual) / sized))
    return "change" if newest < means else "ratio"


def _judging(knowledge: Knowledge, target: Target, config: Any) -> tuple[Examples, Examples] | None:
    """What is learned from before the judging origins, and what judges; None: too little of either."""
    length = knowledge.grid.values.shape[1]
    columns = judging_columns(length, knowledge.horizon)
    if not columns:
        return None
    before = learning_examples(knowledge, target, columns[0], config)
    pairs = judging_pairs(knowledge, columns, MAX_JUDGING_ROWS)
    after = examples_of(knowledge, pairs, target, length - 1)
    return (before, after) if min(len(before.actuals), len(after.actuals)) >= FEWEST_ROWS else None


def settings_of(config: Any, rows: int) -> dict[str, Any]:
    return {
        **SETTLED,
        # Of few rows several threads only wait for each other.
        "num_threads": int(rows < FEWEST_FOR_THREADS),
        "seed": config.seed,
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        # Of few rows a leaf may be smaller, or nothing could be told apart.
        "min_data_in_leaf": max(5, min(config.min_rows_in_leaf, rows // 50)),
        "bagging_fraction": config.row_share,
        "bagging_freq": int(config.row_share < 1),
        "feature_fraction": config.column_share,
        "lambda_l2": config.l2,
        "max_bin": config.max_bin,
    }


def _of_median(
    knowledge: Knowledge,
    everything: Examples,
    judging: tuple[Examples, Examples] | None,
    config: Any,
    target: Target,
    window: int,
) -> Trees:
    settings = {**settings_of(config, len(everything.actuals)), "objective": "regression_l1"}
    rounds, judge, text = min(UNJUDGED_ROUNDS, config.max_rounds), everything, None
    if judging is not None:
        before, judge = judging
        stop = (judge, judge.targets, config.patience) if config.patience else None
        text = learned(
            before, before.targets, knowledge, settings, config.max_rounds, stop, weight=config.weight
        )
        rounds = rounds_of(text)
    final = learned(everything, everything.targets, knowledge, settings, rounds, weight=config.weight)
    judged = Trees(target, window, text or final)
    missed = judge.targets - judged.center_of(judge.rows)
    widths = partial(_widths, knowledge=knowledge, settings={**settings, **SPREAD}, shape=(target, window))
    fitted, own = widths(judge, missed)
    offsets = offsets_of(_unseen(judge, missed, widths), judge.steps - 1, knowledge.horizon)
    factors = dict(zip(map(str, knowledge.grid.ids), map(float, own), strict=True))
    return Trees(target, window, final, fitted.spread, offsets, factors=factors)


def _widths(
    judge: Examples, missed: Floats, knowledge: Knowledge, settings: dict[str, Any], shape: tuple[Target, int]
) -> tuple[Trees, Floats]:
    """The trees of the spread of what was missed (R,), if there are enough rows, and each series' factor."""
    spread = None
    if len(missed) >= FEWEST_FOR_SPREAD:
        spread = learned(judge, np.abs(missed), knowledge, settings, SPREAD_ROUNDS)
    trees = Trees(*shape, spread=spread)
    relative = np.abs(missed) / trees.spreads(judge.rows)
    return trees, _own_factors(relative, judge, len(knowledge.grid))


def _unseen(
    judge: Examples, missed: Floats, widths: Callable[[Examples, Floats], tuple[Trees, Floats]]
) -> Floats:
    """(R,) what was missed in units of the width that the periods of the other parts tell: a width that was
    learned from the same errors fits them too well, and would promise too much of the next (cross-conformal
    prediction; Vovk, 2015). A single period has no others."""
    part = _parts(judge)
    if not part.any():
        trees, own = widths(judge, missed)
        return np.asarray(missed / trees.spreads(judge.rows) / own[judge.series])
    found = np.empty(len(missed))
    for held in np.unique(part):
        inside = part == held
        trees, own = widths(judge.where(~inside), missed[~inside])
        one = judge.where(inside)
        found[inside] = missed[inside] / trees.spreads(one.rows) / own[one.series]
    return found


def _parts(judge: Examples) -> Places:
    """(R,) the part of time that each row's period is in, from 0."""
    periods = judge.origins + judge.steps
    places = np.searchsorted(np.unique(periods), periods)
    return np.asarray(places * PARTS // (places.max() + 1))


def _own_factors(missed: Floats, judge: Examples, number: int) -> Floats:
    """(N,) how many times the usual error each series' own are, 1 where nothing is known: its mean logarithm
    by parts of time, drawn to that of all by as much as chance alone would part series (random effects;
    DerSimonian and Laird, 1986)."""
    bounded = np.clip(missed / (missed.mean() or 1.0), LEAST_ERROR, MOST_ERROR)
    cell = judge.series * PARTS + _parts(judge)
    sizes = np.bincount(cell, minlength=number * PARTS).reshape(number, PARTS)
    sums = np.bincount(cell, weights=bounded, minlength=number * PARTS).reshape(number, PARTS)
    is_told = sizes > 0
    told = np.log(np.divide(sums, sizes, out=np.ones_like(sums), where=is_told))  # 0 of no rows
    parts = is_told.sum(axis=1)
    known = parts > 0
    means = told[known].sum(axis=1) / parts[known]
    apart = told[known] - is_told[known] * means[:, None]
    repeated = int((parts[known] - 1).sum())
    variance = float((apart**2).sum()) / repeated if repeated else USUAL_VARIANCE
    factors = np.ones(number)
    factors[known] = np.exp(_drawn_together(means, np.maximum(variance / parts[known], 1e-12)))
    return factors


def _drawn_together(means: Floats, chance: Floats) -> Floats:
    """(N,) the best guess of each, about that of all, of `means` whose variance by chance is `chance`."""
    weights = 1 / chance
    center = np.average(means, weights=weights)
    surplus = float((weights * (means - center) ** 2).sum()) - (len(means) - 1)
    between = max(0.0, surplus / max(float(weights.sum() - (weights**2).sum() / weights.sum()), 1e-12))
    usual = np.average(means, weights=1 / (between + chance))
    return np.asarray((means - usual) * between / (between + chance))


def _of_classes(
    knowledge: Knowledge,
    everything: Examples,
    config: Any,
    window: int,
) -> Trees:
    classes = classes_of(everything.actuals)
    if classes.number == 1:
        return Trees("classes", window)
    settings = {
        **settings_of(config, len(everything.actuals)),
        **CLASS_TREES,
        "min_data_in_leaf": max(5, min(FEWEST_IN_CLASS_LEAF, len(everything.actuals) // 50)),
        "objective": "multiclass",
        "num_class": classes.number,
    }
    rounds = min(CLASS_ROUNDS, config.max_rounds)
    text = learned(everything, classes.labels(everything.actuals), knowledge, settings, rounds)
    return Trees("classes", window, text, classes=classes)
