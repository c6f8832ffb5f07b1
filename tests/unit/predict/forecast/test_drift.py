"""Alarms are rare while nothing changes, and come when errors change."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from foresell.predict.forecast.drift import drift_alarms, expected_errors

START = date(2025, 1, 6)


def results(
    random: np.random.Generator, periods: int, *, shift: float = 0.0, noise: float = 1.0
) -> pl.DataFrame:
    """Ten series of 100 that are foretold as 100 + shift, within 10 × noise."""
    rows = []
    for week in range(periods):
        for name in range(10):
            value = 100 + random.normal(0, 10 * noise)
            rows.append((f"s{name}", START + timedelta(weeks=week), value))
    frame = pl.DataFrame(rows, schema=["series_id", "date", "value"], orient="row")
    middle = pl.lit(100.0 + shift)
    bounds = {"q0.1": middle - 12.8, "q0.9": middle + 12.8}
    return frame.with_columns(mean=middle, **{"q0.5": middle}, **bounds)


def test_what_is_as_it_was_raises_few_alarms() -> None:
    random = np.random.default_rng(1)
    raised = 0
    for _ in range(100):
        expected = expected_errors(results(random, 24))
        raised += bool(drift_alarms(expected, results(random, 6)))
    # Three measures at one percent each.
    assert raised <= 9


def test_each_kind_of_drift_has_its_alarm() -> None:
    random = np.random.default_rng(2)
    expected = expected_errors(results(random, 24))
    assert expected["measure"].to_list() == ["wape", "bias", "coverage_80"]
    high = {alarm.measure: alarm for alarm in drift_alarms(expected, results(random, 6, shift=30))}
    assert "too high" in high["bias"].text
    assert "偏高" in high["bias"].text_zh
    low = {alarm.measure: alarm for alarm in drift_alarms(expected, results(random, 6, shift=-30))}
    assert "too low" in low["bias"].text
    wild = {alarm.measure: alarm for alarm in drift_alarms(expected, results(random, 6, noise=4))}
    assert "more than they did" in wild["wape"].text
    assert "too narrow" in wild["coverage_80"].text
    assert wild["wape"].live > wild["wape"].upper


def test_too_little_of_either_side_raises_none() -> None:
    random = np.random.default_rng(3)
    assert expected_errors(results(random, 5)).is_empty()
    expected = expected_errors(results(random, 24))
    assert drift_alarms(expected, results(random, 1, shift=90)) == ()


def test_a_forecast_without_an_interval_is_judged_by_the_rest() -> None:
    random = np.random.default_rng(4)
    bare = (
        results(random, 24)
        .select("series_id", "date", "value", "mean", "q0.5")
        .with_columns(
            pl.lit(None, dtype=pl.Float64).alias("q0.1"), pl.lit(None, dtype=pl.Float64).alias("q0.9")
        )
    )
    assert expected_errors(bare)["measure"].to_list() == ["wape", "bias"]
