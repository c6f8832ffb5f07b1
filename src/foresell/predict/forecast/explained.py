"""Why a forecast is what it is: what level, trend, season and each known regressor add to it."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import polars as pl

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.predict.forecast.forecast_text import forecast_sentences
from foresell.predict.forecast.grid import Floats, grid_of
from foresell.predict.forecast.model import MEDIAN, Fitted
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.smoothing.seasons import seasons_of

Unit = Literal["money", "units"]
LEVEL, TREND, SEASON, OTHER = "level", "trend", "season", "other"
PARTS = pl.Schema({"date": pl.Date(), "part": pl.String(), "value": pl.Float64()})
# The level that stands for what is usual: the mean of so many newest periods, of a season if that is longer.
USUAL_PERIODS = 8
# So many series are named where one is asked for that is none.
MOST_NAMED = 20


@runtime_checkable
class Explains(Protocol):
    """A fitted forecaster that knows its own parts."""

    def parts_of(self, series_id: str, horizon: int) -> pl.DataFrame | None:
        """PARTS of the next periods of one series; null where it cannot tell (as for chances of counts)."""


@dataclass(frozen=True)
class Explanation:
    """parts    PARTS; those of a date sum to the median that is told
    history  date, value, level, season: what was, and what the season made of it
    drivers  part, effect: what a part adds over all periods, beside the level; the largest first
    text     a sentence or two; text_zh in Chinese
    """

    series_id: str
    parts: pl.DataFrame
    history: pl.DataFrame
    drivers: pl.DataFrame
    text: str
    text_zh: str

    def as_record(self) -> dict[str, Any]:
        dated = pl.col("date").dt.to_string("%Y-%m-%d")
        return {
            "series_id": self.series_id,
            "text": self.text,
            "text_zh": self.text_zh,
            "drivers": self.drivers.to_dicts(),
            "parts": self.parts.with_columns(dated).to_dicts(),
            "history": self.history.with_columns(dated).to_dicts(),
        }


def explain_forecast(
    fitted: Fitted, panel: Panel, series_id: str, horizon: int, *, unit: Unit, currency: str = "USD"
) -> Explanation:
    """By the model's own account (coefficients of a regression; of trees their Shapley values, Lundberg et
    al., 2020), else by a decomposition of the history: the level is the mean of the newest season, the
    season what the classical decomposition finds, and the trend the rest.

    What a model's own parts do not sum up to is the part "other". Raises NotFoundError for a series that is
    not forecast, InputError as `Fitted.forecast`.
    """
    told = fitted.forecast(horizon).filter(pl.col("series_id") == series_id)
    if told.is_empty():
        known = fitted.forecast(1)["series_id"].unique().sort().to_list()
        raise NotFoundError(
            f"There is no forecast of the series '{series_id}'",
            do=did_you_mean(series_id, known[:MOST_NAMED]),
        )
    history = _history(panel, series_id)
    own = fitted.parts_of(series_id, horizon) if isinstance(fitted, Explains) else None
    parts = _with_other(_decomposed(told, panel, series_id) if own is None else own, told)
    drivers = _drivers(parts)
    before = history["value"].drop_nulls().tail(horizon)
    text, text_zh = forecast_sentences(
        float(told["mean"].sum()),
        float(before.sum()) if len(before) == horizon else None,
        horizon,
        panel.period,
        drivers,
        unit,
        currency,
    )
    return Explanation(series_id, parts, history, drivers, text, text_zh)


def _of_one(panel: Panel, series_id: str) -> pl.DataFrame:
    return panel.frame.filter(pl.col("series_id") == series_id)


def _history(panel: Panel, series_id: str) -> pl.DataFrame:
    """date, value, level, season of every period of the series."""
    own = _of_one(panel, series_id).sort("date").unique("date", keep="last", maintain_order=True)
    schema = {"date": pl.Date, "value": pl.Float64, "level": pl.Float64, "season": pl.Float64}
    if own["value"].drop_nulls().is_empty():
        return pl.DataFrame(schema=schema)
    grid = grid_of(panel_of_one(panel, own))
    values = grid.values
    seasons = seasons_of(values, grid.season)
    adjusted = seasons.without(values)[0]
    length = values.shape[1]
    dates = grid.dates(np.arange(1 - length, 1))[0]
    columns = {"date": dates, "value": values[0], "level": adjusted, "season": values[0] - adjusted}
    frame = pl.DataFrame(columns, schema_overrides={"date": pl.Date})
    return frame.with_columns(pl.col("value", "level", "season").fill_nan(None)).cast(schema)  # type: ignore[arg-type]


def panel_of_one(panel: Panel, own: pl.DataFrame) -> Panel:
    """The panel with those rows only, without regressors."""
    return Panel(
        own.select("series_id", "date", "value"), panel.period, panel.season, is_count=panel.is_count
    )


def _decomposed(told: pl.DataFrame, panel: Panel, series_id: str) -> pl.DataFrame:
    own = _of_one(panel, series_id)
    horizon = told.height
    medians = _known(told)
    if own["value"].drop_nulls().is_empty():
        return _as_parts(told, {LEVEL: medians})
    grid = grid_of(panel_of_one(panel, own))
    seasons = seasons_of(grid.values, grid.season)
    adjusted = seasons.without(grid.values)[0]
    newest = adjusted[-max(grid.season, USUAL_PERIODS) :]
    level = float(np.nanmean(newest if not np.isnan(newest).all() else adjusted))
    flat = np.full((1, horizon), level)
    season = seasons.restored(flat)[0] - flat[0]
    return _as_parts(told, {LEVEL: flat[0], TREND: medians - flat[0] - season, SEASON: season})


def _known(told: pl.DataFrame) -> Floats:
    """The medians, and means where a series is too short for quantiles."""
    return told.select(pl.coalesce(MEDIAN, "mean")).to_series().to_numpy()


def _as_parts(told: pl.DataFrame, parts: dict[str, Floats]) -> pl.DataFrame:
    frames = [
        told.select("date", part=pl.lit(name), value=pl.Series(values, dtype=pl.Float64))
        for name, values in parts.items()
    ]
    return pl.concat(frames).cast(PARTS)


def _with_other(parts: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    sums = parts.group_by("date").agg(told=pl.col("value").sum())
    medians = told.select("date", median=pl.coalesce(MEDIAN, "mean"))
    rest = medians.join(sums, on="date", how="left").select(
        "date", part=pl.lit(OTHER), value=pl.col("median") - pl.col("told").fill_null(0.0)
    )
    if rest["value"].abs().max() is None or float(rest["value"].abs().sum()) < 1e-9:
        return parts.sort("date", "part")
    return pl.concat([parts, rest.cast(PARTS)]).sort("date", "part")


def _drivers(parts: pl.DataFrame) -> pl.DataFrame:
    sums = parts.filter(pl.col("part") != LEVEL).group_by("part").agg(effect=pl.col("value").sum())
    return sums.sort(-pl.col("effect").abs(), "part")
