"""What would be sold if the price, or another known regressor, were another: within what the series has
seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.predict.forecast.explained import MOST_NAMED, Unit
from foresell.predict.forecast.forecast_text import what_if_sentences
from foresell.predict.forecast.model import Fitted
from foresell.predict.forecast.panel import Panel

# A value may lie outside what was seen by this share of the range, which rounding takes.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class WhatIf:
    """`usual`, `changed`: FORECAST frames of the series, as it is expected and with the change."""

    series_id: str
    changes: Mapping[str, float]
    usual: pl.DataFrame
    changed: pl.DataFrame
    text: str
    text_zh: str

    def as_record(self) -> dict[str, Any]:
        dated = pl.col("date").dt.to_string("%Y-%m-%d")
        return {
            "series_id": self.series_id,
            "changes": dict(self.changes),
            "usual": self.usual.with_columns(dated).to_dicts(),
            "changed": self.changed.with_columns(dated).to_dicts(),
            "text": self.text,
            "text_zh": self.text_zh,
        }


def what_if(
    fitted: Fitted,
    panel: Panel,
    series_id: str,
    changes: Mapping[str, float],
    horizon: int,
    *,
    unit: Unit,
    currency: str = "USD",
) -> WhatIf:
    """The forecast of one series with known regressors at so many times what they will be: {"price": 0.9}
    is a price 10% lower. A future that the panel does not know is taken as the series' last known value.

    Raises NotFoundError for a series or regressor that the panel does not know; InputError where the changed
    value lies outside what the series has seen, where it never changed, and where the model does not look at
    regressors.
    """
    history = panel.frame.filter(pl.col("series_id") == series_id).sort("date")
    if history.is_empty():
        known = panel.frame["series_id"].unique().sort().head(MOST_NAMED).to_list()
        raise NotFoundError(f"There is no series '{series_id}'", do=did_you_mean(series_id, known))
    usual = fitted.forecast(horizon).filter(pl.col("series_id") == series_id)
    future = _future(panel, history, usual["date"])
    changed_future = future
    for name, factor in changes.items():
        if name not in panel.known:
            raise NotFoundError(
                f"'{name}' is not a regressor whose future is known", do=did_you_mean(name, panel.known)
            )
        _check_seen(name, history[name], future[name] * factor)
        changed_future = changed_future.with_columns(pl.col(name) * factor)
    base = _of_series(fitted, horizon, series_id, panel, future)
    changed = _of_series(fitted, horizon, series_id, panel, changed_future)
    if base.equals(changed) and not _looks_at_regressors(fitted):
        raise InputError(
            "The model of this series does not look at what is known of the future",
            received=type(fitted.config).__name__.removesuffix("Config"),
            do="Fit regression, boosted or a combination with one of them.",
        )
    expected = (float(base["mean"].sum()), float(changed["mean"].sum()))
    text, text_zh = what_if_sentences(dict(changes), *expected, horizon, panel.period, unit, currency)
    return WhatIf(series_id, dict(changes), base, changed, text, text_zh)


def _looks_at_regressors(fitted: Fitted) -> bool:
    return hasattr(fitted, "knowledge") or hasattr(fitted, "members")


def _future(panel: Panel, history: pl.DataFrame, dates: pl.Series) -> pl.DataFrame:
    """series_id, date and every known regressor of those dates."""
    blank = pl.DataFrame({"date": dates}).with_columns(series_id=pl.lit(history["series_id"][0]))
    there = [name for name in panel.known if name in panel.future.columns]
    told = blank.join(panel.future.select("series_id", "date", *there), on=["series_id", "date"], how="left")
    filled = []
    for name in panel.known:
        last = history[name].drop_nulls().tail(1).to_list()
        column = pl.col(name).cast(pl.Float64) if name in there else pl.lit(None, dtype=pl.Float64)
        filled.append(column.fill_null(float(last[0]) if last else None).alias(name))
    return told.select("series_id", "date", *filled).sort("date")


def _check_seen(name: str, seen: pl.Series, wanted: pl.Series) -> None:
    past = seen.cast(pl.Float64).drop_nulls()
    if past.is_empty() or past.n_unique() == 1:
        raise InputError(
            f"'{name}' never changed in this series: its effect is not known",
            received="no value" if past.is_empty() else f"always {past[0]:g}",
            do="Ask of a series where it did.",
        )
    low, high = float(past.to_numpy().min()), float(past.to_numpy().max())
    slack = TOLERANCE * (high - low)
    out = wanted.drop_nulls().filter(
        (wanted.drop_nulls() < low - slack) | (wanted.drop_nulls() > high + slack)
    )
    if out.len():
        raise InputError(
            f"'{name}' would lie outside of what the series has seen",
            received=f"{out[0]:.6g}",
            do=f"Stay within {low:.6g} to {high:.6g}.",
        )


def _of_series(
    fitted: Fitted, horizon: int, series_id: str, panel: Panel, future: pl.DataFrame
) -> pl.DataFrame:
    """The forecast of one series with its future; the others keep theirs."""
    others = panel.future.filter(pl.col("series_id") != series_id)
    whole = pl.concat([others, future], how="diagonal_relaxed")
    return fitted.forecast(horizon, whole).filter(pl.col("series_id") == series_id)
