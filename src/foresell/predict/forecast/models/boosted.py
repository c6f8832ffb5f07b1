"""Gradient-boosted trees, one model over all series, steps ahead and regressors.

The step is a feature, and the trees tell the value of that step directly, in units of the series (Ke et al.,
LightGBM, 2017; one global model: Montero-Manso and Hyndman, Principles and algorithms for forecasting
groups of time series, 2021). The trees tell the median; a second, small set of trees how far the truth lies
from it; and the quantiles are those that held, step by step, at origins that the first trees had not seen
(conformal). Small counts are learned as classes instead, whose chances are the distribution.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import ConflictError
from foresell.predict.forecast.boosting.features import Target, reach_of, rows_of, window_of
from foresell.predict.forecast.boosting.knowing import Knowing, assumed_notes
from foresell.predict.forecast.boosting.knowledge import Knowledge, knowledge_of
from foresell.predict.forecast.boosting.learning import Trees, learn
from foresell.predict.forecast.boosting.parts import parts_of_series
from foresell.predict.forecast.grid import Grid
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.panel_tables import panel_of_tables, tables_of_panel
from foresell.predict.forecast.paths import (
    Paths,
    Reasons,
    fallbacks_frame,
    guarded,
)

NAME = "boosted"
TOO_LITTLE = "all series together are too short to learn from: the last value"
# Series whose rows are made at once.
SERIES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class BoostedConfig:
    """`horizon`: the longest that can be asked for. `target`: what is learned of a value (see
    `boosting.features`); "auto": classes for small counts, else what told more at the newest origins. At most
    `max_rows` rows are learned from, and `max_rounds` trees (of each class) grown; fewer once `patience`
    more did no better at the judging origins (0: never fewer). `fewest_values`: of a series, before an
    origin is learned from. `weight`: of a row, its series' usual size to this power: 0 counts series alike,
    1 counts what is sold. The rest as LightGBM names it; `row_share`: of rows each tree sees,
    `column_share`: of features.
    """

    horizon: int = 8
    target: Target | str = "auto"
    max_rows: int = 400_000
    max_rounds: int = 400
    patience: int = 30
    fewest_values: int = 3
    weight: float = 0.0
    learning_rate: float = 0.05
    num_leaves: int = 63
    min_rows_in_leaf: int = 50
    row_share: float = 0.7
    column_share: float = 0.6
    l2: float = 1.0
    max_bin: int = 127
    seed: int = 0


@dataclass(frozen=True)
class FittedBoosted(Knowing):
    """`panel`: the newest periods of each series, as far back as the trees look. `vocabulary`: the
    categories."""

    config: BoostedConfig
    trees: Trees
    panel: Panel
    vocabulary: Mapping[str, tuple[str, ...]]
    fallbacks: pl.DataFrame

    def knowledge(self, future: pl.DataFrame | None) -> Knowledge:
        """What is known with that future; None: the panel's."""
        return knowledge_of(self.panel, self.config.horizon, future, self.vocabulary)

    def told(self, knowledge: Knowledge) -> tuple[Paths, Reasons]:
        """The paths of all steps, guarded, and where something had to be done."""

        def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
            return self._raw(knowledge, horizon)

        may_stay = self.trees.target != "classes"
        return guarded(knowledge.grid, self.config.horizon, forecast, naive, may_stay=may_stay)

    def _raw(self, knowledge: Knowledge, horizon: int) -> tuple[Paths, Reasons]:
        number = len(knowledge.grid)
        if self.trees.center is None:
            paths, _ = naive(knowledge.grid, horizon)
            return paths, dict.fromkeys(range(number), TOO_LITTLE)
        newest = knowledge.grid.values.shape[1] - 1
        told = []
        for start in range(0, number, SERIES_AT_ONCE):
            series = np.arange(start, min(start + SERIES_AT_ONCE, number))
            steps = np.tile(np.arange(1, horizon + 1), (len(series), 1))
            origins = np.full(len(series), newest)
            trees = self.trees
            rows = rows_of(knowledge, series, origins, steps, trees.target, trees.window)
            _check_version(trees, rows.matrix.shape[1])
            told.append(trees.paths(rows, knowledge.grid.ids[series], horizon))
        return np.concatenate(told), {}

    def parts_of(self, series_id: str, horizon: int) -> pl.DataFrame | None:
        """As `explained.Explains`."""
        rows = self.rows_of(series_id)
        return parts_of_series(self.usual_knowledge, self.trees, int(rows[0]), horizon) if len(rows) else None

    def to_tables(self) -> dict[str, pl.DataFrame]:
        words = [(name, word) for name, told in self.vocabulary.items() for word in told]
        facts = {"target": [self.trees.target], "window": [self.trees.window]}
        return {
            **self.trees.to_tables(),
            **tables_of_panel(self.panel),
            "facts": pl.DataFrame(facts),
            "vocabulary": pl.DataFrame(words, schema={"name": pl.String, "word": pl.String}, orient="row"),
            "fallbacks": self.fallbacks,
        }

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {}


def fit(panel: Panel, config: BoostedConfig) -> FittedBoosted:
    """Series of any length are forecast, from what the trees learned of the others; where all of them
    together are too short, by their last value. A known regressor whose future is not known is assumed (see
    `boosting.knowledge`), and a reason says so. Raises InputError as `grid_of` and `knowledge_of` do."""
    knowledge = knowledge_of(panel, config.horizon)
    window = window_of(panel.season, max(1, knowledge.grid.values.shape[1]))
    trees = learn(knowledge, config, window)
    vocabulary = knowledge.vocabulary
    fitted = FittedBoosted(
        config, trees, _newest(panel, reach_of(window, panel.period)), vocabulary, pl.DataFrame()
    )
    now = fitted.knowledge(None)
    _, reasons = fitted.told(now)
    told = fallbacks_frame(knowledge.grid, reasons, assumed_notes(now))
    return FittedBoosted(config, trees, fitted.panel, vocabulary, told)


def _check_version(trees: Trees, num_features: int) -> None:
    if trees.boosters[0].num_feature() != num_features:
        raise made_by_another(f"{trees.boosters[0].num_feature()} features, not {num_features}")


def made_by_another(received: str) -> ConflictError:
    return ConflictError(
        "The forecaster was made by another version of Foresell",
        received=received,
        do="Fit it again: foresell fit forecast",
    )


def _newest(panel: Panel, periods: int) -> Panel:
    """The last rows of each series."""
    ordered = panel.frame.sort("series_id", "date", maintain_order=True)
    ordered = ordered.unique(["series_id", "date"], keep="last", maintain_order=True)
    return replace(panel, frame=ordered.group_by("series_id", maintain_order=True).tail(periods))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedBoosted:
    if "factors" not in tables:
        raise made_by_another("tables of an older form")
    facts = tables["facts"].row(0, named=True)
    words = tables["vocabulary"].group_by("name", maintain_order=True).agg("word")
    return FittedBoosted(
        BoostedConfig(**config),
        Trees.from_tables(facts["target"], facts["window"], tables),
        panel_of_tables(tables),
        {name: tuple(told) for name, told in words.iter_rows()},
        tables["fallbacks"],
    )


MODEL = ForecastModel(NAME, BoostedConfig, fit, load)
