"""Whether the product that a reason names is what moved the model: the score without it, beside the score
without another product of the same history."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import ttest_rel, wilcoxon

from foresell.evaluation.paired import paired_difference
from foresell.predict.recommend.fitted import FittedRecommender

# Of the newest products of a history one other than the named is drawn.
NEWEST = 10
AT_ONCE = 32
LEAST = 1e-12
VARIANTS = ("whole", "without the named", "without another")


@dataclass(frozen=True)
class Falls:
    """`rows`: customer_id, product_id; named, another: how far the logarithm of the score fell."""

    rows: pl.DataFrame

    def compared(self) -> dict[str, float | int]:
        rows = self.rows
        named, another = rows["named"].to_numpy(), rows["another"].to_numpy()
        found = paired_difference(another, named)
        return {
            "number": rows.height,
            "named": found.second,
            "another": found.first,
            "difference": found.difference.value,
            "lower_95": found.difference.lower,
            "upper_95": found.difference.upper,
            "share_named_falls_more": float((named > another).mean()),
            "p_t_test": float(ttest_rel(named, another, alternative="greater").pvalue),
            "p_wilcoxon": float(wilcoxon(named, another, alternative="greater").pvalue),
        }


def falls(fitted: FittedRecommender, histories: pl.DataFrame, k: int, seed: int, *, repeats: bool) -> Falls:
    """Of each customer of `histories` the k best (without those of the history where `repeats` is false),
    with a reason that names a product, and another product in the history."""
    customers = histories["customer_id"].unique().sort()
    parts = [_falls(fitted, part, k, seed, repeats=repeats) for part in _parts(histories, customers)]
    return Falls(pl.concat(parts))


def _parts(histories: pl.DataFrame, customers: pl.Series) -> Iterator[pl.DataFrame]:
    for start in range(0, len(customers), AT_ONCE):
        some = customers[start : start + AT_ONCE]
        yield histories.filter(pl.col("customer_id").is_in(some.implode()))


def _falls(
    fitted: FittedRecommender, histories: pl.DataFrame, k: int, seed: int, *, repeats: bool
) -> pl.DataFrame:
    exclude = None if repeats else histories.select("customer_id", "product_id").unique()
    found = fitted.recommend(histories, k, exclude=exclude).filter(pl.col("because_product_id").is_not_null())
    pairs = found.select("customer_id", "product_id", named="because_product_id")
    pairs = pairs.join(_others(histories, pairs, seed), on=["customer_id", "product_id"])
    removed = {"whole": pl.lit(None, pl.String), VARIANTS[1]: pl.col("named"), VARIANTS[2]: pl.col("another")}
    scores = {}
    for name, product in removed.items():
        scores[name] = _scores(fitted, histories, pairs.with_columns(removed=product))
    whole = scores["whole"]
    return pairs.select("customer_id", "product_id").with_columns(
        named=pl.Series(whole - scores[VARIANTS[1]]), another=pl.Series(whole - scores[VARIANTS[2]])
    )


def _others(histories: pl.DataFrame, pairs: pl.DataFrame, seed: int) -> pl.DataFrame:
    """customer_id, product_id, another: one of the newest products of the history, neither of the two."""
    newest = (
        histories.group_by("customer_id", "product_id")
        .agg(pl.col("occurred_at").max())
        .sort(["customer_id", "occurred_at", "product_id"], descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("customer_id") < NEWEST)
        .select("customer_id", another="product_id")
    )
    others = pairs.join(newest, on="customer_id").filter(
        pl.col("another") != pl.col("named"), pl.col("another") != pl.col("product_id")
    )
    chance = pl.concat_str("customer_id", "product_id", "another", separator="|").hash(seed)
    drawn = others.with_columns(chance=chance).sort("customer_id", "product_id", "chance")
    return drawn.unique(["customer_id", "product_id"], keep="first", maintain_order=True).drop(
        "named", "chance"
    )


def _scores(fitted: FittedRecommender, histories: pl.DataFrame, pairs: pl.DataFrame) -> np.ndarray:
    """(N,) log scores of each pair's product, from the customer's history without `removed`."""
    found = np.zeros(pairs.height)
    places = fitted.catalog.with_positions(pairs)["product"].to_numpy()
    for start in range(0, pairs.height, AT_ONCE):
        some = pairs[start : start + AT_ONCE].with_columns(
            who=pl.int_range(pl.len()).cast(pl.String).str.zfill(6)
        )
        rows = some.select("customer_id", "who", "removed").join(histories, on="customer_id")
        left = rows.filter(pl.col("removed").is_null() | (pl.col("product_id") != pl.col("removed")))
        profiles = fitted.profiles(
            some["who"].rename("customer_id"), left.drop("customer_id").rename({"who": "customer_id"})
        )
        scores = fitted.score(profiles[0 : some.height])
        found[start : start + some.height] = scores[
            np.arange(some.height), places[start : start + some.height]
        ]
    return np.log(np.maximum(found, LEAST))
