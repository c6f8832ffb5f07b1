"""The rivals, in an environment of their own, on the same windows with the same regressors.

What is unknown inside a history counts as 0 for them, with known regressors of 0 (a store that was rebuilt
was shut): they cannot take what is unknown. Series that are too short for a rival's intervals are forecast
by their last value there, so that all are judged on the same series.
"""

import hashlib
import json
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.forecasting.contest import with_values
from benchmarks.quality.forecasting.long import LongFile

from foresell.predict.forecast import load_model

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "rival_requirements.txt"
LIBRARIES = ("statsforecast", "mlforecast")
# Where a file names no season, the search of a rival looks for that of a year, or a week, if two are known.
USUAL_SEASON = {"day": 7, "week": 52, "month": 12}


def rival_python(folder: Path) -> Path:
    """The Python of the environment in `folder`, which is made there unless it is there already."""
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    wanted, made = REQUIREMENTS.read_text(encoding="utf-8"), folder / "made_from.txt"
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
    subprocess.run(install, check=True)
    made.write_text(wanted, encoding="utf-8")
    return python


def run_rival(
    library: str, python: Path, file: LongFile, origins: Sequence[date], given: Mapping[str, Any], work: Path
) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Rival → its rows as `contest.with_values` has them; and what it says of itself. `given`: horizon,
    models, trials, seed, validation_windows."""
    horizon = int(given["horizon"])
    told = json.dumps([library, {**given}, [str(origin) for origin in origins]], sort_keys=True)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    out = work / f"{library}-{key}.parquet"
    if not out.with_name(out.name + ".json").exists():
        spec = _spec(file, origins, given, work, out)
        written = work / f"{library}-{key}.spec.json"
        written.write_text(json.dumps(spec), encoding="utf-8")
        subprocess.run([str(python.absolute()), str(HERE / f"rival_{library}.py"), str(written)], check=True)
    rows = pl.read_parquet(out)
    about = json.loads(out.with_name(out.name + ".json").read_text(encoding="utf-8"))
    found = {}
    for (name,), part in rows.group_by("model", maintain_order=True):
        windows = [
            _whole(part.filter(origin=str(origin)).drop("model", "origin"), file, origin, horizon)
            for origin in origins
        ]
        found[str(name)] = pl.concat(windows)
    return found, about


def _spec(
    file: LongFile, origins: Sequence[date], given: Mapping[str, Any], work: Path, out: Path
) -> dict[str, Any]:
    horizon, windows = int(given["horizon"]), []
    static = file.static.columns[1:]
    for origin in origins:
        panel = file.panel(origin, horizon)
        history, ahead = work / f"history-{origin}.parquet", work / f"ahead-{origin}.parquet"
        columns = panel.frame.select("series_id", "date", pl.col("value", *file.known).fill_null(0.0))
        columns.join(panel.static, on="series_id", how="left").write_parquet(history)
        last = pl.col("date").max().over("series_id") == panel.last
        alive = panel.frame.filter(last).select("series_id").unique()
        future = panel.future.join(alive, on="series_id", how="semi")
        future.with_columns(pl.col(file.known).fill_null(0.0)).write_parquet(ahead)
        windows.append({"origin": str(origin), "history": str(history), "ahead": str(ahead)})
    season = file.season
    if season == 1 and len([day for day in file.dates if day <= origins[0]]) >= 2 * USUAL_SEASON[file.period]:
        season = USUAL_SEASON[file.period]
    return {
        **given,
        "period": file.period,
        "season": file.season,
        "search_season": season,
        "known": list(file.known),
        "static": static,
        "windows": windows,
        "out": str(out),
    }


def _whole(rows: pl.DataFrame, file: LongFile, origin: date, horizon: int) -> pl.DataFrame:
    """Series that the rival could not take get their last value, without an interval."""
    panel = file.panel(origin, horizon)
    missing = panel.frame.join(rows.select("series_id").unique(), on="series_id", how="anti")
    if missing.height:
        naive = load_model("seasonal_naive")
        fitted = naive.fit(file.panel(origin, horizon), naive.config(horizon=horizon))
        stand_in = fitted.forecast(horizon).join(
            missing.select("series_id").unique(), on="series_id", how="semi"
        )
        rows = pl.concat([rows.select(stand_in.columns), stand_in])
    return with_values(rows, file, origin, horizon)
