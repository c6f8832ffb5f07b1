"""Forecasts through the services: what is written, asked for, kept apart and refused."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.forecasting.answer import forecast
from foresell.services.forecasting.explain import explain_forecast
from foresell.services.forecasting.fit import fit_forecast
from foresell.services.forecasting.judge import backtest
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.forecasting.sums import forecast_sums
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.leaderboards import read_leaderboard
from foresell.services.production import load_production
from foresell.services.results import read_results
from foresell.services.shop import Shop, create_shop
from foresell.sources.readers import ReadOptions

MONDAY = datetime(2025, 1, 6, 12, tzinfo=UTC)
NUM_WEEKS = 30
BY_PRODUCT = ForecastRequest(by=("product", "location"), measure="units", horizon=3)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Two products in two shops; the cake of the second sells no more after the tenth week. What is given
    away tells nothing of what comes."""
    folder = tmp_path_factory.mktemp("forecasting")
    orders = ["order_id,customer_id,location_id,created_at,total_amount"]
    lines = ["order_line_id,order_id,product_id,quantity,line_amount,discount_amount"]
    dice = Random(5)
    for week in range(NUM_WEEKS):
        for place in ("north", "south"):
            order = f"{place}{week}"
            at = MONDAY + timedelta(weeks=week)
            orders.append(f"{order},c1,{place},{at.isoformat()},{30 + week}")
            lines.append(f"{order}t,{order},tea,{2 + week % 3},{20 + week},{dice.randint(0, 4)}")
            if place == "north" or week < 10:
                lines.append(f"{order}c,{order},cake,1,10,{dice.randint(0, 2)}")
    products = ["product_id,title,category,department", "tea,Tea,drinks,food", "cake,Cake,sweets,food"]
    files = {"orders": orders, "order_lines": lines, "products": products}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        made = create_shop(folder / "store", {"forecast": {"series_by": "category", "horizon_weeks": 4}})
        for preset, rows in files.items():
            path = folder / f"{preset}.csv"
            path.write_text("\n".join([*rows, ""]), encoding="utf-8")
            import_files(made, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))
        fit_forecast(made)
        yield made


def test_the_best_on_validation_serves_and_its_forecasts_are_kept(shop: Shop) -> None:
    board = read_leaderboard(shop, "forecast")
    on_validation = {
        row["model"]: row["scores"]["wape"]  # type: ignore[index]
        for row in board.rows
        if row["split"] == "validation"
    }
    kept = read_results(shop, "forecasts").filter(series_by="category")
    assert kept["model"].unique().to_list() == ["forecast/0001"]
    assert kept.group_by("series_id").len()["len"].unique().to_list() == [4]
    assert kept["date"].min() == (MONDAY + timedelta(weeks=NUM_WEEKS)).date()
    assert load_production(shop, "forecast").kind == min(on_validation, key=lambda name: on_validation[name])
    asked = forecast(shop).rows.sort("series_id", "date")
    assert asked.equals(kept.sort("series_id", "date").select(asked.columns))


def test_series_and_their_sums_add_up(shop: Shop) -> None:
    answer = forecast_sums(
        shop, ForecastRequest(by=("category",), horizon=2), models=("moving_average", "regression")
    )
    means = answer.rows.pivot("level", index="date", values="mean", aggregate_function="sum")
    assert means["shop"].to_list() == pytest.approx(means["category"].to_list())
    assert answer.rows["series_id"].unique(maintain_order=True).to_list() == ["shop", "drinks", "sweets"]
    assert set(answer.losses["method"]) == {"base", answer.method}
    assert answer.rows.filter(pl.col("lower_80") > pl.col("upper_80")).is_empty()
    with pytest.raises(InputError, match="no sums above"):
        forecast_sums(shop, ForecastRequest(by=("shop",), horizon=2))


