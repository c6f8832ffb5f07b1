"""mlforecast with LightGBM on the same windows; run by `rivals.py` with an environment of its own.

python rival_mlforecast.py SPEC.json

Tuned once by its own search (AutoMLForecast: lags, their transforms, targets, dates, LightGBM) on the history
before the first test window, by the absolute error; then fitted again at each test window, with conformal
intervals of its last two windows.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import polars as pl
from mlforecast.auto import AutoLightGBM, AutoMLForecast
from mlforecast.utils import PredictionIntervals

WIDTHS = [20, 40, 60, 80, 95]
LOWER = {95: "q0.025", 80: "q0.1", 60: "q0.2", 40: "q0.3", 20: "q0.4"}
UPPER = {20: "q0.6", 40: "q0.7", 60: "q0.8", 80: "q0.9", 95: "q0.975"}
FREQUENCY = {"day": "D", "week": "7D", "month": "MS"}
NAME = "mlforecast LightGBM"


def main() -> None:
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    first = table(spec["windows"][0]["history"], spec)
    started = time.perf_counter()
    model, config, tried = tuned(first, spec)
    tuning = time.perf_counter() - started
    parts, seconds = [], []
    for window in spec["windows"]:
        started = time.perf_counter()
        history = table(window["history"], spec)
        parts.append(forecast(model, config, history, window, spec))
        seconds.append(time.perf_counter() - started)
        print(f"  {NAME}, {window['origin']}: {seconds[-1]:.1f} s", flush=True)
    pl.concat(parts).write_parquet(spec["out"])
    about = {"seconds": seconds, "tuning_seconds": tuning, "trials": tried, "config": repr(config)}
    Path(spec["out"] + ".json").write_text(json.dumps({NAME: about}), encoding="utf-8")


def table(path: str, spec: dict[str, Any]) -> pd.DataFrame:
    columns = ["series_id", "date", "value", *spec["known"], *spec["static"]]
    told = (
        pl.read_parquet(path).select(columns).rename({"series_id": "unique_id", "date": "ds", "value": "y"})
    )
    frame = told.to_pandas()
    frame["ds"] = pd.to_datetime(frame["ds"])
    for name in spec["static"]:
        if frame[name].dtype == object:
            frame[name] = frame[name].astype("category")
    return frame


def tuned(history: pd.DataFrame, spec: dict[str, Any]) -> tuple[Any, dict[str, Any], int]:
    searched = AutoMLForecast(
        models={"lgb": AutoLightGBM()},
        freq=FREQUENCY[spec["period"]],
        season_length=spec["search_season"],
        fit_config=lambda trial: {"static_features": spec["static"]},
        num_threads=1,
    )

    # The names are the library's: it gives both by name.
    def loss(df: pd.DataFrame, train_df: pd.DataFrame) -> float:
        return float((df["y"] - df["model"]).abs().sum())

    lengths = history.groupby("unique_id").size()
    horizon, windows = spec["horizon"], spec["validation_windows"]
    # Its cross-validation cannot hold a series that is shorter than its windows.
    long = history[history["unique_id"].isin(lengths[lengths > horizon * (windows + 1) + 2].index)]
    searched.fit(
        long,
        n_windows=windows,
        h=horizon,
        num_samples=spec["trials"],
        refit=True,
        loss=loss,
        study_kwargs={"sampler": optuna.samplers.TPESampler(seed=spec["seed"])},
        optimize_kwargs={"catch": (Exception,)},
    )
    study = searched.results_["lgb"]
    return searched.models_["lgb"], study.best_trial.user_attrs["config"], len(study.trials)


def forecast(
    model: Any, config: dict[str, Any], history: pd.DataFrame, window: dict[str, str], spec: dict[str, Any]
) -> pl.DataFrame:
    horizon = spec["horizon"]
    lengths = history.groupby("unique_id").size()
    enough = lengths[lengths > 3 * horizon + 2].index
    history = history[history["unique_id"].isin(enough)]
    intervals = PredictionIntervals(n_windows=2, h=horizon)
    model.fit(history, static_features=spec["static"], prediction_intervals=intervals)
    ahead = None
    if spec["known"]:
        told = pl.read_parquet(window["ahead"]).rename({"series_id": "unique_id", "date": "ds"})
        ahead = told.to_pandas()
        ahead["ds"] = pd.to_datetime(ahead["ds"])
        ahead = ahead[ahead["unique_id"].isin(enough)]
    found = pl.from_pandas(model.predict(h=horizon, X_df=ahead, level=WIDTHS))
    columns = {"mean": pl.col("lgb"), "q0.5": pl.col("lgb")}
    columns |= {told_as: pl.col(f"lgb-lo-{width}") for width, told_as in LOWER.items()}
    columns |= {told_as: pl.col(f"lgb-hi-{width}") for width, told_as in UPPER.items()}
    numbers = [value.cast(pl.Float64).alias(one) for one, value in columns.items()]
    keys = [pl.col("unique_id").alias("series_id"), pl.col("ds").cast(pl.Date).alias("date")]
    told = found.select(*keys, *numbers)
    return told.with_columns(model=pl.lit(NAME), origin=pl.lit(window["origin"]))


if __name__ == "__main__":
    main()
