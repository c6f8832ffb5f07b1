"""Every model of customers in MODELS keeps the contract of `FittedTaskModel`."""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.evaluation.amounts import amount_score
from foresell.evaluation.classification import score_of
from foresell.features.feature import Feature
from foresell.predict.customers import COMPETING, MODELS, NEED_VECTORS, NEEDS, config_of, load_model
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.model import FittedTaskModel, Target
from foresell.store.models import Origin, load_artifact, save_artifact

EVERY_MODEL = pytest.mark.parametrize("name", MODELS)
EVERY_TARGET = pytest.mark.parametrize("target", ["happens", "amount"])
# What learns in many steps learns in few.
LITTLE = {"trees": {"max_trees": 30}, "fused": {"max_trees": 30}, "stack": {"folds": 2}}
LITTLE["neural"] = {"epochs": 8, "nets": 2, "width": 16, "batch_size": 32}
LITTLE["stack"]["is_equal"] = False
LITTLE["stack"]["configs"] = {
    "trees": {"max_trees": 20},
    "neural": {"epochs": 3, "nets": 1, "uses_vectors": False},
}


def made_up(number: int, seed: int, target: Target) -> Examples:
    random = np.random.default_rng(seed)
    recency, orders = random.exponential(30, number), random.poisson(3, number).astype(float)
    channel = random.choice(["web", "shop", "app"], number)
    odds = -1 + 0.05 * recency - 0.5 * orders + 1.5 * (channel == "app")
    labels = (random.random(number) < 1 / (1 + np.exp(-odds))).astype(float)
    if target == "amount":
        labels = labels * random.gamma(2, 10, number)
    features = pl.DataFrame(
        {
            "recency": pl.Series(np.where(random.random(number) < 0.1, np.nan, recency)).fill_nan(None),
            "orders": orders,
            "nothing": pl.Series([None] * number, dtype=pl.Float64),
            "channel": pl.Series(channel).set(pl.Series(random.random(number) < 0.1), None),
        }
    )
    described = (
        Feature("recency", "days since the last order", "距上次下单天数", "days"),
        Feature("orders", "orders so far", "累计订单数", "orders"),
        Feature("nothing", "never known", "未知", "share"),
        Feature("channel", "channel of the last order", "上次下单渠道", "category", "category"),
    )
    keys = pl.DataFrame(
        {"entity_id": [f"customer {place % (number // 2)}" for place in range(number)]}
    ).with_columns(cutoff_at=pl.lit("2026-01-01").str.to_datetime("%F", time_zone="UTC"))
    vectors = np.column_stack([random.normal(size=(number, 3)), odds]).astype(np.float32)
    return Examples(keys, features, labels, described, vectors=vectors)


@cache
def fitted(name: str, target: Target) -> FittedTaskModel:
    return fit_on(name, target, made_up(600, 0, target))


def fit_on(name: str, target: Target, examples: Examples) -> FittedTaskModel:
    pytest.importorskip(NEEDS[name][0] if name in NEEDS else "numpy")
    config = config_of(name, LITTLE.get(name, {}))
    return load_model(name).fit(examples, config, target, validation=made_up(200, 1, target))


@EVERY_MODEL
@EVERY_TARGET
def test_predictions_are_well_formed_and_beat_chance(name: str, target: Target) -> None:
    test = made_up(400, 2, target)
    found = fitted(name, target).predict(test.features, test.vectors)
    assert found.shape == (400,)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert found.min() >= 0
    if target == "happens":
        assert found.max() <= 1
    if name != "average":
        score = score_of("auroc", test.labels, found) if target == "happens" else 0.5
        assert score > 0.6 or target == "amount"
        assert target == "happens" or amount_score("gini", test.labels, found) > 0.1


@EVERY_MODEL
@EVERY_TARGET
def test_saved_and_loaded_it_predicts_the_same(name: str, target: Target, tmp_path: Path) -> None:
    test, before = made_up(50, 2, target), fitted(name, target)
    version = save_artifact(
        tmp_path,
        "task",
        "customer_task",
        asdict(before.config),
        before.to_tables(),
        {},
        Origin(seed=0),
        weights=before.to_weights(),
    )
    found = load_artifact(tmp_path, "task", version)
    after = load_model(name).load(found.config, found.tables, found.weights)
    assert after.config == before.config
    assert np.array_equal(
        after.predict(test.features, test.vectors), before.predict(test.features, test.vectors)
    )


