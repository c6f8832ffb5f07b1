"""Each series is served by what told most of it; the ones that cannot say follow the others."""

from datetime import date, timedelta

import polars as pl
import pytest

from foresell.predict.forecast.choose import choose_per_series, losses, scored
from foresell.predict.forecast.combination import combined, weights_of
from foresell.predict.forecast.model import FORECAST, QUANTILES

START = date(2026, 1, 5)


def results(told: dict[tuple[str, str], float], periods: int = 40) -> pl.DataFrame:
    """Points so far off: (series, model) → how much above the value of 10."""
    frames = []
    for (series, model), off in told.items():
        dates = [START + timedelta(weeks=i) for i in range(periods)]
        point = {name: [10.0 + off] * periods for name in ("mean", *QUANTILES)}
        frame = pl.DataFrame({"series_id": [series] * periods, "date": dates, **point})
        frames.append(frame.with_columns(model=pl.lit(model), value=pl.lit(10.0)))
    return pl.concat(frames)


def test_the_loss_of_a_point_is_half_its_distance() -> None:
    found = losses(results({("a", "x"): 4.0}))
    assert found["loss"].item() == pytest.approx(2.0)
    assert found["num"].item() == 40


def test_a_series_with_many_periods_has_its_own_best_one_with_none_that_of_the_others() -> None:
    told = results(
        {("a", "x"): 1.0, ("a", "y"): 3.0, ("b", "x"): 3.0, ("b", "y"): 1.0, ("c", "x"): 1.0, ("c", "y"): 2.0}
    )
    found = dict(choose_per_series(told, ["a", "b", "c", "new"], ["x", "y"]).iter_rows())
    assert found == {"a": "x", "b": "y", "c": "x", "new": "x"}


def test_one_period_is_not_enough_to_go_against_the_others() -> None:
    others = {(f"s{i}", model): off for i in range(5) for model, off in (("x", 1.0), ("y", 2.0))}
    told = pl.concat([results(others), results({("odd", "x"): 2.0, ("odd", "y"): 1.5}, periods=1)])
    assert dict(choose_per_series(told, ["odd"], ["x", "y"]).iter_rows()) == {"odd": "x"}


def test_of_equal_ones_the_first_named_serves() -> None:
    told = results({("a", "x"): 1.0, ("a", "y"): 1.0})
    assert choose_per_series(told, ["a"], ["y", "x"])["model"].to_list() == ["y"]


def test_weights_sum_to_one_and_leave_out_what_is_far_worse() -> None:
    told = results({("a", "x"): 1.0, ("a", "y"): 1.1, ("a", "z"): 9.0})
    found = weights_of(scored(told, ["a"], ["x", "y", "z"]))
    weights = {model: weight for _, model, weight in found.iter_rows()}
    assert set(weights) == {"x", "y"}
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["x"] > weights["y"]


def test_a_combination_is_the_weighted_mean_and_leaves_out_what_is_not_told() -> None:
    told = results({("a", "x"): 2.0, ("a", "y"): 6.0}, periods=2).select("model", *FORECAST.names())
    weights = pl.DataFrame({"series_id": ["a", "a"], "model": ["x", "y"], "weight": [0.75, 0.25]})
    found = combined(told, weights)
    assert found["mean"].to_list() == pytest.approx([13.0, 13.0])
    silent = told.with_columns(pl.when(pl.col("model") == "x").then(pl.col("q0.9")).alias("q0.9"))
    assert combined(silent, weights)["q0.9"].to_list() == pytest.approx([12.0, 12.0])
    assert combined(told.with_columns(pl.col(QUANTILES) - 0.5), weights, whole=True)["q0.5"].to_list() == [
        12.0,
        12.0,
    ]
