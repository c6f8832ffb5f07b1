"""Every model at every origin, as it would have been fitted then. Finished forecasts are kept."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.forecasting.long import LongFile

from foresell.predict.forecast import load_model
from foresell.predict.forecast.model import VALUES

# Of a model's name in the contest: what the model is, and what of its config is not the default.
Entrants = Mapping[str, tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Origins:
    """The last known period of each window. `test`: the last `windows` windows of the file, `step` apart;
    `validation`: the windows before, none of which reaches into another or into the first test window. Both
    oldest first."""

    validation: tuple[date, ...]
    test: tuple[date, ...]
    horizon: int


def origins_of(dates: Sequence[date], horizon: int, windows: int, step: int, validation: int) -> Origins:
    places = [len(dates) - 1 - horizon - step * i for i in range(windows)]
    first = min(places)
    judging = [first - horizon * (1 + i) for i in range(validation)]
    if first < 1 or not [place for place in judging if place >= 1]:
        raise SystemExit(f"{len(dates)} periods are too few for these windows, and one before them")
    chosen = sorted(place for place in judging if place >= 1)
    return Origins(
        tuple(dates[place] for place in chosen), tuple(dates[place] for place in sorted(places)), horizon
    )


@dataclass
class Made:
    """Forecasts of one entrant, seed and origin. `rows`: FORECAST, `origin`, `step` and `value`."""

    rows: pl.DataFrame
    fit_seconds: float
    predict_seconds: float
    fallbacks: Mapping[str, int] = field(default_factory=dict)


def make(
    file: LongFile, entrants: Entrants, name: str, seed: int, origin: date, horizon: int, work: Path
) -> Made:
    model_name, given = entrants[name]
    model = load_model(model_name)
    allowed = {one.name for one in fields(model.config)}
    config = {"horizon": horizon, **({"seed": seed} if "seed" in allowed else {}), **given}
    if not file.dated and "dated" in allowed:
        config["dated"] = False
    settings = model.config(**config)
    told = json.dumps([model_name, asdict(settings), str(origin)], sort_keys=True, default=str)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    stored, facts = work / f"{name}-{key}.parquet", work / f"{name}-{key}.json"
    if not facts.exists():
        made = _made(file, model, settings, origin, horizon)
        made.rows.write_parquet(stored)
        about = [made.fit_seconds, made.predict_seconds, dict(made.fallbacks)]
        facts.write_text(json.dumps(about), encoding="utf-8")
    fit_seconds, predict_seconds, fallbacks = json.loads(facts.read_text(encoding="utf-8"))
    rows = with_values(pl.read_parquet(stored), file, origin, horizon)
    return Made(rows, fit_seconds, predict_seconds, fallbacks)


def _made(file: LongFile, model: Any, settings: Any, origin: date, horizon: int) -> Made:
    panel = file.panel(origin, horizon)
    started = time.perf_counter()
    fitted = model.fit(panel, settings)
    fitted_at = time.perf_counter()
    rows = fitted.forecast(horizon)
    ended = time.perf_counter()
    reasons = fitted.fallbacks.group_by("reason").len().sort("len", descending=True).head(5)
    return Made(rows, fitted_at - started, ended - fitted_at, dict(reasons.iter_rows()))


def with_values(rows: pl.DataFrame, file: LongFile, origin: date, horizon: int) -> pl.DataFrame:
    """FORECAST rows with `origin`, `step` from 1, and the `value` that came, null where it is not known.

    Every series that had begun by the origin has a row a period: one that a model leaves out counts as 0
    would, so that no one gains by silence; a quantile that it leaves out is its mean."""
    actuals = file.actuals(origin, horizon)
    told = actuals.join(rows, on=["series_id", "date"], how="left")
    numbers = [name for name in rows.columns if name not in ("series_id", "date")]
    step = pl.col("date").rank("dense").cast(pl.Int64)
    told = told.with_columns(pl.col(numbers).fill_nan(None))
    told = told.with_columns(pl.col(numbers).fill_null(pl.col("mean")).fill_null(0.0))
    told = told.with_columns(origin=pl.lit(origin), step=step)
    values = [name for name in VALUES if name in told.columns]
    return told.select("series_id", "date", *values, "value", "origin", "step")


def contest(
    file: LongFile, entrants: Entrants, origins: Sequence[date], horizon: int, seed: int, work: Path
) -> Iterator[tuple[str, date, Made]]:
    for name in entrants:
        for origin in origins:
            made = make(file, entrants, name, seed, origin, horizon, work)
            print(f"  {name}, seed {seed}, {origin}: {made.fit_seconds:.1f} s", flush=True)
            yield name, origin, made
