"""Every model of value in VALUE_MODELS keeps the contract of `FittedValueModel`."""

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.results import RESULTS
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.value import BASELINES, VALUE_MODELS, load_model
from foresell.predict.customers.value.backtest import backtest, best_of, cutoffs_for, fit_for_now
from foresell.predict.customers.value.examples import examples_of
from foresell.predict.customers.value.model import OUTLOOK, FittedValueModel
from foresell.predict.customers.value.scores import score_rows
from foresell.predict.customers.value.summary import summarize
from foresell.store.models import Origin, load_artifact, save_artifact

EVERY_MODEL = pytest.mark.parametrize("name", VALUE_MODELS)
START = date(2025, 1, 1)
HORIZON = 40
# What learns in many steps learns in few.
LITTLE = {
    "bg_nbd": {"num_draws": 60},
    "trees": {"num_trees": 30, "num_quantile_trees": 30, "min_rows_in_leaf": 20},
    "corrected": {"num_trees": 20, "bags": 1, "num_draws": 60, "min_rows_in_leaf": 20},
}


@cache
def bought() -> pl.DataFrame:
    """Order days of 400 customers in 300 days: some often, some leave, some spend more."""
    random = np.random.default_rng(0)
    rows = []
    for who in range(400):
        rate, leaves, worth = random.gamma(0.8, 1 / 25), random.beta(0.8, 3), random.gamma(4, 8)
        day, first = random.uniform(0, 150), True
        while day < 300:
            rows.append((f"c{who:03}", int(day), float(random.gamma(5, worth / 5)) + 0.01))
            if not first and random.random() < leaves:
                break
            day, first = day + random.exponential(1 / rate), False
    frame = pl.DataFrame(
        rows, {"customer_id": pl.String, "day": pl.Int64, "amount": pl.Float64}, orient="row"
    )
    days = frame.group_by("customer_id", "day").agg(pl.col("amount").sum())
    return days.with_columns(date=pl.lit(START) + pl.duration(days="day"))


@cache
def at(day: int, measure: str = "spend") -> Examples:
    later = bought().filter(pl.col("day").is_between(day, day + HORIZON - 1))
    amount = pl.col("amount").sum() if measure == "spend" else pl.len().cast(pl.Float64)
    features = summarize(bought().drop("day"), START + timedelta(days=day - 1), HORIZON)
    cutoff = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return examples_of(features, later.group_by("customer_id").agg(amount=amount), cutoff)


@cache
def fitted(name: str, measure: str = "spend") -> FittedValueModel:
    train, validation, test = at(140, measure), at(180, measure), at(220, measure)
    config = load_model(name).config(measure=measure, horizon_days=HORIZON, **LITTLE.get(name, {}))
    return fit_for_now(name, train, validation, test.features, config)


@EVERY_MODEL
@pytest.mark.parametrize("measure", ["spend", "orders"])
def test_an_outlook_is_in_order(name: str, measure: str) -> None:
    outlook = fitted(name, measure).outlook(at(220).features)
    assert outlook.schema == OUTLOOK
    assert len(outlook) == len(at(220))
    assert not outlook.select("mean", "median").null_count().sum_horizontal()[0]
    assert (outlook["mean"] >= 0).all()
    bounds = outlook.select("lower_80", "median", "upper_80").drop_nulls().to_numpy()
    assert (np.diff(bounds, axis=1) >= 0).all()
    assert (bounds >= 0).all()
    assert (len(bounds) == 0) == (name in BASELINES)
    for chance in ("probability_any", "probability_alive"):
        assert outlook[chance].drop_nulls().is_between(0, 1).all()


@EVERY_MODEL
def test_a_model_finds_the_money(name: str) -> None:
    found = backtest(
        at(140),
        at(180),
        at(220),
        horizon_days=HORIZON,
        models=[name],
        settings={name: LITTLE.get(name, {})},
        samples=20,
    )
    on_test = {trial.split: trial.scores for trial in found.trials}["test"]
    assert on_test["gini"].value > 0.25
    if name not in BASELINES:
        assert 0.65 < on_test["coverage_80"].value <= 1


@EVERY_MODEL
def test_what_is_saved_is_what_was_learned(name: str, tmp_path: Path) -> None:
    model = fitted(name)
    config = json.loads(json.dumps(asdict(model.config)))
    version = save_artifact(
        tmp_path,
        "value",
        kind=name,
        config=config,
        tables=model.to_tables(),
        weights=model.to_weights(),
        scores={},
        card="",
        origin=Origin(),
    )
    artifact = load_artifact(tmp_path, "value", version)
    again = load_model(name).load(artifact.config, artifact.tables, artifact.weights)
    assert again.config == model.config
    assert again.outlook(at(220).features).equals(model.outlook(at(220).features))


