"""What each forecaster is meant to see, and what stands in where one fails."""

import warnings
from dataclasses import asdict
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import ConflictError, NotFoundError
from foresell.predict.forecast import load_model
from foresell.predict.forecast.by_series import one_by_one
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import Forecast, Paths, Reasons, fit_paths, normal_paths

START = date(2024, 1, 1)


def panel(values: list[float]) -> Panel:
    dates = [START + timedelta(weeks=i) for i in range(len(values))]
    frame = pl.DataFrame({"series_id": ["s"] * len(values), "date": dates, "value": values})
    return Panel(frame, "week", season=52)


def means(name: str, values: list[float], horizon: int = 4) -> list[float]:
    model = load_model(name)
    found: list[float] = (
        model.fit(panel(values), model.config(horizon=horizon)).forecast(horizon)["mean"].to_list()
    )
    return found


def test_seasonal_naive_repeats_last_year_of_two_or_the_last_week() -> None:
    year = [float(week) for week in range(52)]
    assert means("seasonal_naive", year + year) == [0.0, 1.0, 2.0, 3.0]
    assert means("seasonal_naive", year + year[:-1]) == [50.0] * 4


def test_ets_follows_a_trend_and_a_season_of_two_years() -> None:
    noise = np.random.default_rng(1).normal(0, 0.5, 104)
    trend = [100 + 2 * i + noise[i] for i in range(52)]
    assert means("ets", trend) == pytest.approx([204, 206, 208, 210], rel=0.02)
    season = [100 + 50 * np.sin(2 * np.pi * i / 52) + noise[i] for i in range(104)]
    peak = means("ets", season, horizon=13)[-1]
    assert peak == pytest.approx(150, rel=0.05)


def test_tsb_tells_the_rate_of_what_sells_now_and_then_and_forgets_what_stopped() -> None:
    rare = [0.0, 0.0, 0.0, 8.0] * 12
    assert means("tsb", rare)[0] == pytest.approx(2.0, rel=0.5)
    assert means("tsb", rare + [0.0] * 26)[0] < 0.15
    model = load_model("tsb")
    row = model.fit(panel(rare), model.config()).forecast(1).row(0, named=True)
    assert (row["q0.1"], row["q0.025"]) == (0.0, 0.0)
    assert row["q0.975"] == pytest.approx(8.0)


def test_croston_does_not_forget_and_is_corrected_for_its_bias() -> None:
    """A sale of 8 every fourth week: 2 a week, less half the smoothing of 0.1."""
    rare = [0.0, 0.0, 0.0, 8.0] * 12
    assert means("croston", rare) == pytest.approx([2.0 * 0.95] * 4)
    assert means("croston", rare + [0.0] * 26) == pytest.approx([2.0 * 0.95] * 4)
    assert means("croston", [8.0] * 20) == pytest.approx([8.0] * 4)


def run(model: Forecast, values: list[float], horizon: int = 3) -> tuple[pl.DataFrame, list[str]]:
    found = fit_paths(panel(values), SimpleNamespace(horizon=horizon), model, fallback=naive)
    return found.forecast(horizon), found.fallbacks["reason"].to_list()


def constant(mean: float, deviation: float) -> Forecast:
    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        size = (len(grid), horizon)
        return normal_paths(np.full(size, mean), np.full(size, deviation)), {}

    return forecast


@pytest.mark.parametrize(
    ("model", "reason"),
    [(constant(float("nan"), 1), "not a number"), (constant(1e9, 1), "exceeds 3 times")],
)
def test_nonsense_is_replaced_by_the_last_value_and_recorded(model: Forecast, reason: str) -> None:
    found, reasons = run(model, [8.0, 12.0, 9.0, 11.0])
    assert found["mean"].to_list() == [11.0] * 3
    assert found["q0.975"].max() < 100  # type: ignore[operator]
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_an_explosive_interval_is_cut_and_recorded() -> None:
    found, reasons = run(constant(10, 1e9), [8.0, 12.0, 9.0, 11.0])
    assert found["mean"].to_list() == [10.0] * 3
    assert found["q0.975"].to_list() == [120.0] * 3
    assert found["q0.025"].to_list() == [0.0] * 3
    assert reasons == ["the interval exceeded 10 times the largest value ever seen and was cut there"]


def test_a_model_that_fails_or_warns_does_not_take_the_others_with_it() -> None:
    def fails(values: Floats, season: int, horizon: int) -> Floats:
        raise ZeroDivisionError("division by zero")

    def warns(values: Floats, season: int, horizon: int) -> Floats:
        warnings.warn("the fit did not converge", RuntimeWarning, stacklevel=1)
        return np.full((horizon, 12), values[-1])

    assert run(one_by_one(fails), [1.0, 2.0, 3.0])[1] == ["failed: division by zero"]
    assert run(one_by_one(warns), [1.0, 2.0, 3.0])[1] == []


def test_quantiles_stop_at_zero_unless_the_history_went_below() -> None:
    found, _ = run(constant(2, 3), [1.0, 3.0, 2.0])
    assert found.select("q0.1", "q0.025").row(0) == (0.0, 0.0)
    found, _ = run(constant(2, 3), [1.0, -2.0, 3.0])
    assert found["q0.1"][0] == pytest.approx(2 - 3 * 1.2815515655446004)
    assert found["q0.025"][0] == -2.0


