"""Off-policy estimates are right on bandits whose truth is known, and say when they cannot be trusted."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.evaluation.off_policy import WARNINGS, Estimator, IntervalMethod, policy_value
from foresell.evaluation.reward_model import cross_fitted

# Five actions: how often the log took each, how often the judged policy would, how often each pays.
LIVE = np.array([0.4, 0.3, 0.2, 0.08, 0.02])
JUDGED = np.array([0.05, 0.1, 0.25, 0.35, 0.25])
PAYS = np.array([0.05, 0.1, 0.2, 0.3, 0.4])


def bandit(
    random: np.random.Generator, count: int, pays: np.ndarray = PAYS, live: np.ndarray = LIVE
) -> pl.DataFrame:
    action = random.choice(len(live), size=count, p=live)
    return pl.DataFrame(
        {
            "action": action,
            "reward": (random.random(count) < pays[action]).astype(int),
            "propensity": live[action],
            "target_propensity": JUDGED[action],
            "predicted": pays[action],
            "expected": np.full(count, JUDGED @ pays),
        }
    )


def estimates(frames: list[pl.DataFrame], estimator: Estimator) -> np.ndarray:
    return np.array([policy_value(frame, estimator, interval="normal").value.value for frame in frames])


def log(**columns: Any) -> pl.DataFrame:
    rows = {"reward": [1, 0], "propensity": [0.5, 0.5], "target_propensity": [0.5, 0.5], **columns}
    return pl.DataFrame(rows)


def test_by_hand() -> None:
    """Weights 2, .5 and 0; rewards 1, 1 and 1."""
    frame = pl.DataFrame(
        {
            "reward": [1, 1, 1],
            "propensity": [0.25, 0.5, 0.5],
            "target_propensity": [0.5, 0.25, 0.0],
            "predicted": [0.5, 1.0, 0.0],
            "expected": [0.3, 0.3, 0.3],
        }
    )
    ips, snips, dr = (policy_value(frame, name) for name in ("ips", "snips", "dr"))
    assert ips.value.value == pytest.approx(2.5 / 3)
    assert snips.value.value == pytest.approx(1)
    assert dr.value.value == pytest.approx(0.3 + (2 * 0.5) / 3)
    assert ips.effective_rows == pytest.approx(2.5**2 / 4.25)
    assert (ips.largest_weight, ips.mean_weight.value) == (2, pytest.approx(2.5 / 3))
    clipped = policy_value(frame, "ips", clip=1.0)
    assert clipped.value.value == pytest.approx(1.5 / 3)
    assert clipped.share_clipped == pytest.approx(1 / 3)
    assert clipped.largest_weight == 2
    assert "clipped" in clipped.warnings


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr"])
def test_the_mean_over_many_logs_is_the_truth(estimator: Estimator) -> None:
    random = np.random.default_rng(1)
    found = estimates([bandit(random, 400) for _ in range(400)], estimator)
    off = (found.mean() - JUDGED @ PAYS) / (found.std() / 20)
    assert abs(off) < 3


def test_a_wrong_model_leaves_the_doubly_robust_estimate_right_and_a_right_one_narrows_it() -> None:
    random = np.random.default_rng(2)
    frames = [bandit(random, 400) for _ in range(300)]
    wrong = estimates([frame.with_columns(predicted=0.9, expected=0.9) for frame in frames], "dr")
    assert abs(wrong.mean() - JUDGED @ PAYS) < 3 * wrong.std() / 300**0.5
    assert estimates(frames, "dr").std() < estimates(frames, "ips").std() < wrong.std()


# Live propensity, the judged policy's, reward.
decisions = st.lists(st.tuples(st.floats(0.05, 1), st.floats(0, 1), st.floats(0, 5)), min_size=2, max_size=12)


def frame_of(rows: list[tuple[float, float, float]]) -> pl.DataFrame:
    names = ["propensity", "target_propensity", "reward"]
    assume(sum(row[1] for row in rows) > 1e-3)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")


@given(decisions, st.floats(0, 10))
def test_snips_moves_with_a_shift_of_all_rewards(
    rows: list[tuple[float, float, float]], shift: float
) -> None:
    frame = frame_of(rows)
    shifted = frame.with_columns(pl.col("reward") + shift)
    before, after = (policy_value(each, "snips", interval="normal").value for each in (frame, shifted))
    assert after.value == pytest.approx(before.value + shift, abs=1e-6)
    assert after.upper - after.lower == pytest.approx(before.upper - before.lower, abs=1e-6)


@given(decisions, st.floats(0, 5))
def test_a_perfect_reward_model_leaves_no_variance(
    rows: list[tuple[float, float, float]], expected: float
) -> None:
    frame = frame_of(rows).with_columns(predicted=pl.col("reward"), expected=expected)
    assume(frame["reward"].sum() > 0)
    found = policy_value(frame, "dr").value
    assert [found.value, found.lower, found.upper] == pytest.approx([expected] * 3)


@given(decisions, st.floats(0.1, 3))
def test_clipping_lowers_what_is_not_negative(rows: list[tuple[float, float, float]], clip: float) -> None:
    frame = frame_of(rows)
    assert policy_value(frame, "ips", clip=clip).value.value <= policy_value(frame, "ips").value.value + 1e-12


@given(decisions, st.sampled_from(["ips", "snips"]), st.sampled_from(["gamma", "normal"]))
def test_an_interval_holds_its_value(
    rows: list[tuple[float, float, float]], estimator: Estimator, interval: IntervalMethod
) -> None:
    found = policy_value(frame_of(rows), estimator, interval=interval).value
    assert found.lower <= found.value + 1e-9
    assert found.value <= found.upper + 1e-9


@pytest.mark.parametrize(
    ("estimator", "interval", "least", "most"),
    [
        ("ips", "gamma", 0.93, 1),
        ("snips", "gamma", 0.93, 1),
        ("dr", "gamma", 0.93, 1),
        ("ips", "bernstein", 0.99, 1),
        # The reason why it is not the default.
        ("ips", "bootstrap", 0.7, 0.92),
    ],
)
def test_rare_rewards_are_covered_as_often_as_is_said(
    estimator: Estimator, interval: IntervalMethod, least: float, most: float
) -> None:
    """Ten clicks a log, and actions of weight 12.5 that were hardly ever shown."""
    random = np.random.default_rng(3)
    pays = PAYS / 10
    frames = [bandit(random, 600, pays) for _ in range(150 if interval == "bootstrap" else 500)]
    found = [policy_value(frame, estimator, interval=interval).value for frame in frames]
    covered = np.mean([each.lower <= JUDGED @ pays <= each.upper for each in found])
    assert least <= covered <= most


def test_common_rewards_have_the_normal_interval() -> None:
    frame = bandit(np.random.default_rng(4), 20_000)
    gamma, normal = (policy_value(frame, "ips", interval=name).value for name in ("gamma", "normal"))
    assert (gamma.lower, gamma.upper) == pytest.approx((normal.lower, normal.upper), rel=0.02)


def test_no_click_at_all_is_known_to_be_few_not_to_be_none() -> None:
    """The exact upper 97.5% limit of a Poisson count of 0 is 3.69."""
    frame = log(reward=[0, 0]).select(pl.all().repeat_by(500).explode())
    found = policy_value(frame, "ips").value
    assert (found.value, found.lower) == (0, 0)
    assert found.upper == pytest.approx(3.689 / 1000, rel=1e-3)


def test_rows_of_one_customer_count_as_one() -> None:
    frame = bandit(np.random.default_rng(5), 300).with_row_index("customer")
    tenfold = pl.concat([frame] * 10)
    alone, alike = policy_value(frame, "ips"), policy_value(tenfold, "ips", unit="customer")
    assert (alike.num_units, alike.num_rows) == (300, 3000)
    for method in ("normal", "bootstrap"):
        first, second = (
            policy_value(each, "snips", unit="customer", interval=method).value for each in (frame, tenfold)
        )
        assert (second.lower, second.upper) == pytest.approx((first.lower, first.upper))
    assert alike.value.value == pytest.approx(alone.value.value)


def test_money_may_be_negative_and_then_the_bootstrap_is_taken() -> None:
    frame = log(reward=[-3.0, 5.0])
    assert policy_value(frame).interval == "bootstrap"
    with pytest.raises(InputError, match="not below 0"):
        policy_value(frame, interval="gamma")
    with pytest.raises(InputError, match="Bernstein"):
        policy_value(frame, "snips", interval="bernstein")


def test_wrong_propensities_are_noticed() -> None:
    right = bandit(np.random.default_rng(6), 5_000)
    assert policy_value(right).warnings == ()
    wrong = right.with_columns(pl.col("propensity") / 2)
    assert policy_value(wrong).warnings == ("mean_weight_not_1",)
    assert policy_value(right.head(20)).warnings == ("few_effective_rows",)
    assert all(len(texts) == 2 for texts in WARNINGS.values())


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"propensity": [0.0, 0.5]}, "above 0 and at most 1"),
        ({"propensity": [1.2, 0.5]}, "1 rows"),
        ({"propensity": [float("nan"), 0.5]}, "'propensity' must be known"),
        ({"propensity": [None, 0.5]}, "1 of 2 rows"),
        ({"target_propensity": [-0.1, 0.5]}, "between 0 and 1"),
        ({"target_propensity": [1.1, 0.5]}, "between 0 and 1"),
        ({"target_propensity": [0.0, 0.0]}, "No overlap"),
        ({"reward": [None, 1]}, "'reward' must be known"),
        ({"customer": [None, "a"]}, "'customer' must be known"),
    ],
)
def test_what_cannot_be_judged_is_refused(columns: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        policy_value(log(**columns), unit="customer" if "customer" in columns else None)


def test_wrong_names_and_missing_columns_are_told() -> None:
    with pytest.raises(InputError, match="snips"):
        policy_value(log(), "snip")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Add predicted, expected"):
        policy_value(log(), "dr")
    with pytest.raises(InputError, match="empty"):
        policy_value(log().clear())
    with pytest.raises(InputError, match="above 0"):
        policy_value(log(), clip=0)


def test_no_row_is_predicted_from_its_own_reward() -> None:
    random = np.random.default_rng(7)
    frame = bandit(random, 50).with_columns(place=pl.Series(random.integers(2, size=50)))
    target = pl.DataFrame(
        {"place": [0] * 5 + [1] * 5, "action": [*range(5)] * 2, "target_propensity": [*JUDGED, *LIVE]}
    )
    found = cross_fitted(frame, target, context=["place"], seed=1)
    flipped = frame.with_columns(
        reward=pl.when(pl.int_range(pl.len()) == 3).then(1 - pl.col("reward")).otherwise("reward")
    )
    again = cross_fitted(flipped, target, context=["place"], seed=1)
    assert found["predicted"][3] == pytest.approx(again["predicted"][3])
    assert found["expected"][3] == pytest.approx(again["expected"][3])
    assert found["action"].to_list() == frame["action"].to_list()
    assert not np.allclose(found["predicted"].to_numpy(), again["predicted"].to_numpy())


def test_the_model_is_the_mean_of_the_other_folds_drawn_toward_all() -> None:
    """Two folds of one row each: each row is told by the other, 1 row among 1 of pretended ones."""
    frame = pl.DataFrame({"action": ["a", "b"], "reward": [1, 0]})
    target = pl.DataFrame({"action": ["a", "b"], "target_propensity": [0.25, 0.75]})
    found = cross_fitted(frame, target, pseudo_rows=1.0)
    assert found["predicted"].to_list() == [0.0, 1.0]
    assert found["expected"].to_list() == [0.0, 1.0]


def test_a_policy_without_all_its_chances_is_refused() -> None:
    frame = bandit(np.random.default_rng(8), 10).with_columns(place=pl.lit(1))
    half = pl.DataFrame({"place": [1], "action": [0], "target_propensity": [0.5]})
    with pytest.raises(InputError, match="1 contexts that do not add up"):
        cross_fitted(frame, half, context=["place"])
    elsewhere = half.with_columns(place=pl.lit(2), target_propensity=1.0)
    with pytest.raises(InputError, match="10 rows without"):
        cross_fitted(frame, elsewhere, context=["place"])
