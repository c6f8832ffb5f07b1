"""What each effect of a regression adds to the forecasts of one series."""

import numpy as np
import polars as pl

from foresell.predict.forecast.boosting.knowledge import Knowledge
from foresell.predict.forecast.explained import LEVEL, PARTS
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.ridge.design import Design, columns_of
from foresell.predict.forecast.ridge.solve import LOG_SHIFT, Solved


def parts_of_series(
    knowledge: Knowledge, solved: Solved, design: Design, row: int, horizon: int
) -> pl.DataFrame:
    """PARTS. Effects that multiply are shared out by logarithmic means, which leave no rest (Ang,
    Decomposition analysis for policymaking in energy, 2004)."""
    steps = np.arange(1, horizon + 1)
    columns = columns_of(knowledge, design, np.array([row]), steps, solved.usual[:, [row]])[0]
    effects = columns * solved.coefficients[row]
    size, level = float(solved.size[row]), float(solved.level[row])
    groups = list(dict.fromkeys(design.groups))
    summed = {group: effects[:, [own == group for own in design.groups]].sum(axis=1) for group in groups}
    if solved.is_log[row]:
        base = np.exp(level)
        weight = _logarithmic_mean(base * np.exp(effects.sum(axis=1)), np.full(horizon, base))
        told = {LEVEL: np.full(horizon, size * (base - LOG_SHIFT))}
        told |= {group: size * weight * effect for group, effect in summed.items()}
    else:
        told = {LEVEL: np.full(horizon, size * level)}
        told |= {group: size * effect for group, effect in summed.items()}
    dates = knowledge.grid.dates(steps)[row]
    frames = [
        pl.DataFrame({"date": dates, "value": values}, schema_overrides={"date": pl.Date}).select(
            "date", part=pl.lit(part), value="value"
        )
        for part, values in told.items()
    ]
    return pl.concat(frames).cast(PARTS)


def _logarithmic_mean(first: Floats, second: Floats) -> Floats:
    apart = np.log(first) - np.log(second)
    return np.asarray(
        np.divide(first - second, apart, out=first.astype(np.float64).copy(), where=np.abs(apart) > 1e-12)
    )
