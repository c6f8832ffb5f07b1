"""What each kind of feature adds to the forecasts of one series: the Shapley values of the trees."""

import numpy as np
import polars as pl

from foresell.predict.forecast.boosting.features import feature_names, rows_of
from foresell.predict.forecast.boosting.knowledge import Knowledge
from foresell.predict.forecast.boosting.learning import Trees
from foresell.predict.forecast.explained import LEVEL, PARTS, SEASON, TREND

SEASONAL = (
    "same season",
    "mean of same seasons",
    "around the same season",
    "month",
    "day of",
    "week of year",
)
# How a feature of a regressor begins behind its name.
SIDES = ("less usual", "at the origin", "before", "after")
TRENDING = ("step", "age")


def parts_of_series(knowledge: Knowledge, trees: Trees, row: int, horizon: int) -> pl.DataFrame | None:
    """PARTS; None for chances of counts, to which nothing adds in their unit, and where there are no
    trees."""
    if trees.center is None or trees.classes is not None:
        return None
    steps = np.arange(1, horizon + 1)
    newest = np.array([knowledge.grid.values.shape[1] - 1])
    rows = rows_of(knowledge, np.array([row]), newest, steps[None, :], trees.target, trees.window)
    told = np.asarray(trees.boosters[0].predict(rows.matrix, pred_contrib=True, num_threads=1), np.float64)
    groups = [_group(name, knowledge) for name in feature_names(knowledge)]
    frames = []
    dates = knowledge.grid.dates(steps)[row]
    for group in dict.fromkeys([LEVEL, *groups]):
        effect = told[:, :-1][:, [own == group for own in groups]].sum(axis=1) * rows.scale
        if group == LEVEL:
            # What the trees tell of any series belongs to the level.
            effect = effect + rows.level + told[:, -1] * rows.scale
        frame = pl.DataFrame({"date": dates, "value": effect}, schema_overrides={"date": pl.Date})
        frames.append(frame.select("date", part=pl.lit(group), value="value"))
    return pl.concat(frames).cast(PARTS)


def _group(name: str, knowledge: Knowledge) -> str:
    """Of a feature: the regressor that it is of, else season, trend or level."""
    known, lagged, _ = knowledge.names
    for regressor in (*known, *lagged):
        if name == regressor or name.startswith(tuple(f"{regressor} {side}" for side in SIDES)):
            return regressor
    if name.startswith(SEASONAL):
        return SEASON
    return TREND if name in TRENDING else LEVEL
