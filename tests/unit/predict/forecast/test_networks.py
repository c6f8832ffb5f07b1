"""Networks over all series: what they are told, what they learn from it, and how they are kept."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.predict.forecast import load_model
from foresell.predict.forecast.boosting.knowledge import knowledge_of
from foresell.predict.forecast.neural.windows import facts_of, targets_of, windows_of
from foresell.predict.forecast.panel import SERIES, Panel

START = date(2024, 1, 1)
NETWORKS = ("mlp", "lstm", "transformer")
QUICK = {"steps": 60, "batch_size": 64, "context": 16, "learning_rate": 5e-3}


def promoted(num_series: int = 12, num_days: int = 80, horizon: int = 7) -> tuple[Panel, pl.DataFrame]:
    """Daily sales of about 10 that double on promotion; the panel, and its future without any."""
    random = np.random.default_rng(0)
    rows, future = [], []
    for i in range(num_series):
        for day in range(num_days + horizon):
            promo = float(random.random() < 0.3)
            when = START + timedelta(days=day)
            if day < num_days:
                rows.append((f"s{i:02}", when, (10 + i) * (1 + promo) + random.random(), promo))
            else:
                future.append((f"s{i:02}", when, 1.0))
    frame = pl.DataFrame(rows, schema={**SERIES, "promo": pl.Float64}, orient="row")
    ahead = pl.DataFrame(future, schema=["series_id", "date", "promo"], orient="row")
    panel = Panel(frame, "day", season=7, known=("promo",), future=ahead)
    return panel, ahead.with_columns(promo=pl.lit(0.0))


def fitted(name: str, panel: Panel, **more: Any) -> Any:
    model = load_model(name)
    return model.fit(panel, model.config(horizon=7, **{**QUICK, **more}))


@pytest.mark.parametrize("name", NETWORKS)
def test_another_future_of_a_regressor_is_another_forecast(name: str) -> None:
    panel, without = promoted()
    model = fitted(name, panel, steps=80)
    expected, lower = model.forecast(7), model.forecast(7, without)
    assert expected["q0.5"].sum() > 1.3 * lower["q0.5"].sum()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_gives_one_network_and_another_seed_another(name: str) -> None:
    panel, _ = promoted(6, 60)
    first = fitted(name, panel, steps=5).forecast(7)
    assert fitted(name, panel, steps=5).forecast(7).equals(first)
    assert not fitted(name, panel, steps=5, seed=1).forecast(7).equals(first)


def test_the_mean_of_members_lies_between_them() -> None:
    panel, _ = promoted(6, 60)
    model = fitted("mlp", panel, steps=5, members=2)
    one, two = (replace(model, members=(member,)).forecast(7)["q0.5"] for member in model.members)
    both = model.forecast(7)["q0.5"]
    assert ((both - (one + two) / 2).abs() < 1e-3).all()


def test_what_lies_after_the_origin_is_not_seen() -> None:
    panel, _ = promoted(3, 60)
    knowledge = knowledge_of(panel, 7)
    facts = facts_of(knowledge, 16, dated=True)
    series, origins = np.array([0, 1]), np.array([30, 40])
    before = windows_of(knowledge, facts, series, origins)
    later = pl.col("date") > START + timedelta(days=40)
    changed = panel.frame.with_columns(value=pl.when(later).then(1e6).otherwise(pl.col("value")))
    after = windows_of(knowledge_of(replace(panel, frame=changed), 7), facts, series, origins)
    for name in ("past", "ahead", "static", "level", "scale"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    told = targets_of(knowledge, before, series, origins)
    values = knowledge.grid.values[0, 31:38]
    assert told[0] * before.scale[0] + before.level[0] == pytest.approx(values, rel=1e-5)


def test_gaps_in_a_history_are_unknown_and_not_zero() -> None:
    panel, _ = promoted(3, 60)
    hole = pl.col("date").is_between(START + timedelta(days=50), START + timedelta(days=53))
    gone = panel.frame.with_columns(value=pl.when(hole).then(None).otherwise(pl.col("value")))
    knowledge = knowledge_of(replace(panel, frame=gone), 7)
    seen = windows_of(knowledge, facts_of(knowledge, 16, dated=True), np.array([0]), np.array([59]))
    assert seen.past[0, :, 1].sum() == 12
    assert (seen.past[0, seen.past[0, :, 1] == 0, 0] == 0).all()


def test_counts_have_whole_quantiles_and_a_fractional_mean() -> None:
    random = np.random.default_rng(3)
    rows = [
        (f"s{i}", START + timedelta(weeks=week), float(random.poisson(0.4)))
        for i in range(8)
        for week in range(40)
    ]
    panel = Panel(pl.DataFrame(rows, schema=SERIES, orient="row"), "week", is_count=True)
    found = fitted("mlp", panel, context=12).forecast(7)
    quantiles = found.select(pl.selectors.starts_with("q"))
    assert (quantiles.to_numpy() % 1 == 0).all()
    assert (found["mean"] % 1 != 0).any()


def test_all_series_too_short_to_learn_from_get_their_last_value() -> None:
    rows = [("a", START, 3.0), ("a", START + timedelta(days=1), 5.0), ("b", START + timedelta(days=1), 2.0)]
    model = fitted("mlp", Panel(pl.DataFrame(rows, schema=SERIES, orient="row"), "day"))
    assert model.forecast(1)["mean"].to_list() == [5.0, 2.0]
    assert set(model.fallbacks["reason"]) == {
        "all series together are too short to learn from: the last value"
    }
