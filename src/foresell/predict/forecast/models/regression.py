"""Level, trend, season and what else is known, by ridge regression of each series; all series in one pass.

The newest periods count most, and the level follows the newest errors. Whether effects add or multiply, and
how much they are pulled to 0, is chosen for each series by its errors at the newest origins
(`boosting.training`); the quantiles are those that held there, by step, in units of the series' own
deviation (`conformal`). Source: Hoerl and Kennard, Ridge regression, 1970; Harvey, Forecasting, structural
time series models, 1990.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.knowing import Knowing, assumed_notes
from foresell.predict.forecast.boosting.knowledge import Knowledge, knowledge_of
from foresell.predict.forecast.boosting.training import judging_columns
from foresell.predict.forecast.conformal import Offsets, offsets_of
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import NO_WEIGHTS, QUANTILES, SHARES, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.panel_tables import panel_of_tables, tables_of_panel
from foresell.predict.forecast.paths import (
    Paths,
    Reasons,
    fallbacks_frame,
    guarded,
    too_short,
)
from foresell.predict.forecast.ridge.design import Design, design_of
from foresell.predict.forecast.ridge.parts import parts_of_series
from foresell.predict.forecast.ridge.solve import LOG_SHIFT, Solved, solve

NAME = "regression"
FEWEST_VALUES = 6
# What is tried: do effects multiply, and the penalty.
TRIED = [(False, 0.3), (False, 3.0), (False, 30.0), (True, 0.3), (True, 3.0), (True, 30.0)]
TRIED_TYPE = np.dtype([("is_log", np.bool_), ("penalty", np.float64)])
UNJUDGED = 1


@dataclass(frozen=True, slots=True)
class RegressionConfig:
    """`horizon`: the longest that can be asked for."""

    horizon: int = 8
    seed: int = 0


@dataclass(frozen=True)
class FittedRegression(Knowing):
    """`panel`: the newest periods, for what is usual of the regressors; `length`: of the grid learned
    from."""

    config: RegressionConfig
    solved: Solved
    offsets: Offsets
    panel: Panel
    design: Design
    fallbacks: pl.DataFrame

    def knowledge(self, future: pl.DataFrame | None) -> Knowledge:
        """What is known with that future; None: the panel's."""
        return knowledge_of(self.panel, self.config.horizon, future)

    def told(self, knowledge: Knowledge) -> tuple[Paths, Reasons]:
        """The paths of all steps, guarded, and where something had to be done."""

        def forecast(grid: Grid, steps: int) -> tuple[Paths, Reasons]:
            found = self.solved.told(knowledge, self.design, np.arange(1, steps + 1))
            return _paths(self.solved, self.offsets, found), too_short(grid, FEWEST_VALUES)

        return guarded(knowledge.grid, self.config.horizon, forecast, naive)

    def parts_of(self, series_id: str, horizon: int) -> pl.DataFrame | None:
        """As `explained.Explains`."""
        rows = self.rows_of(series_id)
        if not len(rows):
            return None
        return parts_of_series(self.usual_knowledge, self.solved, self.design, int(rows[0]), horizon)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        solved = self.solved
        columns = {"mean": self.offsets.means, **dict(zip(QUANTILES, self.offsets.table.T, strict=True))}
        series = {
            "level": solved.level,
            "size": solved.size,
            "deviation": solved.deviation,
            "most": solved.most,
            "is_log": solved.is_log,
        }
        design = {"name": self.design.names, "effect": self.design.groups, "pull": self.design.pulls}
        return {
            **tables_of_panel(self.panel),
            "series": pl.DataFrame(series),
            "offsets": pl.DataFrame(columns),
            "design": pl.DataFrame(design),
            "shape": pl.DataFrame({"season": [self.design.season], "has_year": [self.design.has_year]}),
            "fallbacks": self.fallbacks,
        }

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {"coefficients": self.solved.coefficients, "usual": self.solved.usual}


def fit(panel: Panel, config: RegressionConfig) -> FittedRegression:
    """A series with fewer than FEWEST_VALUES known values falls back to its last one. Known regressors whose
    future is not known are assumed (see `boosting.knowledge`), and a reason says so; lagged ones are not
    used."""
    knowledge = knowledge_of(panel, config.horizon)
    design, grid = design_of(knowledge), knowledge.grid
    columns = judging_columns(grid.values.shape[1], config.horizon) if len(grid) else []
    newest = grid.values.shape[1] - 1
    if len(grid):
        chosen = _chosen(knowledge, design, columns, config.horizon)
        tried = np.array(TRIED, dtype=TRIED_TYPE)[chosen]
        solved = solve(knowledge, design, newest, tried["is_log"], tried["penalty"])
        offsets = _offsets(knowledge, design, columns, config.horizon, tried)
    else:
        nothing = np.empty(0)
        solved = Solved(
            np.empty((0, len(design.names))),
            nothing,
            nothing,
            nothing,
            nothing,
            nothing > 0,
            np.empty((2, 0, 0)),
        )
        offsets = Offsets(np.zeros((config.horizon, len(QUANTILES))), np.zeros(config.horizon))
    fitted = FittedRegression(config, solved, offsets, panel, design, pl.DataFrame())
    _, reasons = fitted.told(knowledge)
    return FittedRegression(
        config, solved, offsets, panel, design, fallbacks_frame(grid, reasons, assumed_notes(knowledge))
    )