@EVERY_MODEL
def test_the_same_examples_give_the_same_model(name: str) -> None:
    test = made_up(50, 2, "happens")
    again = fit_on(name, "happens", made_up(600, 0, "happens"))
    one = fitted(name, "happens").predict(test.features, test.vectors)
    assert np.array_equal(again.predict(test.features, test.vectors), one)


@EVERY_MODEL
def test_rows_are_predicted_one_by_one_as_together_whatever_the_columns_order(name: str) -> None:
    model, test = fitted(name, "happens"), made_up(20, 2, "happens")
    together = model.predict(test.features, test.vectors)
    turned = test.features.select(reversed(test.features.columns)).with_columns(unasked=pl.lit("x"))
    alone = [model.predict(turned[[row]], test.vectors[[row]])[0] for row in range(20)]
    assert together == pytest.approx(alone, rel=1e-12)
    assert model.predict(test.features[:0], test.vectors[:0]).shape == (0,)


@EVERY_MODEL
def test_a_category_that_was_never_seen_counts_as_unknown(name: str) -> None:
    model, test = fitted(name, "happens"), made_up(20, 2, "happens")
    never, unknown = (
        test.features.with_columns(channel=pl.lit(value, pl.String)) for value in ("carrier pigeon", None)
    )
    assert np.array_equal(model.predict(never, test.vectors), model.predict(unknown, test.vectors))


@EVERY_MODEL
def test_a_missing_column_is_named(name: str) -> None:
    if name in ("average", "sequence"):
        pytest.skip("reads no features")
    model, test = fitted(name, "happens"), made_up(20, 2, "happens")
    column = model.to_tables()["columns"]["feature"][0] if name == "one_feature" else "orders"
    with pytest.raises(InputError, match=column):
        model.predict(test.features.drop(column), test.vectors)


@EVERY_MODEL
@EVERY_TARGET
def test_one_class_only_is_named(name: str, target: Target) -> None:
    examples = made_up(100, 0, target)
    with pytest.raises(InputError, match="nothing to tell apart"):
        fit_on(name, target, examples.take(examples.labels == 0))


@pytest.mark.parametrize("name", NEED_VECTORS)
def test_what_reads_vectors_asks_for_them(name: str) -> None:
    model, test = fitted(name, "happens"), made_up(20, 2, "happens")
    with pytest.raises(InputError, match="vector"):
        model.predict(test.features)


@EVERY_MODEL
def test_what_was_learned_names_no_customer(name: str) -> None:
    for table in fitted(name, "happens").to_tables().values():
        told = table.select(pl.selectors.string())
        assert not any("customer" in str(value) for column in told for value in column)
        assert table.height < 200


@EVERY_MODEL
def test_weights_count_as_rows_would(name: str) -> None:
    if name not in ("average", "logistic"):
        pytest.skip("draws rows at random")
    examples, test = made_up(300, 0, "happens"), made_up(20, 2, "happens")
    doubled = examples.take(np.r_[np.arange(300), np.arange(100)])
    weighted = Examples(
        examples.keys,
        examples.features,
        examples.labels,
        examples.described,
        weights=np.where(np.arange(300) < 100, 2.0, 1.0),
    )
    config = config_of(name, {"is_penalty_fixed": True} if name == "logistic" else {})
    by_rows, by_weights = (
        load_model(name).fit(one, config, "happens").predict(test.features) for one in (doubled, weighted)
    )
    assert by_weights == pytest.approx(by_rows, abs=0.05)


def test_settings_are_plain_values_and_a_wrong_one_is_named() -> None:
    for name in COMPETING:
        config = config_of(name, {})
        assert config_of(name, json.loads(json.dumps(asdict(config)))) == config
    with pytest.raises(InputError, match="Did you mean 'num_leaves'"):
        config_of("trees", {"num_leafs": 3})
    with pytest.raises(NotFoundError, match="Did you mean 'trees'"):
        load_model("tree")
