"""Ranks of the targets, and what follows from them.

A target has the rank at which it was recommended, 0 where it was not among the first DEPTH. With one target
a customer Recall@k is the share of ranks 1 … k, NDCG@k the mean of 1 / log2(rank + 1), MRR@k of 1 / rank.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from benchmarks.quality.sequential.task import Exam
from numpy.typing import NDArray
from scipy import stats

from foresell.evaluation.intervals import bootstrap_mean
from foresell.predict.recommend.fitted import FittedRecommender

DEPTH = 20
SEED = 0
Ranks = NDArray[np.int64]
Values = NDArray[np.float64]
# Customers asked at once, so that the recommendations are never whole in memory.
CUSTOMERS_AT_ONCE = 50_000


def target_ranks(
    fitted: FittedRecommender, exam: Exam, *, masks_history: bool, among: pl.Series | None = None
) -> Ranks:
    """One a target, customers ascending. Every product competes, or those of `among`, in which no rank is too
    deep; equal scores go by product id."""
    targets = exam.targets.sort("customer_id")
    parts = [
        _ranks(fitted, exam.histories, targets.slice(start, CUSTOMERS_AT_ONCE), masks_history, among)
        for start in range(0, targets.height, CUSTOMERS_AT_ONCE)
    ]
    return np.concatenate(parts)


def _ranks(
    fitted: FittedRecommender,
    histories: pl.DataFrame,
    targets: pl.DataFrame,
    masks_history: bool,
    among: pl.Series | None,
) -> Ranks:
    mine = histories.join(targets.select("customer_id"), on="customer_id", how="semi")
    exclude = mine.select("customer_id", "product_id").unique() if masks_history else None
    if among is not None:
        known = fitted.catalog.product_ids
        barred = known.filter(~known.is_in(among.implode())).rename("product_id")
        exclude = pl.select(customer_id=pl.lit(None, pl.String), product_id=barred)
    recommended = fitted.recommend(
        mine,
        DEPTH if among is None else len(among),
        exclude=exclude,
        customers=targets["customer_id"],
        with_reasons=False,
    )
    found = targets.join(
        recommended.select("customer_id", "product_id", "rank"),
        on=["customer_id", "product_id"],
        how="left",
        maintain_order="left",
    )
    return found["rank"].fill_null(0).cast(pl.Int64).to_numpy()


def per_customer(score: str, ranks: Ranks) -> Values:
    """`score`: recall, ndcg or mrr, @, k."""
    name, k = score.split("@")
    is_hit = (ranks > 0) & (ranks <= int(k))
    safe = np.where(is_hit, ranks, 1)
    gains = {"recall": np.ones(len(ranks)), "ndcg": 1 / np.log2(safe + 1), "mrr": 1 / safe}
    return np.where(is_hit, gains[name], 0.0)


def means(scores: Sequence[str], ranks: Ranks) -> dict[str, float]:
    return {score: float(per_customer(score, ranks).mean()) for score in scores}


def summary(score: str, ranks_of_seeds: Sequence[Ranks]) -> dict[str, object]:
    """The mean over seeds; 95% intervals over users (bootstrap of each user's mean over seeds) and over seeds
    (Student's t; None with fewer than two)."""
    values = np.stack([per_customer(score, ranks) for ranks in ranks_of_seeds])
    over_users = bootstrap_mean(values.mean(axis=0), seed=SEED)
    of_seeds = values.mean(axis=1)
    return {
        "mean": over_users.value,
        "over_users": [over_users.lower, over_users.upper],
        "over_seeds": _t_interval(of_seeds),
        "each_seed": of_seeds.tolist(),
    }


def _t_interval(values: Values) -> list[float] | None:
    if len(values) < 2:
        return None
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return [float(values.mean()) - half, float(values.mean()) + half]
