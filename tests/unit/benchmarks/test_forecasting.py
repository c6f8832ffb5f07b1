"""The accuracy benchmark reads any long file, and never shows a model what lies after an origin."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
Load = Callable[[str], ModuleType]
START = date(2024, 1, 1)


def long_file(path: Path, num_weeks: int = 30) -> Path:
    rows = [
        (
            key,
            START + timedelta(weeks=week),
            float(10 + week % 4 + i + (week * 7) % 5 % 2),
            float(week % 2),
            1.0 + i,
        )
        for i, key in enumerate("abc")
        for week in range(num_weeks)
        if (key, week) != ("a", 5)
    ]
    table = pl.DataFrame(rows, schema=["series_id", "time", "y", "promo", "size"], orient="row")
    table.write_csv(path)
    return path


def test_a_file_is_read_without_being_told_its_period(load: Load, tmp_path: Path) -> None:
    file = load("forecasting.long").read(long_file(tmp_path / "f.csv"), 4, None, ["promo"], [], None)
    assert (file.period, file.known, file.lagged, file.is_count, file.dated) == (
        "week",
        ("promo",),
        (),
        True,
        True,
    )
    assert file.static.columns == ["series_id", "size"]
    assert file.frame.filter(series_id="a", date=START + timedelta(weeks=5))["value"].to_list() == [None]


def test_a_panel_ends_at_its_origin_and_knows_the_known_regressors_after_it(
    load: Load, tmp_path: Path
) -> None:
    file = load("forecasting.long").read(long_file(tmp_path / "f.csv"), 4, None, ["promo"], [], None)
    origin = START + timedelta(weeks=19)
    panel = file.panel(origin, 3)
    assert panel.last == origin
    assert panel.future["date"].unique().sort().to_list() == [origin + timedelta(weeks=i) for i in (1, 2, 3)]
    assert "value" not in panel.future.columns
    assert file.actuals(origin, 3).height == 9


def test_times_without_dates_and_hours_are_laid_out_in_order(load: Load, tmp_path: Path) -> None:
    numbered = pl.DataFrame({"series_id": ["a"] * 4, "time": [3, 4, 5, 7], "y": [1.5, 2, 3, 4]})
    numbered.write_parquet(tmp_path / "n.parquet")
    file = load("forecasting.long").read(tmp_path / "n.parquet", 1, "week", None, [], None)
    assert (file.period, file.dated, file.frame.height) == ("week", False, 5)
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1, 5), "1h", eager=True)
    pl.DataFrame({"series_id": "a", "time": hours, "y": range(6)}).write_parquet(tmp_path / "h.parquet")
    file = load("forecasting.long").read(tmp_path / "h.parquet", 1, None, None, [], None)
    assert (file.period, file.dated, len(file.dates)) == ("day", False, 6)


def test_validation_ends_before_the_first_test_window(load: Load) -> None:
    dates = [START + timedelta(weeks=i) for i in range(40)]
    origins = load("forecasting.contest").origins_of(dates, horizon=6, windows=3, step=2, validation=2)
    assert origins.test == (dates[29], dates[31], dates[33])
    assert origins.validation == (dates[17], dates[23])
    with pytest.raises(SystemExit, match="too few"):
        load("forecasting.contest").origins_of(dates[:8], horizon=6, windows=1, step=6, validation=1)


def test_a_series_that_a_model_leaves_out_counts_as_zero(load: Load, tmp_path: Path) -> None:
    file = load("forecasting.long").read(long_file(tmp_path / "f.csv"), 4, None, ["promo"], [], None)
    origin = START + timedelta(weeks=26)
    told = (
        file.actuals(origin, 3).filter(pl.col("series_id") != "b").select("series_id", "date", mean="value")
    )
    rows = load("forecasting.contest").with_values(told, file, origin, 3)
    assert rows.filter(series_id="b")["mean"].to_list() == [0.0] * 3
    assert rows["step"].unique().sort().to_list() == [1, 2, 3]


def test_one_command_from_file_to_record(tmp_path: Path) -> None:
    file = long_file(tmp_path / "f.csv")
    given = ["--season", "4", "--horizon", "3", "--windows", "2", "--known", "promo", "--counts", "no"]
    models = ["--models", "seasonal_naive", "moving_average", "--seeds", "1", "--trials", "1"]
    rivals = ["--statsforecast", "--no-mlforecast"]
    out = ["--work", str(tmp_path / "w"), "--out", str(tmp_path / "o.json")]
    command = [
        sys.executable,
        "-m",
        "benchmarks.quality.forecasting",
        str(file),
        *given,
        *models,
        *rivals,
        *out,
    ]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    record = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert record["test"]["seasonal_naive"]["mase"]["mean"] < record["rivals"]["all zeros"]["mase"][0]
    assert record["rivals"]["all zeros"]["crps"][0] == 1.0
    assert record["served"] in record["test"]
    assert set(record["served_less"]) == {"all zeros", "seasonal naive"}
    assert max(record["validation_origins"]) < min(record["test_origins"])


def test_rows_of_the_table_say_what_was_reached(load: Load) -> None:
    told = {"mean": 0.9}
    record = {
        "served": "boosted",
        "test": {"boosted": {"mase": {"mean": 0.8}, "crps": told, "pit_80": told, "pit_95": told}},
        "rivals": {"all zeros": {"mase": [0.796], "crps": [1.0]}},
    }
    row = next(
        row for row in load("forecasting.table").ROWS if row.set == "car_parts" and "together" in row.what
    )
    found, is_met, is_aimed = row.read(record)
    assert (is_met, is_aimed) == (True, False)
    assert "MASE 0.800 (all zeros 0.796)" in found
