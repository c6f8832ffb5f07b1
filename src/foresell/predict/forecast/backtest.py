"""The forecasters against each other from rolling origins, through the interfaces that serve them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import polars as pl

from foresell.evaluation.compare import Trial, choose, leaderboard
from foresell.evaluation.forecasting import (
    breaks_its_promise,
    forecast_scores,
    judge,
    scales,
    score_difference,
)
from foresell.evaluation.splits import Origin, Split
from foresell.predict.forecast import load_model
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.widths import Widths, learn_widths

# Lower is better. It weighs by what is sold; means of mase and rmsse hang on series that hardly ever change.
MAIN_SCORE = "wape"
SEED = 0
# What is made of all others takes as long as they do together, and must surely be better than each.
MIXTURES = ("combination", "choice")
# What every other model is compared with, and by what.
BASELINE = "seasonal_naive"
PAIRED = ("wape", "crps")
SPLITS: tuple[Split, ...] = ("validation", "test")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Backtest:
    """board      the `leaderboard` of the contracts, every model on every split
    best       on validation, by MAIN_SCORE; one of MIXTURES only where the 95% interval of its score less
               that of the best other model lies below 0; None where there was no validation origin
    widths     of the best, learned from all its windows, where its intervals broke their promise in them
               (`evaluation.forecasting.breaks_its_promise`); None where they kept it, and of counts
    forecasts  model, split, num_train (of the origin), the columns of FORECAST, and value: what came
    fallbacks  model, split, num_train, series_id, reason
    """

    board: pl.DataFrame
    best: str | None
    widths: Widths | None
    forecasts: pl.DataFrame
    fallbacks: pl.DataFrame


def backtest(
    history_at: Callable[[Origin], Panel],
    actuals: pl.DataFrame,
    origins: Sequence[Origin],
    *,
    task: str,
    models: Sequence[str],
    horizon: int,
    configs: Mapping[str, Mapping[str, Any]] = {},
    note: str = "",
    say: Say = lambda step: None,
) -> Backtest:
    """Each model from the validation origins and from the test origin (`evaluation.splits.rolling_origins`).

    `history_at`: what was known at an origin; `actuals`: series_id, date, value of the whole history (null:
    unknown, judged nowhere); `configs`: model → fields of its config beside the horizon. Seconds are those of
    one origin, on average. MASE and RMSSE scale by the panel's season where every judged history holds two,
    else by the last period. Intervals: bootstrap over series. Where BASELINE is among the models, each
    other one also has the scores of PAIRED less those of the baseline, paired by series: below 0 is better.
    `say` is told each step.
    """
    trials: list[Trial] = []
    runs: dict[Split, list[_Run]] = {split: [] for split in SPLITS}
    for split in SPLITS:
        chosen = [origin for origin in origins if origin.split == split]
        about = f"{note}; horizon {horizon}; {_counted(len(chosen), 'origin')}"
        baseline: _Run | None = None
        for name in _baseline_first(models) if chosen else ():
            run = _run(name, configs.get(name, {}), history_at, actuals, chosen, horizon, say)
            runs[split].append(run)
            trials.append(run.as_trial(task, split, about, baseline))
            baseline = run if name == BASELINE else baseline
    board = leaderboard(trials, datetime.now(UTC))
    validated = {run.name: run.judged for run in runs["validation"]}
    best = _best(board, validated) if validated else None
    every = [run for split in SPLITS for run in runs[split]]
    return Backtest(
        board,
        best,
        _widths([run for run in every if run.name == best]),
        pl.concat(run.forecasts for run in every) if every else pl.DataFrame(),
        pl.concat(run.fallbacks for run in every) if every else pl.DataFrame(),
    )


def _widths(runs: Sequence["_Run"]) -> Widths | None:
    """Of the runs of one model."""
    if not runs or any(run.is_count for run in runs):
        return None
    if not breaks_its_promise(pl.concat(run.judged for run in runs), seed=SEED):
        return None
    return learn_widths(pl.concat(run.forecasts for run in runs))


def _best(board: pl.DataFrame, validated: Mapping[str, pl.DataFrame]) -> str:
    """`validated`: model → what `judge` said of it."""
    best = choose(board, MAIN_SCORE, higher_is_better=False)
    others = board.filter(~pl.col("model").is_in(MIXTURES))
    if best not in MIXTURES or others.is_empty():
        return best
    simpler = choose(others, MAIN_SCORE, higher_is_better=False)
    apart = score_difference(validated[best], validated[simpler], MAIN_SCORE, seed=SEED)
    return best if apart.upper < 0 else simpler


def _baseline_first(models: Sequence[str]) -> list[str]:
    return sorted(models, key=lambda name: name != BASELINE)


@dataclass(frozen=True)
class _Run:
    """One model at the origins of a split; seconds are means."""

    name: str
    judged: pl.DataFrame
    forecasts: pl.DataFrame
    fallbacks: pl.DataFrame
    season: int
    is_count: bool
    fit_seconds: float
    predict_seconds: float

    def as_trial(self, task: str, split: Split, note: str, baseline: "_Run | None") -> Trial:
        scores = forecast_scores(self.judged, seed=SEED)
        if baseline is not None:
            for name in PAIRED:
                apart = score_difference(self.judged, baseline.judged, name, seed=SEED)
                scores[f"{name}_less_naive"] = apart
        told = f"{note}; season {self.season}; {_counted(self.fallbacks.height, 'fallback')}"
        return Trial(task, self.name, split, scores, self.fit_seconds, self.predict_seconds, told)


def _run(
    name: str,
    changes: Mapping[str, Any],
    history_at: Callable[[Origin], Panel],
    actuals: pl.DataFrame,
    origins: Sequence[Origin],
    horizon: int,
    say: Say,
) -> _Run:
    model, num = load_model(name), len(origins)
    season = _season([history_at(origin) for origin in origins], origins)
    judged, told, reasons, seconds = [], [], [], [0.0, 0.0]
    for origin in origins:
        say(f"{origin.split}: {name}, {origin.num_train} periods known")
        panel = history_at(origin)
        started = perf_counter()
        fitted = model.fit(panel, model.config(horizon=horizon, **changes))
        fitted_at = perf_counter()
        forecasts = fitted.forecast(origin.horizon)
        seconds[0] += fitted_at - started
        seconds[1] += perf_counter() - fitted_at
        reasons.append(_of_origin(fitted.fallbacks, name, origin))
        judged.append(judge(forecasts, actuals, scales(panel.frame, season)))
        told.append(_beside(forecasts, actuals, name, origin))
    return _Run(
        name,
        pl.concat(judged),
        pl.concat(told),
        pl.concat(reasons),
        season,
        panel.is_count,
        *(one / num for one in seconds),
    )


def _season(panels: Sequence[Panel], origins: Sequence[Origin]) -> int:
    season = panels[0].season
    return season if min(origin.num_train for origin in origins) >= 2 * season else 1


def _beside(forecasts: pl.DataFrame, actuals: pl.DataFrame, name: str, origin: Origin) -> pl.DataFrame:
    came = forecasts.join(actuals.select("series_id", "date", "value"), on=["series_id", "date"], how="left")
    return _of_origin(came, name, origin)


def _of_origin(frame: pl.DataFrame, name: str, origin: Origin) -> pl.DataFrame:
    return frame.select(
        pl.lit(name).alias("model"),
        pl.lit(origin.split).alias("split"),
        pl.lit(origin.num_train).alias("num_train"),
        *frame.columns,
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
