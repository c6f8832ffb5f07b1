"""One of our forecasters at every window: learned again, asked again.

python -m benchmarks.speed.forecast.ours SPEC.json
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from foresell.predict.forecast import load_model
from foresell.predict.forecast.panel import Panel

SEASON = 52


def measure(spec: dict[str, Any]) -> None:
    """Writes the forecasts of all windows, and beside them the seconds of each."""
    started = time.perf_counter()
    frame = pl.read_parquet(spec["series"])
    dates = frame["date"].unique().sort()
    seconds = {"read": time.perf_counter() - started, "windows": []}
    model, horizon, told = load_model(spec["model"]), spec["horizon"], []
    for window in range(spec["windows"]):
        started = time.perf_counter()
        end = dates[spec["length"] + window * horizon - 1]
        panel = Panel(frame.filter(pl.col("date") <= end), "week", SEASON)
        fitted = model.fit(panel, model.config(horizon=horizon))
        told.append(fitted.forecast(horizon).with_columns(window=pl.lit(window)))
        seconds["windows"].append(time.perf_counter() - started)
        print(f"{spec['model']}, window {window}: {seconds['windows'][-1]:.1f} s", flush=True)
    pl.concat(told).write_parquet(spec["out"])
    Path(spec["out"] + ".json").write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    measure(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
