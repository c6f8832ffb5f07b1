"""statsforecast on the same windows; run by `rivals.py` with an environment of its own.

python rival_statsforecast.py SPEC.json

Its quantiles are the ends of its intervals of 20, 40, 60, 80 and 95%, and its mean in the middle. Models of
sparse counts, which have no intervals of their own, get statsforecast's conformal ones.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import polars as pl
from statsforecast import StatsForecast
from statsforecast.models import (
    ADIDA,
    IMAPA,
    TSB,
    AutoARIMA,
    AutoCES,
    AutoETS,
    AutoTheta,
    CrostonSBA,
    HistoricAverage,
    SeasonalNaive,
    WindowAverage,
)
from statsforecast.utils import ConformalIntervals

WIDTHS = [20, 40, 60, 80, 95]
LOWER = {95: "q0.025", 80: "q0.1", 60: "q0.2", 40: "q0.3", 20: "q0.4"}
UPPER = {20: "q0.6", 40: "q0.7", 60: "q0.8", 80: "q0.9", 95: "q0.975"}
FREQUENCY = {"day": "D", "week": "7D", "month": "MS"}


def models_of(names: list[str], season: int, horizon: int, shortest: int) -> list[object]:
    windows = 2 if shortest > 2 * horizon + 1 else 0
    conformal = ConformalIntervals(h=horizon, n_windows=windows) if windows else None
    made = {
        "AutoETS": lambda: AutoETS(season_length=season),
        "AutoARIMA": lambda: AutoARIMA(season_length=season),
        "AutoTheta": lambda: AutoTheta(season_length=season),
        "AutoCES": lambda: AutoCES(season_length=season),
        "SeasonalNaive": lambda: SeasonalNaive(season_length=season),
        "HistoricAverage": HistoricAverage,
        "WindowAverage": lambda: WindowAverage(window_size=8, prediction_intervals=conformal),
        "CrostonSBA": lambda: CrostonSBA(prediction_intervals=conformal),
        "IMAPA": lambda: IMAPA(prediction_intervals=conformal),
        "ADIDA": lambda: ADIDA(prediction_intervals=conformal),
        "TSB": lambda: TSB(alpha_d=0.2, alpha_p=0.2, prediction_intervals=conformal),
    }
    return [made[name]() for name in names]


def main() -> None:
    warnings.simplefilter("ignore")
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    parts, seconds = [], {}
    for window in spec["windows"]:
        history = pl.read_parquet(window["history"])
        told = history.select(unique_id="series_id", ds="date", y="value").to_pandas()
        told["ds"] = pd.to_datetime(told["ds"])
        shortest = int(told.groupby("unique_id").size().min())
        for name in spec["models"]:
            started = time.perf_counter()
            try:
                found = forecast(told, history, window, name, spec, shortest)
            except Exception as error:  # noqa: BLE001 - of one rival, which the others outlive
                print(f"{name} failed: {error}", file=sys.stderr, flush=True)
                continue
            seconds.setdefault(name, []).append(time.perf_counter() - started)
            origin = pl.lit(window["origin"])
            parts.append(found.with_columns(model=pl.lit(f"statsforecast {name}"), origin=origin))
            print(f"  statsforecast {name}, {window['origin']}: {seconds[name][-1]:.1f} s", flush=True)
    pl.concat(parts).write_parquet(spec["out"])
    about = {f"statsforecast {name}": {"seconds": one} for name, one in seconds.items()}
    Path(spec["out"] + ".json").write_text(json.dumps(about), encoding="utf-8")


def forecast(
    told: pd.DataFrame, history: pl.DataFrame, window: dict[str, str], name: str, spec: dict, shortest: int
) -> pl.DataFrame:
    ahead = None
    if name == "AutoARIMA" and spec["known"]:
        told = told.join(history.select(spec["known"]).to_pandas())
        ahead = pl.read_parquet(window["ahead"]).rename({"series_id": "unique_id", "date": "ds"}).to_pandas()
        ahead["ds"] = pd.to_datetime(ahead["ds"])
    forecaster = StatsForecast(
        models=models_of([name], spec["season"], spec["horizon"], shortest),
        freq=FREQUENCY[spec["period"]],
        n_jobs=1,
        fallback_model=SeasonalNaive(season_length=1),
    )
    found = pl.from_pandas(forecaster.forecast(df=told, h=spec["horizon"], X_df=ahead, level=WIDTHS))
    mean = next(column for column in found.columns if column not in ("unique_id", "ds") and "-" not in column)
    columns = {"mean": pl.col(mean), "q0.5": pl.col(mean)}
    columns |= {told_as: pl.col(f"{mean}-lo-{width}") for width, told_as in LOWER.items()}
    columns |= {told_as: pl.col(f"{mean}-hi-{width}") for width, told_as in UPPER.items()}
    numbers = [value.cast(pl.Float64).alias(one) for one, value in columns.items()]
    keys = [pl.col("unique_id").alias("series_id"), pl.col("ds").cast(pl.Date).alias("date")]
    return found.select(*keys, *numbers)


if __name__ == "__main__":
    main()
