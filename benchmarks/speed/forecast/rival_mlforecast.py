"""mlforecast's LightGBM at every window, learned again, with its conformal intervals of two windows.

python rival_mlforecast.py SPEC.json

Settings as its documents suggest for weekly series: lags, rolling means, week of the year, each series
scaled; LightGBM with 200 trees of 31 leaves at a rate of 0.05.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm
import polars as pl
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import LocalStandardScaler
from mlforecast.utils import PredictionIntervals

LAGS = [1, 2, 3, 4, 5, 6, 7, 8, 13, 26, 52]
TRANSFORMS = {1: [RollingMean(4), RollingMean(13), RollingMean(26), RollingMean(52)]}
WIDTHS = [20, 40, 60, 80, 95]


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    started = time.perf_counter()
    # It takes no unknown values: they count as nothing sold.
    frame = pl.read_parquet(spec["series"]).with_columns(pl.col("value").fill_null(0.0))
    whole = frame.rename({"series_id": "unique_id", "date": "ds", "value": "y"}).to_pandas()
    dates = frame["date"].unique().sort()
    horizon, told = spec["horizon"], []
    seconds = {"read": time.perf_counter() - started, "windows": []}
    for window in range(spec["windows"]):
        started = time.perf_counter()
        end = dates[spec["length"] + window * horizon - 1]
        known = whole[whole["ds"] <= str(end)]
        model = MLForecast(
            models={
                "lgb": lightgbm.LGBMRegressor(
                    n_estimators=200, learning_rate=0.05, verbosity=-1, n_jobs=spec["threads"]
                )
            },
            freq="7D",
            lags=LAGS,
            lag_transforms=TRANSFORMS,
            date_features=["week"],
            target_transforms=[LocalStandardScaler()],
            num_threads=spec["threads"],
        )
        model.fit(known, static_features=[], prediction_intervals=PredictionIntervals(n_windows=2, h=horizon))
        told.append(named(pl.from_pandas(model.predict(h=horizon, level=WIDTHS)), window))
        seconds["windows"].append(time.perf_counter() - started)
        print(f"mlforecast, window {window}: {seconds['windows'][-1]:.1f} s", flush=True)
    pl.concat(told).write_parquet(spec["out"])
    Path(spec["out"] + ".json").write_text(json.dumps(seconds), encoding="utf-8")


def named(found: pl.DataFrame, window: int) -> pl.DataFrame:
    lower = {f"q{(1 - width / 100) / 2:g}": pl.col(f"lgb-lo-{width}") for width in WIDTHS}
    upper = {f"q{(1 + width / 100) / 2:g}": pl.col(f"lgb-hi-{width}") for width in WIDTHS}
    middle = {"mean": pl.col("lgb"), "q0.5": pl.col("lgb")}
    columns = {**middle, **lower, **upper}
    return found.select(
        pl.col("unique_id").alias("series_id"),
        pl.col("ds").cast(pl.Date).alias("date"),
        *(value.cast(pl.Float64).alias(name) for name, value in columns.items()),
        pl.lit(window, dtype=pl.Int32).alias("window"),
    )


if __name__ == "__main__":
    main()
