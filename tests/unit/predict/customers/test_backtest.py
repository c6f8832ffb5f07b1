"""From examples to what is put to work: the backtest, the fitted task, its tuning and its spread."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.evaluation.classification import score_of
from foresell.evaluation.compare import leaderboard
from foresell.evaluation.money import Costs
from foresell.features.feature import Feature
from foresell.predict.customers.backtest import Backtest, backtest
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.fitted import KIND, FittedTask, fit_task
from foresell.predict.customers.model import Target
from foresell.predict.customers.spread import Spread, learn_spread
from foresell.predict.customers.tune import tune
from foresell.store.models import load_artifact, save_artifact

COSTS = Costs(false_positive=1.0, false_negative=4.0)
DESCRIBED = (
    Feature("days", "days", "天", "days"),
    Feature("channel", "channel", "渠道", "category", "category"),
)


def made_up(month: int, target: Target = "happens", number: int = 500) -> Examples:
    """Odds that rise with the days in the shop and fall with them on the web."""
    random = np.random.default_rng(month)
    days, is_web = random.exponential(1, number), random.random(number) < 0.5
    chance = 1 / (1 + np.exp(1 - 1.5 * days * np.where(is_web, -1, 1)))
    labels = (random.random(number) < chance).astype(float)
    if target == "amount":
        labels = labels * random.gamma(2, 10, number)
    features = pl.DataFrame({"days": days, "channel": np.where(is_web, "web", "shop")})
    keys = pl.DataFrame({"entity_id": [f"c{place}" for place in range(number)]}).with_columns(
        cutoff_at=pl.lit(datetime(2026, month + 1, 1, tzinfo=UTC), pl.Datetime("us", "UTC"))
    )
    return Examples(keys, features, labels, DESCRIBED)


@pytest.fixture(scope="module")
def found() -> Backtest:
    pytest.importorskip("lightgbm")
    return backtest(
        made_up(0),
        made_up(1),
        made_up(2),
        "happens",
        task="churn",
        models=("average", "one_feature", "trees"),
        configs={"trees": {"max_trees": 60}},
        costs=COSTS,
        record={"name": "churn"},
        samples=100,
    )


def test_the_model_that_sees_two_features_together_is_chosen_and_surely_better(found: Backtest) -> None:
    assert found.chosen == "trees"
    assert found.baseline == "one_feature"
    gain = found.differences.filter(model="trees", against="one_feature", score="auroc").row(0, named=True)
    assert gain["lower"] > 0
    labels = made_up(2).labels
    by_hand = score_of("auroc", labels, found.on_test["trees"])
    assert gain["value"] == pytest.approx(by_hand - score_of("auroc", labels, found.on_test["one_feature"]))


def test_the_leaderboard_has_every_score_of_both_splits_with_its_conditions(found: Backtest) -> None:
    board = leaderboard(found.trials, datetime.now(UTC))
    assert set(board["split"]) == {"validation", "test"}
    scores = {"auroc", "aupr", "log_loss", "brier", "accuracy", "calibration_error", "money_per_customer"}
    assert set(board.filter(model="trees", split="test")["score"]) == scores
    note = board.filter(model="trees", split="test")["note"][0]
    assert "500 examples of 500 customers" in note
    assert "2026-03-01" in note


def test_the_test_labels_choose_and_teach_nothing(found: Backtest) -> None:
    test = made_up(2)
    turned = Examples(test.keys, test.features, 1 - test.labels, test.described)
    again = backtest(
        made_up(0),
        made_up(1),
        turned,
        "happens",
        task="churn",
        models=("average", "one_feature", "trees"),
        configs={"trees": {"max_trees": 60}},
        costs=COSTS,
        samples=10,
    )
    assert again.chosen == found.chosen
    assert again.fitted["trees"].threshold == found.fitted["trees"].threshold
    for name, said in found.on_test.items():
        assert np.array_equal(again.on_test[name], said)


def test_what_was_fitted_is_kept_as_plain_files_and_scores_the_same(found: Backtest, tmp_path: Path) -> None:
    before, test = found.fitted["trees"], made_up(2)
    version = save_artifact(tmp_path, "churn", KIND, before.to_config(), before.to_tables(), {})
    kept = load_artifact(tmp_path, "churn", version)
    after = FittedTask.load(json.loads(json.dumps(kept.config)), kept.tables, kept.weights)
    assert after.scored(test.features).equals(before.scored(test.features))
    assert after.described == DESCRIBED
    assert after.task == {"name": "churn"}
    assert after.threshold == before.threshold


def test_whom_to_act_on_is_by_the_threshold(found: Backtest) -> None:
    fitted, test = found.fitted["trees"], made_up(2)
    scored = fitted.scored(test.features)
    assert fitted.threshold is not None
    assert scored["is_chosen"].to_list() == (scored["score"] >= fitted.threshold.value).to_list()
    assert scored["lower"].null_count() == len(test)


def test_amounts_come_with_intervals_that_hold_four_of_five() -> None:
    train, validation, test = (made_up(month, "amount", 2_000) for month in range(3))
    scored = fit_task("logistic", train, validation, "amount").fitted.scored(test.features)
    inside = pl.Series(test.labels).is_between(scored["lower"], scored["upper"])
    # More than four of five, since those who spend nothing lie on the lower end.
    assert 0.78 < inside.mean() < 0.95
    assert scored["is_chosen"].null_count() == len(test)


def test_a_spread_holds_as_many_as_it_says_whatever_the_size() -> None:
    random = np.random.default_rng(0)
    told = random.gamma(2, 10, 4_000)
    actual = random.gamma(4, told / 4)
    spread = learn_spread(actual[:2_000], told[:2_000])
    low, high = spread.around(told[2_000:])
    for part in (told[2_000:] < 20, told[2_000:] >= 20):
        inside = ((actual[2_000:] >= low) & (actual[2_000:] <= high))[part]
        assert inside.mean() == pytest.approx(0.8, abs=0.05)
    assert Spread.from_table(spread.to_table()) == spread


def test_tuning_is_never_worse_on_validation_than_the_defaults_and_the_same_again() -> None:
    pytest.importorskip("optuna")
    pairs = [(made_up(0, number=200), made_up(1, number=200))]
    fixed = {"max_trees": 20}
    one, other = (tune("trees", pairs, "happens", fixed=fixed, trials=5, seed=3) for _ in range(2))
    assert one == other
    assert one.loss <= one.default_loss
    assert one.config["max_trees"] == 20
    assert one.tried == 5


def test_what_cannot_be_tuned_is_named() -> None:
    pytest.importorskip("optuna")
    with pytest.raises(NotFoundError, match="Valid: fused, trees"):
        tune("average", [(made_up(0), made_up(1))], "happens")
    with pytest.raises(InputError):
        tune("trees", [], "happens")
