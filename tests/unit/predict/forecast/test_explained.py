"""Parts sum to the forecast, name what moved it, and nothing is told of values that were never seen."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.forecast import load_model
from foresell.predict.forecast.explained import explain_forecast
from foresell.predict.forecast.model import Fitted
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.what_if import what_if

START = date(2024, 1, 1)
LENGTH, HORIZON = 80, 4
CONFIGS: dict[str, dict[str, Any]] = {
    "combination": {"members": ("regression", "ets"), "windows": 1},
    "boosted": {"max_rounds": 60, "min_rows_in_leaf": 10},
}


def priced_panel() -> Panel:
    """Twelve series that sell 200 − 10 × price and a little noise; the price is 8, 10 or 12."""
    random = np.random.default_rng(3)
    rows = []
    for name in range(12):
        price = random.choice([8.0, 10.0, 12.0], LENGTH + HORIZON)
        price[LENGTH:] = 10.0
        value = 200 - 10 * price + random.normal(0, 1, LENGTH + HORIZON)
        for i in range(LENGTH + HORIZON):
            rows.append((f"s{name:02}", START + timedelta(weeks=i), value[i], price[i]))
    schema = {"series_id": pl.String, "date": pl.Date, "value": pl.Float64, "price": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("series_id", "date")
    last = START + timedelta(weeks=LENGTH - 1)
    future = frame.filter(pl.col("date") > last).select("series_id", "date", "price")
    return Panel(frame.filter(pl.col("date") <= last), "week", season=4, known=("price",), future=future)


PANEL = priced_panel()


def fitted(name: str) -> Fitted:
    model = load_model(name)
    return model.fit(PANEL, model.config(horizon=HORIZON, **CONFIGS.get(name, {})))


@pytest.mark.parametrize("name", ["regression", "boosted", "combination", "ets", "seasonal_naive"])
def test_the_parts_of_a_forecast_sum_to_it(name: str) -> None:
    model = fitted(name)
    found = explain_forecast(model, PANEL, "s03", HORIZON, unit="units")
    told = model.forecast(HORIZON).filter(series_id="s03")
    sums = found.parts.group_by("date").agg(pl.col("value").sum()).sort("date")
    assert sums["date"].to_list() == told["date"].to_list()
    assert sums["value"].to_numpy() == pytest.approx(told["q0.5"].to_numpy())
    assert found.history.height == LENGTH
    assert "units are expected" in found.text
    assert "预计" in found.text_zh


@pytest.mark.parametrize("name", ["regression", "boosted", "combination"])
def test_a_lower_price_sells_more_by_what_it_sold_before(name: str) -> None:
    """At 8 in the place of 10: 20 more in each of 4 weeks."""
    found = what_if(fitted(name), PANEL, "s03", {"price": 0.8}, HORIZON, unit="units")
    more = float(found.changed["mean"].sum() - found.usual["mean"].sum())
    whole = {"regression": 80, "boosted": 80, "combination": 80}[name]
    assert more == pytest.approx(whole, rel=0.35)
    assert "20% lower" in found.text
    assert "降低 20%" in found.text_zh


def test_what_was_never_seen_is_refused() -> None:
    model = fitted("regression")
    with pytest.raises(InputError, match=r"Stay within 8 to 12"):
        what_if(model, PANEL, "s03", {"price": 0.5}, HORIZON, unit="units")
    with pytest.raises(NotFoundError, match="price"):
        what_if(model, PANEL, "s03", {"prise": 0.9}, HORIZON, unit="units")
    with pytest.raises(NotFoundError, match="s03"):
        what_if(model, PANEL, "x03", {"price": 0.9}, HORIZON, unit="units")
    with pytest.raises(InputError, match="does not look"):
        what_if(fitted("ets"), PANEL, "s03", {"price": 0.9}, HORIZON, unit="units")


def test_effects_that_multiply_leave_no_rest() -> None:
    """Sales of exp(5 − 0.2 × price): the parts of a regression of logarithms sum to its median."""
    grown = PANEL.frame.with_columns(value=(5 - 0.2 * pl.col("price")).exp())
    panel = Panel(grown, "week", season=4, known=("price",), future=PANEL.future)
    model = load_model("regression")
    found = explain_forecast(
        model.fit(panel, model.config(horizon=HORIZON)), panel, "s01", HORIZON, unit="money", currency="EUR"
    )
    assert abs(found.parts.filter(part="other")["value"]).sum() < 0.05 * found.parts["value"].sum()
    assert "€" in found.text


@pytest.mark.filterwarnings("error")
def test_a_series_that_often_sells_nothing_is_explained_in_silence() -> None:
    """Its season adds: a factor of 0 is none, and divides nothing."""
    weeks = [START + timedelta(weeks=week) for week in range(LENGTH)]
    sold = [0.0 if week % 3 else 9.0 + week % 5 for week in range(LENGTH)]
    panel = Panel(pl.DataFrame({"series_id": "now and then", "date": weeks, "value": sold}), "week", season=4)
    model = load_model("ets")
    told = explain_forecast(
        model.fit(panel, model.config(horizon=HORIZON)), panel, "now and then", HORIZON, unit="units"
    )
    assert told.text