def _chosen(knowledge: Knowledge, design: Design, columns: list[int], horizon: int) -> NDArray[np.intp]:
    """(n,) the place in TRIED with the least absolute error at the judging origins; equal: the first; none
    that can be judged: UNJUDGED."""
    number = len(knowledge.grid)
    errors = np.zeros((len(TRIED), number))
    judged = np.zeros(number)
    for origin in columns:
        came = knowledge.grid.values[:, origin + 1 : origin + 1 + horizon]
        for place, (is_log, penalty) in enumerate(TRIED):
            told = _told_at(
                knowledge, design, origin, np.full(number, is_log), np.full(number, penalty), horizon
            )
            missed = np.abs(told[0].unscaled(told[1]) - came)
            errors[place] += np.nansum(missed, axis=1)
        judged += (~np.isnan(came)).sum(axis=1)
    has_past = (~np.isnan(knowledge.grid.values)).sum(axis=1) - judged >= FEWEST_VALUES
    return np.where((judged > 0) & has_past, errors.argmin(axis=0), UNJUDGED)


def _told_at(
    knowledge: Knowledge,
    design: Design,
    origin: int,
    is_log: NDArray[np.bool_],
    penalty: Floats,
    horizon: int,
) -> tuple[Solved, Floats]:
    """What is told from a column of the grid: u (n, horizon)."""
    solved = solve(knowledge, design, origin, is_log, penalty)
    ahead = np.arange(1, horizon + 1) + origin - (knowledge.grid.values.shape[1] - 1)
    return solved, solved.told(knowledge, design, ahead)


def _offsets(
    knowledge: Knowledge,
    design: Design,
    columns: list[int],
    horizon: int,
    tried: NDArray[Any],
) -> Offsets:
    """Errors of u over its deviation at the judging origins; without any, those of the newest periods,
    which it learned from."""
    values = knowledge.grid.values
    errors, steps = [], []
    for origin in columns or [values.shape[1] - 1]:
        if columns:
            solved, told = _told_at(knowledge, design, origin, tried["is_log"], tried["penalty"], horizon)
            came = values[:, origin + 1 : origin + 1 + horizon]
        else:
            solved = solve(knowledge, design, origin, tried["is_log"], tried["penalty"])
            number = min(horizon, values.shape[1])
            told = solved.told(knowledge, design, np.arange(1 - number, 1))
            came = values[:, -number:]
        errors.append(_relative_errors(solved, told, came).ravel())
        steps.append(np.tile(np.arange(came.shape[1]), len(values)))
    return offsets_of(np.concatenate(errors), np.concatenate(steps), horizon)


def _relative_errors(solved: Solved, told: Floats, came: Floats) -> Floats:
    relative = came / solved.size[:, None]
    u = np.where(solved.is_log[:, None], np.log(np.maximum(relative, 0.0) + LOG_SHIFT), relative)
    return np.asarray((u - told) / solved.deviation[:, None])


def _paths(solved: Solved, offsets: Offsets, told: Floats) -> Paths:
    """(n, steps, VALUES). The mean is that of the quantiles, each standing for its share of chance."""
    number, steps = told.shape
    groups = np.broadcast_to(np.arange(steps), (number, steps))
    u = told[:, :, None] + solved.deviation[:, None, None] * offsets.table[groups]
    quantiles = solved.unscaled(u)
    return np.concatenate([(quantiles @ SHARES)[:, :, None], quantiles], axis=2)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedRegression:
    series, design, offsets = tables["series"], tables["design"], tables["offsets"]
    shape = tables["shape"].row(0, named=True)
    return FittedRegression(
        RegressionConfig(**config),
        Solved(
            np.asarray(weights["coefficients"]),
            series["level"].to_numpy(),
            series["size"].to_numpy(),
            series["deviation"].to_numpy(),
            series["most"].to_numpy(),
            series["is_log"].to_numpy(),
            np.asarray(weights["usual"]),
        ),
        Offsets(offsets.select(QUANTILES).to_numpy(), offsets["mean"].to_numpy()),
        panel_of_tables(tables),
        Design(
            shape["season"],
            shape["has_year"],
            tuple(design["name"]),
            tuple(design["effect"]),
            design["pull"].to_numpy(),
        ),
        tables["fallbacks"],
    )


MODEL = ForecastModel(NAME, RegressionConfig, fit, load)
