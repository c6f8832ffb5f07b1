"""What the random policy's log says of the other policy, against what that policy's own log says."""

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from benchmarks.quality.open_bandit.thompson_ranks import rank_chances
from benchmarks.quality.open_bandit.wheel import OpenBandit
from numpy.typing import NDArray

from foresell.evaluation.off_policy import Estimator, IntervalMethod, policy_value
from foresell.evaluation.reward_model import cross_fitted

Floats = NDArray[np.float64]
ESTIMATORS: tuple[Estimator, ...] = ("ips", "snips", "dr")
METHODS: dict[Estimator, tuple[IntervalMethod, ...]] = {
    "ips": ("gamma", "bootstrap", "normal", "bernstein"),
    "snips": ("gamma", "bootstrap", "normal"),
    "dr": ("gamma", "bootstrap", "normal"),
}


def compared(data: OpenBandit) -> dict[str, Any]:
    """The on-policy value, each estimate with each interval and whether it holds that value, and how far the
    policy had moved from its priors by learning while its own log was written."""
    chances = rank_chances(data.alpha, data.beta, int(data.random["position"].max()))
    own = policy_value(data.bts.with_columns(target_propensity=pl.col("propensity")), "ips")
    logged = with_target(data.random, chances)
    logged = cross_fitted(logged, target_frame(chances), context=["position"])
    found = {name: _estimate(logged, name, own.value.value) for name in ESTIMATORS}
    priors = with_target(data.bts, chances)
    factor = (priors["target_propensity"] / priors["propensity"]).log().abs().median()
    return {
        "rows": {"random": data.random.height, "bts": data.bts.height},
        "clicks": {"random": int(data.random["reward"].sum()), "bts": int(data.bts["reward"].sum())},
        "random_value": asdict(policy_value(_on_policy(data.random), "ips").value),
        "on_policy": asdict(own.value),
        "estimates": found,
        "of_the_priors_from_bts_log": asdict(policy_value(priors, "snips").value),
        "median_factor_between_logged_and_prior_propensity": float(np.exp(factor)),
        "holds": {name: found[name]["intervals"]["gamma"]["holds"] for name in ESTIMATORS},
    }


def _on_policy(log: pl.DataFrame) -> pl.DataFrame:
    return log.with_columns(target_propensity=pl.col("propensity"))


def with_target(log: pl.DataFrame, chances: Floats) -> pl.DataFrame:
    """`chances`: by action and place."""
    target = chances[log["action"].to_numpy(), log["position"].to_numpy() - 1]
    return log.with_columns(target_propensity=pl.Series(target))


def target_frame(chances: Floats) -> pl.DataFrame:
    number, places = chances.shape
    return pl.DataFrame(
        {
            "position": np.tile(np.arange(1, places + 1), number),
            "action": np.repeat(np.arange(number), places),
            "target_propensity": chances.ravel(),
        }
    )


def _estimate(logged: pl.DataFrame, estimator: Estimator, truth: float) -> dict[str, Any]:
    by_method = {name: policy_value(logged, estimator, interval=name) for name in METHODS[estimator]}
    record = asdict(by_method["gamma"])
    record["intervals"] = {
        name: {
            "lower": found.value.lower,
            "upper": found.value.upper,
            "width": found.value.upper - found.value.lower,
            "holds": bool(found.value.lower <= truth <= found.value.upper),
        }
        for name, found in by_method.items()
    }
    record["value"] = record["value"]["value"]
    return record


def coverage(data: OpenBandit, repeats: int, scale: float, seed: int) -> dict[str, Any]:
    """How often each interval holds the truth, and its mean width over it, on made-up logs of the random
    policy: as many rows, the same weights, click rates those of the priors times `scale`."""
    random = np.random.default_rng(seed)
    places = int(data.random["position"].max())
    chances = rank_chances(data.alpha, data.beta, places)
    rates = np.minimum(scale * data.alpha / (data.alpha + data.beta), 1.0)
    truth = float((chances * rates[:, None]).sum(axis=0).mean())
    target = target_frame(chances)
    tally: dict[str, list[tuple[bool, bool, float]]] = {}
    for _ in range(repeats):
        logged = _made_up(random, data.random.height, chances, rates)
        logged = cross_fitted(logged, target, context=["position"])
        for estimator, methods in METHODS.items():
            for method in methods:
                found = policy_value(logged, estimator, interval=method).value
                width = (found.upper - found.lower) / truth
                tally.setdefault(f"{estimator} {method}", []).append(
                    (found.lower <= truth <= found.upper, truth > found.upper, width)
                )
    shares = {name: np.array(rows, dtype=float).mean(axis=0) for name, rows in tally.items()}
    return {
        "clicks": float(rates.mean() * data.random.height),
        "repeats": repeats,
        "intervals": {
            name: {"holds": share[0], "ends_too_low": share[1], "width": share[2]}
            for name, share in shares.items()
        },
    }


def _made_up(random: np.random.Generator, rows: int, chances: Floats, rates: Floats) -> pl.DataFrame:
    number, places = chances.shape
    action, position = random.integers(number, size=rows), random.integers(places, size=rows) + 1
    clicks = (random.random(rows) < rates[action]).astype(np.int64)
    log = pl.DataFrame(
        {"action": action, "position": position, "reward": clicks, "propensity": np.full(rows, 1 / number)}
    )
    return with_target(log, chances)
