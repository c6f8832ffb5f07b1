"""Exact contributions are of the scores themselves; a fairer model is judged against the one it replaces."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.evaluation.money import Costs
from foresell.explain.feature_groups import each_alone, group_features
from foresell.features.feature import Feature
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.explained import exact_contributions
from foresell.predict.customers.fairer import decisions_of, fit_fairer, reweighted
from foresell.predict.customers.fitted import FittedTask, fit_task

DESCRIBED = (
    Feature("orders_30d", "orders in the last 30 days", "最近 30 天的订单数", "orders"),
    Feature("orders_ever", "orders ever", "历史上的订单数", "orders"),
    Feature("days_since_order", "days since the last order", "距上次下单的天数", "days"),
    Feature("channel", "channel", "渠道", "category", "category"),
)
COSTS = Costs(false_positive=1.0, false_negative=2.0)


def examples(number: int, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    band = random.choice(["18-29", "60+"], number)
    recency = random.exponential(30, number)
    orders = random.poisson(3, number).astype(float)
    margin = 0.05 * (recency - 30) - 0.3 * (orders - 3) + np.where(band == "60+", 1.2, -0.6)
    return Examples(
        pl.DataFrame({"entity_id": [f"c{i}" for i in range(number)]}).with_columns(
            cutoff_at=pl.lit(datetime(2025, 1, 1, tzinfo=UTC))
        ),
        pl.DataFrame(
            {
                "orders_30d": orders,
                "orders_ever": orders + random.poisson(5, number) + (band == "60+") * 4,
                "days_since_order": np.where(random.random(number) < 0.05, np.nan, recency),
                "channel": pl.Series(np.where(band == "60+", "shop", "web")),
            }
        ).with_columns(pl.col("days_since_order").fill_nan(None)),
        (random.random(number) < 1 / (1 + np.exp(-margin))).astype(np.float64),
        DESCRIBED,
        pl.DataFrame({"age_band": band}),
    )


@pytest.fixture(scope="module")
def splits() -> tuple[Examples, Examples, Examples]:
    return examples(1500, 0), examples(1000, 1), examples(1000, 2)


@pytest.fixture(scope="module")
def fitted(splits) -> FittedTask:
    pytest.importorskip("lightgbm")
    return fit_task("trees", *splits[:2], "happens", costs=COSTS).fitted


@pytest.mark.parametrize("bags", [1, 2])
def test_contributions_of_trees_add_up_to_the_score(splits, bags):
    pytest.importorskip("lightgbm")
    task = fit_task("trees", *splits[:2], "happens", config={"bags": bags, "max_trees": 60}).fitted
    features = splits[2].features
    groups = group_features(DESCRIBED)
    found = exact_contributions(task, features, groups)
    assert found is not None
    assert found.names == ("orders", "days_since_order", "channel")
    assert found.predictions == pytest.approx(task.predict(features), abs=1e-9)
    recency = features["days_since_order"].fill_null(30.0).to_numpy()
    assert np.corrcoef(found.values[:, 1], recency)[0, 1] > 0.7


def test_contributions_of_amounts_are_in_money(splits):
    pytest.importorskip("lightgbm")
    train, validation = (
        Examples(p.keys, p.features, p.features["orders_ever"].to_numpy() * (1 + p.labels), DESCRIBED)
        for p in splits[:2]
    )
    task = fit_task("trees", train, validation, "amount", config={"only": ["orders_ever"]}).fitted
    found = exact_contributions(task, splits[2].features, each_alone(DESCRIBED))
    assert found is not None
    assert found.predictions == pytest.approx(task.predict(splits[2].features))
    assert (found.values[:, [0, 2, 3]] == 0).all(), "the trees do not read them"


def test_other_models_have_none(splits):
    task = fit_task("logistic", *splits[:2], "happens").fitted
    assert exact_contributions(task, splits[2].features, each_alone(DESCRIBED)) is None
    with pytest.raises(InputError, match="threshold"):
        decisions_of(task, splits[2])


def test_reweighting_closes_the_gap_and_costs_accuracy(splits, fitted):
    found = fit_fairer(fitted, *splits, "age_band", COSTS)
    (row,) = found.trade.gaps.filter(
        pl.col("group") == "60+", pl.col("measure") == "selection_rate"
    ).to_dicts()
    assert row["gap_before"] > 0.3
    assert row["closes_lower"] > 0
    assert found.trade.costs["auroc"].value < 0
    assert found.trade.costs["money"].value < 0


def test_weights_multiply_those_there_are(splits):
    train = reweighted(splits[0], "age_band")
    again = reweighted(train, "age_band")
    assert again.weights == pytest.approx(train.weights**2)
    with pytest.raises(NotFoundError, match="age_band"):
        reweighted(splits[0], "age_bands")