def test_other_series_have_a_model_and_rows_of_their_own(shop: Shop) -> None:
    found = forecast(shop, BY_PRODUCT)
    assert set(found.rows["series_id"]) == {"tea|north", "tea|south", "cake|north"}
    assert found.ended.select("series_id", "date").rows() == [("cake|south", date(2025, 3, 10))]
    assert any("ended" in note for note in found.notes)
    assert found.rows["model"].unique().to_list() == ["forecast-product-location-week-units/0001"]
    kept = read_results(shop, "forecasts")
    assert set(kept["series_by"]) == {"category", "product,location"}
    fit_forecast(shop, STORES_OWN)
    assert (
        read_results(shop, "forecasts")
        .filter(series_by="product,location")
        .equals(kept.filter(series_by="product,location"))
    )
    tea = forecast(shop, BY_PRODUCT, series="tea|north").rows
    assert tea["mean"].is_between(1.5, 4.5).all()
    with pytest.raises(NotFoundError, match="no series 'tea'"):
        forecast(shop, BY_PRODUCT, series="tea")


def test_a_longer_horizon_than_was_fitted_is_answered(shop: Shop) -> None:
    longer = forecast(shop, ForecastRequest(horizon=9)).rows
    assert longer.group_by("series_id").len()["len"].unique().to_list() == [9]
    for wrong in (0, 105):
        with pytest.raises(InputError, match="horizon"):
            forecast(shop, ForecastRequest(horizon=wrong))


def test_a_forecast_tells_its_parts_and_refuses_what_was_never_seen(shop: Shop) -> None:
    told = explain_forecast(shop, "drinks")
    [sentence] = told.as_lines("en")
    assert "4 weeks" in sentence
    assert told.as_lines("zh")[0] != sentence
    medians = forecast(shop, series="drinks").rows.sort("date")["median"]
    parts = told.explanation.parts.group_by("date").agg(pl.col("value").sum()).sort("date")
    assert parts["value"].to_list() == pytest.approx(medians.to_list())
    with pytest.raises(NotFoundError, match="drinks"):
        explain_forecast(shop, "drink")
    with pytest.raises(NotFoundError, match="'weather' is not a regressor"):
        explain_forecast(shop, "drinks", changes={"weather": 1.1})
    with pytest.raises(InputError, match="price"):
        explain_forecast(shop, "drinks", changes={"price": 5.0})


def test_a_backtest_keeps_nothing(shop: Shop) -> None:
    before = read_results(shop, "leaderboard")
    judged = backtest(shop, BY_PRODUCT, windows=2, models=("seasonal_naive", "tsb"))
    assert {row["model"] for row in judged.board.rows} == {"seasonal_naive", "tsb"}
    notes = {str(row["note"]) for row in judged.board.rows if row["split"] == "validation"}
    assert all("units by product, location" in note and "2 origins" in note for note in notes)
    assert read_results(shop, "leaderboard").equals(before)
    with pytest.raises(InputError, match="too short"):
        backtest(shop, ForecastRequest(horizon=28))


def test_a_backtest_tells_what_the_fit_was_judged_by(shop: Shop) -> None:
    judged = backtest(shop)
    assert "Past windows were foretold no better with discount: left out." in judged.notes
    keys, told = ("model", "split"), {}
    for board in (read_leaderboard(shop, "forecast"), judged.board):
        for row in board.rows:
            told.setdefault(tuple(row[key] for key in keys), []).append(row["scores"])
    for fitted, again in told.values():
        untimed = {name: value for name, value in fitted.items() if not name.endswith("_seconds")}
        assert untimed.items() <= again.items()


def test_a_history_of_a_few_weeks_is_forecast_by_the_simplest(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    rows = [f"o{week},c1,{(MONDAY + timedelta(weeks=week)).isoformat()},{20 + week}" for week in range(5)]
    path.write_text("\n".join(["order_id,customer_id,created_at,total_amount", *rows, ""]), encoding="utf-8")
    young = create_shop(tmp_path / "store")
    import_files(young, ImportRequest(path, "orders", options=ReadOptions(delimiter=",")))
    found = forecast(young)
    assert found.rows["series_id"].unique().to_list() == ["shop"]
    assert any("the whole shop is one series" in note for note in found.notes)
    assert found.rows.select(pl.col("mean").unique()).to_series().to_list() == [24.0]
    with pytest.raises(NotFoundError, match="too short"):
        read_leaderboard(young, "forecast")
