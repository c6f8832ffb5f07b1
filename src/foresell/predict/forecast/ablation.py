"""Which lagged regressors help: the fewest with which forecasts of past windows are not surely worse."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.intervals import Interval, bootstrap_ratio
from foresell.predict.forecast.model import MEDIAN, ForecastModel
from foresell.predict.forecast.panel import Panel, held_back

Floats = NDArray[np.float64]
# Of a panel: (n, 2), for each unit that errors are paired by (a series, or a series and window) the sum of
# its absolute errors and of its values' sizes on the validation windows. The same units in the same order for
# any panel that differs in regressors alone; NaN where a unit was not judged.
FitAndScore = Callable[[Panel], Floats]
# How sure it must be that fewer regressors are worse.
LEVEL = 0.9
STEPS = pl.Schema(
    {
        "step": pl.Int64(),
        "without": pl.String(),
        "loss": pl.Float64(),
        "loss_without": pl.Float64(),
        "help": pl.Float64(),
        "lower": pl.Float64(),
        "upper": pl.Float64(),
        "leaves": pl.Boolean(),
    }
)


@dataclass(frozen=True, slots=True)
class Ablation:
    """`kept`, `dropped`: lagged regressors, in the panel's order and in that of their leaving. `steps`
    (STEPS): at each step the loss (Σ absolute errors ÷ Σ |values|) with all that were left then, without one
    of them, and its help, the difference, with its LEVEL interval over units; one of them leaves."""

    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    steps: pl.DataFrame


def ablate(
    panel: Panel, fit_and_score: FitAndScore, *, seed: int = 0, names: Iterable[str] | None = None
) -> Ablation:
    """Take the lagged regressors away one at a time, at each step that which helps least (ties go by the
    panel's order), to the last; and keep the smallest of the sets on this way that is not surely worse than
    the best of them: the lower end of the interval of its loss less the best's is not above 0.

    To stop at the first that does not help would leave what helps only together. `names`: those that are
    questioned; None: all of `panel.lagged`. k of them take 1 + k(k + 1) ÷ 2 calls. InputError for a name that
    is no lagged regressor of the panel.
    """
    asked = tuple(panel.lagged if names is None else names)
    if unknown := set(asked) - set(panel.lagged):
        raise InputError(
            f"The panel has no lagged {', '.join(sorted(unknown))}",
            do=f"Valid: {', '.join(panel.lagged) or 'none'}.",
        )
    gone: list[str] = []
    steps: list[dict[str, object]] = []
    scores = [fit_and_score(panel)]
    while left := [name for name in asked if name not in gone]:
        others = {name: fit_and_score(without(panel, [*gone, name])) for name in left}
        helps = {name: _worse(others[name], scores[-1], seed) for name in left}
        least = min(left, key=lambda name: helps[name].value)
        for name in left:
            told = _step(len(scores), name, scores[-1], others[name], helps[name])
            steps.append(told | {"leaves": name == least})
        gone.append(least)
        scores.append(others[least])
    best = min(scores, key=_loss)
    smallest = max(at for at, one in enumerate(scores) if not _worse(one, best, seed).lower > 0)
    dropped = tuple(gone[:smallest])
    kept = tuple(name for name in panel.lagged if name not in dropped)
    return Ablation(kept, dropped, pl.DataFrame(steps, schema=STEPS))


def judged_on_windows(model: ForecastModel, config: Any, windows: int) -> FitAndScore:
    """Scores of a model that is fitted again before each of the last `windows` windows, of `config.horizon`
    periods: of each series of the panel, in order, its median's errors summed over the windows. What came
    later than a window is not seen, but known regressors of the window itself are."""

    def fit_and_score(panel: Panel) -> Floats:
        told = []
        for window in range(windows, 0, -1):
            past, came = held_back(panel, window * config.horizon)
            forecasts = model.fit(past, config).forecast(config.horizon, past.future)
            told.append(forecasts.select("series_id", "date", MEDIAN).join(came, on=["series_id", "date"]))
        errors = (
            pl.concat(told)
            .group_by("series_id")
            .agg(error=(pl.col(MEDIAN) - pl.col("value")).abs().sum(), size=pl.col("value").abs().sum())
        )
        series = panel.frame.select("series_id").unique().sort("series_id")
        judged = series.join(errors, on="series_id", how="left").sort("series_id")
        return judged.select("error", "size").to_numpy()

    return fit_and_score


def without(panel: Panel, names: Iterable[str]) -> Panel:
    """The panel without these lagged regressors."""
    gone = set(names)
    lagged = tuple(name for name in panel.lagged if name not in gone)
    return replace(panel, frame=panel.frame.drop(gone), lagged=lagged)


def _worse(scores: Floats, others: Floats, seed: int) -> Interval:
    """How much higher the loss of `scores` is than that of `others`, over the units that both judged."""
    return bootstrap_ratio(scores[:, 0] - others[:, 0], others[:, 1], seed=seed, level=LEVEL)


def _step(step: int, name: str, current: Floats, other: Floats, found: Interval) -> dict[str, object]:
    return {
        "step": step,
        "without": name,
        "loss": _loss(current),
        "loss_without": _loss(other),
        "help": found.value,
        "lower": found.lower,
        "upper": found.upper,
    }


def _loss(scores: Floats) -> float:
    judged = scores[~np.isnan(scores).any(axis=1)].sum(axis=0)
    return float(judged[0] / judged[1]) if judged[1] else float("nan")
