"""statsforecast's AutoETS at every window, on as many series as it is given, with its intervals.

python rival_statsforecast.py SPEC.json

AutoETS takes no season of 52 weeks; as its documents suggest, MSTL takes the season out of series of two
years.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import polars as pl
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoETS

SEASON = 52
WIDTHS = [20, 40, 60, 80, 95]


def main() -> None:
    warnings.simplefilter("ignore")
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    started = time.perf_counter()
    # It takes no unknown values: they count as nothing sold.
    frame = pl.read_parquet(spec["series"]).with_columns(pl.col("value").fill_null(0.0))
    chosen = frame["series_id"].unique().sort().head(spec["sample"])
    frame = frame.filter(pl.col("series_id").is_in(chosen.implode()))
    whole = frame.rename({"series_id": "unique_id", "date": "ds", "value": "y"}).to_pandas()
    dates = frame["date"].unique().sort()
    horizon, told = spec["horizon"], []
    seconds = {"read": time.perf_counter() - started, "windows": [], "series": spec["sample"]}
    for window in range(spec["windows"]):
        started = time.perf_counter()
        end = dates[spec["length"] + window * horizon - 1]
        known = whole[whole["ds"] <= str(end)]
        lengths = known.groupby("unique_id").size()
        for is_long in (True, False):
            names = lengths[(lengths >= 2 * SEASON) == is_long].index
            if not len(names):
                continue
            trend = AutoETS(season_length=1, model="ZZN")
            model = (
                MSTL(season_length=SEASON, trend_forecaster=trend, alias="ets")
                if is_long
                else AutoETS(alias="ets")
            )
            library = StatsForecast(models=[model], freq="7D", n_jobs=spec["threads"])
            found = library.forecast(df=known[known["unique_id"].isin(names)], h=horizon, level=WIDTHS)
            told.append(named(pl.from_pandas(found), window))
        seconds["windows"].append(time.perf_counter() - started)
        print(f"AutoETS, window {window}: {seconds['windows'][-1]:.1f} s", flush=True)
    pl.concat(told).write_parquet(spec["out"])
    Path(spec["out"] + ".json").write_text(json.dumps(seconds), encoding="utf-8")


def named(found: pl.DataFrame, window: int) -> pl.DataFrame:
    lower = {f"q{(1 - width / 100) / 2:g}": pl.col(f"ets-lo-{width}") for width in WIDTHS}
    upper = {f"q{(1 + width / 100) / 2:g}": pl.col(f"ets-hi-{width}") for width in WIDTHS}
    columns = {"mean": pl.col("ets"), "q0.5": pl.col("ets"), **lower, **upper}
    return found.select(
        pl.col("unique_id").alias("series_id"),
        pl.col("ds").cast(pl.Date).alias("date"),
        *(value.cast(pl.Float64).alias(name) for name, value in columns.items()),
        pl.lit(window, dtype=pl.Int32).alias("window"),
    )


if __name__ == "__main__":
    main()