@EVERY_MODEL
def test_the_same_examples_and_seed_give_the_same_outlook(name: str) -> None:
    features = at(220).features.head(40)
    fitted.cache_clear()
    one = fitted(name).outlook(features)
    fitted.cache_clear()
    assert fitted(name).outlook(features).equals(one)


@EVERY_MODEL
def test_errors_name_what_is_wrong(name: str) -> None:
    model, features = fitted(name), at(220).features
    with pytest.raises(InputError, match=r"missing|other columns") as caught:
        model.outlook(pl.DataFrame({"visits": [1.0]}))
    assert "Add" in caught.value.message
    with pytest.raises(InputError, match="above 0 days"):
        model.outlook(features, horizon_days=0)
    with pytest.raises(InputError, match="'visits'"):
        load_model(name).fit(at(140), replace(model.config, measure="visits"))


@EVERY_MODEL
def test_another_horizon_is_answered_or_refused(name: str) -> None:
    model, features = fitted(name), at(220).features
    if name == "trees":
        with pytest.raises(InputError, match="one horizon only"):
            model.outlook(features, horizon_days=80)
        return
    longer = model.outlook(features, horizon_days=80)["mean"]
    assert longer.sum() > 1.3 * model.outlook(features)["mean"].sum()


@EVERY_MODEL
def test_nobody_is_answered_with_nothing(name: str) -> None:
    assert fitted(name).outlook(at(220).features.head(0)).is_empty()


@pytest.mark.parametrize("name", ["bg_nbd", "trees", "corrected"])
def test_one_class_only_is_refused(name: str) -> None:
    """Nobody came back, and nobody spent anything."""
    once = at(140)
    alone = once.take((once.features["repeat_order_days"] == 0).to_numpy())
    nothing = Examples(alone.keys, alone.features, np.zeros(len(alone)), alone.described)
    with pytest.raises(InputError, match=r"Nobody ordered on a second day|All amounts are the same"):
        load_model(name).fit(nothing, load_model(name).config(horizon_days=HORIZON))


def test_all_against_each_other() -> None:
    found = backtest(
        together([at(120), at(140)]), at(180), at(220), horizon_days=HORIZON, settings=LITTLE, samples=20
    )
    assert found.chosen in VALUE_MODELS
    assert found.chosen not in BASELINES
    assert found.baseline in BASELINES
    assert {trial.model for trial in found.trials} == set(VALUE_MODELS)
    assert set(found.differences["against"]) == set(VALUE_MODELS) - {found.chosen}
    assert all((found.differences["lower"] <= found.differences["upper"]).to_list())


def test_the_best_is_best_on_average_of_three() -> None:
    labels = np.array([0.0, 10.0, 20.0, 30.0])
    right = pl.DataFrame({"mean": labels, "median": labels})
    wrong = pl.DataFrame({"mean": labels[::-1], "median": labels + 5})
    assert best_of(labels, {"a": wrong, "b": right}) == "b"
    assert best_of(labels, {"b": right, "a": right}) == "a"


def test_cutoffs_leave_room_for_labels() -> None:
    first, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    found = cutoffs_for(first, until, 60)
    horizon = timedelta(days=60)
    assert found.test + horizon == until
    assert found.validation + horizon == found.test
    assert found.train[-1] + horizon == found.validation
    assert list(found.train) == sorted(found.train)
    assert found.train[0] - first >= timedelta(days=45)
    with pytest.raises(InputError, match="too long for the history"):
        cutoffs_for(first, until, 120)


def test_rows_of_the_table_of_scores() -> None:
    features, made = at(220), datetime(2026, 1, 2, tzinfo=UTC)
    outlook = fitted("corrected").outlook(features.features)
    rows = score_rows(
        features.keys["entity_id"],
        outlook,
        measure="spend",
        currency="EUR",
        model="value/1",
        cutoff_at=made,
        horizon_days=HORIZON,
        made_at=made,
    )
    assert set(rows.columns) == {column.name for column in RESULTS["scores"].columns}
    kinds = rows.select("task", "unit").unique().sort("task").rows()
    assert kinds == [("alive", "probability"), ("value", "EUR")]
    value = rows.filter(pl.col("task") == "value")
    assert value["score"].to_list() == outlook["mean"].to_list()
    assert json.loads(value["reasons"][0])["median"] == pytest.approx(outlook["median"][0], abs=1e-4)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'trees'"):
        load_model("tree")
