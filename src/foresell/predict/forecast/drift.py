"""Alarms when forecasts that came due miss by more, or otherwise, than the backtest said they would.

Of every period the whole shop's error is one number: what the backtest's periods were like says between which
bounds the mean of the newest periods lies (a prediction interval by Student's t; Hahn and Meeker, Statistical
Intervals, 1991, section 4.8).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from scipy.special import stdtrit

from foresell.predict.forecast.model import BOUNDS, FORECAST, MEDIAN

# Fewer periods than these tell no range, and no drift.
FEWEST_EXPECTED = 6
FEWEST_LIVE = 2
LEVEL = 0.99
# Measure → what is said of it, above and below its range; the empty text raises no alarm.
MEASURES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "wape": (("Forecasts miss by more than they did", "预测误差比以往大"), ("", "")),
    "bias": (("Forecasts are too high", "预测偏高"), ("Forecasts are too low", "预测偏低")),
    "coverage_80": (
        ("Intervals are wider than they need be", "预测区间过宽"),
        ("Intervals are too narrow", "预测区间过窄"),
    ),
}
RANGES = pl.Schema(
    {"measure": pl.String(), "mean": pl.Float64(), "deviation": pl.Float64(), "num_periods": pl.Int64()}
)


@dataclass(frozen=True, slots=True)
class DriftAlarm:
    """`live`: the measure over the newest `num_periods`; `lower`, `upper`: where it was to be expected."""

    measure: str
    live: float
    lower: float
    upper: float
    num_periods: int
    text: str
    text_zh: str


def period_errors(results: pl.DataFrame) -> pl.DataFrame:
    """date and every one of MEASURES over all series, a row a period and (where `results` has it) num_train.

    `results`: the columns of FORECAST, and value: what came; rows without it are left out, and periods in
    which nothing was sold. Coverage is null where no series has an interval.
    """
    keys = [name for name in ("num_train", "date") if name in results.columns]
    told = results.filter(pl.col("value").is_not_null())
    size = pl.col("value").abs().sum()
    missed = (pl.coalesce(MEDIAN, "mean") - pl.col("value")).abs().sum()
    inside = pl.col("value").is_between(pl.col(BOUNDS["lower_80"]), pl.col(BOUNDS["upper_80"]))
    found = told.group_by(keys).agg(
        size=size,
        wape=missed / size,
        bias=(pl.col("mean") - pl.col("value")).sum() / size,
        coverage_80=inside.cast(pl.Float64).mean(),
    )
    return found.filter(pl.col("size") > 0).sort(keys).select("date", *MEASURES)


def expected_errors(results: pl.DataFrame) -> pl.DataFrame:
    """RANGES, from the results of a backtest of one model (`backtest.Backtest.forecasts` of it)."""
    periods = period_errors(results)
    rows = []
    for measure in MEASURES:
        told = periods[measure].drop_nulls()
        if len(told) >= FEWEST_EXPECTED:
            numbers = told.to_numpy()
            rows.append((measure, float(numbers.mean()), float(numbers.std(ddof=1)), len(told)))
    return pl.DataFrame(rows, schema=RANGES, orient="row")


def drift_alarms(
    expected: pl.DataFrame, results: pl.DataFrame, *, level: float = LEVEL
) -> tuple[DriftAlarm, ...]:
    """What lies outside its range. `expected`: RANGES; `results`: forecasts that came due, of the newest
    periods.

    None where there are fewer than FEWEST_LIVE periods. All measures together raise a false alarm at most
    every 1 / (3 (1 − level)) times, as far as periods are independent.
    """
    missing = [name for name in FORECAST.names() if name not in results.columns]
    live = period_errors(results.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in missing))
    found = []
    for measure, mean, deviation, number in expected.iter_rows():
        told = live[measure].drop_nulls()
        if len(told) < FEWEST_LIVE:
            continue
        half = float(stdtrit(number - 1, (1 + level) / 2)) * deviation * (1 / len(told) + 1 / number) ** 0.5
        now = float(told.to_numpy().mean())
        above, below = MEASURES[measure]
        lower, upper = mean - half, mean + half
        text, text_zh = above if now > upper else below if now < lower else ("", "")
        if text:
            text += f" in the last {len(told)} periods: {measure} {now:.3f}, not {lower:.3f} to {upper:.3f}."
            text_zh += f"：最近 {len(told)} 期 {measure} 为 {now:.3f}，预期 {lower:.3f} 至 {upper:.3f}。"
            found.append(DriftAlarm(measure, now, lower, upper, len(told), text, text_zh))
    return tuple(found)
