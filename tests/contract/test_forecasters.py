"""Every forecaster of MODELS keeps the contract of `Fitted`."""

import itertools
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.forecast import MODELS, load_model
from foresell.predict.forecast.model import FORECAST, QUANTILES, Fitted
from foresell.predict.forecast.panel import SERIES, Panel
from foresell.store.models import load_artifact, save_artifact

START = date(2024, 1, 1)
# A combination fits its members at every window: a few quick ones show the contract.
MEMBERS = ("seasonal_naive", "ets", "regression")
CONFIGS: dict[str, dict[str, object]] = {
    "choice": {"members": MEMBERS, "windows": 2},
    "combination": {"members": MEMBERS, "windows": 2},
    "boosted": {"max_rounds": 40},
    # What holds of a network holds of one that has hardly learned.
    **{name: {"steps": 4, "batch_size": 16, "context": 26} for name in ("mlp", "lstm", "transformer")},
}
# Pre-trained models need a folder of weights that no test has; see test_foundation.
EVERY_MODEL = pytest.mark.parametrize("name", [name for name in MODELS if name != "foundation"])


def panel(values: dict[str, list[float]]) -> Panel:
    """All series end in the same week, as those of a shop do."""
    end = max(len(v) for v in values.values())
    rows = [
        (key, START + timedelta(weeks=end - len(v) + i), value)
        for key, v in sorted(values.items())
        for i, value in enumerate(v)
    ]
    return Panel(pl.DataFrame(rows, schema=SERIES, orient="row"), "week", season=52)


def fitted(name: str, values: dict[str, list[float]], horizon: int = 6) -> Fitted:
    model = load_model(name)
    return model.fit(panel(values), model.config(horizon=horizon, **CONFIGS.get(name, {})))


SHOP = {
    "steady": [100.0 + (i * 7) % 11 for i in range(52)],
    "growing": [10.0 + 3 * i + (i * 5) % 7 for i in range(52)],
    "now and then": [float(i % 5 == 0) * (3 + i % 2) for i in range(52)],
    "short": [4.0, 6.0],
    "single": [5.0],
    "dead": [0.0] * 20,
    "flat": [7.0] * 20,
}


@EVERY_MODEL
def test_forecasts_are_well_formed(name: str) -> None:
    model = fitted(name, SHOP)
    found = model.forecast(6)
    assert found.schema == FORECAST
    assert found.equals(found.sort("series_id", "date"))
    assert found.group_by("series_id").len()["len"].to_list() == [6] * len(SHOP)
    first = START + timedelta(weeks=52)
    assert found["date"].unique().sort().to_list() == [first + timedelta(weeks=i) for i in range(6)]
    assert found["mean"].is_finite().all()
    assert found.filter(series_id="dead")["mean"].to_list() == [0.0] * 6
    assert found.filter(series_id="flat")["mean"].to_list() == pytest.approx([7.0] * 6)
    assert found.filter(series_id="steady")["mean"].is_between(95, 115).all()


values = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=60)


@EVERY_MODEL
@settings(max_examples=15, deadline=None)
@given(history=values)
def test_quantiles_are_in_order_never_negative_and_never_explode(name: str, history: list[float]) -> None:
    found = fitted(name, {"s": history}).forecast(6)
    assert (found["mean"] >= 0).all()
    assert (found["mean"] <= 3 * max(history) + 1e-9).all()
    bounded = found.drop_nulls()
    for low, high in itertools.pairwise(QUANTILES):
        assert (bounded[low] <= bounded[high]).all()
    assert (bounded[QUANTILES[0]] >= 0).all()
    assert (bounded[QUANTILES[-1]] <= 10 * max(history) + 1e-9).all()


@EVERY_MODEL
def test_a_shorter_horizon_is_the_head_of_a_longer_one_and_beyond_it_is_refused(name: str) -> None:
    model = fitted(name, SHOP)
    head = model.forecast(6).group_by("series_id", maintain_order=True).head(2)
    assert model.forecast(2).equals(head)
    for horizon in (0, 7):
        with pytest.raises(InputError, match="1 to 6 periods"):
            model.forecast(horizon)


@EVERY_MODEL
def test_saved_and_loaded_it_forecasts_the_same(name: str, tmp_path: Path) -> None:
    before = fitted(name, SHOP)
    save_artifact(
        tmp_path, name, name, asdict(before.config), before.to_tables(), {}, weights=before.to_weights()
    )
    artifact = load_artifact(tmp_path, name, "candidate")
    after = load_model(artifact.kind).load(artifact.config, artifact.tables, artifact.weights)
    assert after.config == before.config
    assert after.forecast(6).equals(before.forecast(6))
    assert after.fallbacks.equals(before.fallbacks)


@EVERY_MODEL
def test_no_series_is_an_error_a_user_understands(name: str) -> None:
    model = load_model(name)
    with pytest.raises(InputError, match="Import"):
        model.fit(Panel(pl.DataFrame(schema=SERIES), "week"), model.config())