def test_an_unknown_model_names_the_closest() -> None:
    with pytest.raises(NotFoundError, match="croston"):
        load_model("crosten")


def test_trees_of_another_version_say_that_they_must_be_fitted_again() -> None:
    """One that was learned with other features tells no figure."""
    pytest.importorskip("lightgbm")
    days = [date(2025, 1, 6) + timedelta(weeks=week) for week in range(60)]
    rows = [
        (name, day, float(10 + n * (week % 4) + week))
        for n, name in enumerate("abc")
        for week, day in enumerate(days)
    ]
    frame = pl.DataFrame(rows, schema=["series_id", "date", "value"], orient="row")
    model = load_model("boosted")
    fitted = model.fit(Panel(frame, "week"), model.config(horizon=3))
    beside = Panel(frame.with_columns(price=pl.col("value") * 0.1), "week", lagged=("price",))
    other = model.fit(beside, model.config(horizon=3))
    mixed = {**fitted.to_tables(), "trees": other.to_tables()["trees"]}
    with pytest.raises(ConflictError, match="another version"):
        model.load(asdict(fitted.config), mixed, {}).forecast(3)
    older = {name: table for name, table in fitted.to_tables().items() if name != "factors"}
    with pytest.raises(ConflictError, match="another version"):
        model.load(asdict(fitted.config), older, {})


def test_a_regressor_beyond_what_was_seen_counts_as_the_farthest_that_was() -> None:
    """Between 10% and 13% of the shop were always on promotion; that none will be was never seen."""
    random = np.random.default_rng(1)
    weeks = [START + timedelta(weeks=week) for week in range(34)]
    share = np.where(np.arange(34) % 2, 0.13, 0.10) + random.normal(0, 0.005, 34).clip(-0.01, 0.01)
    value = 20_000 + 300_000 * (share - 0.1) + random.normal(0, 500, 34)
    rows = pl.DataFrame({"series_id": ["shop"] * 34, "date": weeks, "value": value, "promotion": share})
    told = []
    for planned in (0.0, float(share[:30].min())):
        future = rows[30:].select("series_id", "date", promotion=pl.lit(planned))
        known = Panel(
            frame=rows[:30],
            period="week",
            season=1,
            known=("promotion",),
            lagged=(),
            future=future,
            static=rows[:1].select("series_id"),
            is_count=False,
        )
        model = load_model("regression")
        told.append(model.fit(known, model.config(horizon=4)).forecast(4)["mean"].to_list())
    assert told[0] == pytest.approx(told[1])
    assert min(told[0]) > 15_000


def test_the_trees_do_not_promise_more_than_they_keep() -> None:
    """Widths that were learned from the errors that judge them held in 93.4% of these, not in 95%."""
    pytest.importorskip("lightgbm")
    number, length, horizon = 150, 52, 6
    weeks = [START + timedelta(weeks=week) for week in range(length)]
    held = []
    for seed in range(2):
        random = np.random.default_rng(seed)
        phase = np.arange(length) / 8 + np.arange(number)[:, None]
        level = random.normal(4, 1, (number, 1)) + 0.15 * np.sin(phase)
        noise = random.uniform(0.1, 0.5, (number, 1)) * random.standard_t(5, (number, length))
        values = np.exp(level + 0.6 * noise)
        names = [f"s{row}" for row in range(number)]
        columns = {"series_id": np.repeat(names, length), "date": weeks * number, "value": values.ravel()}
        known = pl.DataFrame(columns).filter(pl.col("date") < weeks[-horizon])
        model = load_model("boosted")
        told = model.fit(Panel(known, "week"), model.config(horizon=horizon, max_rounds=60)).forecast(horizon)
        both = told.join(pl.DataFrame(columns), on=["series_id", "date"])
        held += both.select(pl.col("value").is_between("q0.025", "q0.975")).to_series().to_list()
    assert 0.945 <= np.mean(held) <= 0.985


def relative_widths(noise: Floats) -> Floats:
    """(N,) the 80% of a year of weekly series with that noise beside a level of their own, told by trees."""
    number, length, horizon = len(noise), 52, 8
    random = np.random.default_rng(2)
    weeks = [START + timedelta(weeks=week) for week in range(length)]
    level = random.uniform(5, 10, (number, 1))
    values = np.exp(level + noise[:, None] * random.normal(size=(number, length)))
    names = np.repeat([f"s{row:02}" for row in range(number)], length)
    frame = pl.DataFrame({"series_id": names, "date": weeks * number, "value": values.ravel()})
    model = load_model("boosted")
    told = model.fit(Panel(frame, "week"), model.config(horizon=horizon)).forecast(horizon)
    width = (pl.col("q0.9") - pl.col("q0.1")) / pl.col("q0.5")
    found = told.group_by("series_id", maintain_order=True).agg(width.mean().alias("width"))
    return np.asarray(found.sort("series_id")["width"].to_numpy(), np.float64)


def test_a_steady_series_among_wild_ones_has_a_narrow_interval() -> None:
    """A share of the errors of all had made its 80% half as wide as its level."""
    pytest.importorskip("lightgbm")
    widths = relative_widths(np.array([0.02] + [0.4] * 25))
    assert widths[0] < 0.25
    assert np.median(widths[1:]) > 0.9


def test_series_that_differ_by_chance_alone_have_one_width() -> None:
    pytest.importorskip("lightgbm")
    widths = relative_widths(np.full(26, 0.2))
    assert widths.max() < 1.2 * widths.min()
