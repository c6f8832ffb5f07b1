"""Scores of recommendations against what was really taken, in hits and money: full ranking, all candidates.

A customer is judged when the window holds at least one relevant product; a product counts once, however
often it was bought. Repeats: with `exclude`, what the customer had taken before the cutoff is neither
recommended nor relevant; with `include` it is both. Ranks decide alone, so ties are the model's to break.
"""

from dataclasses import dataclass

import polars as pl

from foresell.evaluation.intervals import Interval
from foresell.evaluation.weighted_intervals import gamma_interval

# 0 is plain recall; 1 weighs a hit by how few took the product.
DEBIAS = 0.5
MONEY = ("revenue", "margin")


@dataclass(frozen=True, slots=True)
class RankingScores:
    """`per_customer`: customer_id, recall, ndcg, mrr, novelty, stratified_recall at k, and revenue and margin
    where `relevant` has them; novelty is null where nothing was recommended. `coverage`: the share of the
    catalog that was recommended to anybody."""

    k: int
    per_customer: pl.DataFrame
    coverage: float


@dataclass(frozen=True, slots=True)
class ReturnRates:
    """Pieces sent back of pieces bought, with 95% intervals over customers: of what had been recommended, and
    of all else that the same customers bought. NaN where nothing was bought."""

    recommended: Interval
    others: Interval


def relevant_products(window: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """The distinct (customer_id, product_id) of a window's interactions, less `known` pairs (repeats).

    Columns revenue and margin, where `window` has them, are added up by pair; null counts 0.
    """
    money = [pl.col(name).cast(pl.Float64).sum() for name in MONEY if name in window.columns]
    taken = window.group_by("customer_id", "product_id").agg(money)
    if known is not None:
        pairs = known.select("customer_id", "product_id").unique()
        taken = taken.join(pairs, on=["customer_id", "product_id"], how="anti")
    return taken.sort("customer_id", "product_id")


def ranking_scores(
    recommended: pl.DataFrame,
    relevant: pl.DataFrame,
    k: int,
    past: pl.DataFrame,
    *,
    debias: float = DEBIAS,
) -> RankingScores:
    """Scores at k of `recommended` (customer_id, product_id, rank from 1).

    `relevant`: distinct (customer_id, product_id), with what the customer spent on it in the window after
    discounts (revenue, margin; optional, null counts 0); its customers are the ones judged, and one who was
    recommended nothing scores 0. `past`: the interactions trained on; its products are the catalog.

        recall@k = hits / relevant
        ndcg@k   = Σ over hits of 1 / log2(rank + 1), over the same sum for min(k, relevant) hits in front
        mrr@k    = 1 / rank of the first hit, 0 without one
        novelty@k = mean over the recommended of −log2(share of past customers who took the product);
                    a product that nobody took counts as taken by one (Zhou et al., PNAS 2010)
        stratified_recall@k = recall with a product counting (share of past customers who took it) ** −debias,
                    so that the popular is not favored (Steck, RecSys 2011; Yang et al., RecSys 2018)
        revenue@k, margin@k = Σ over hits, in the shop's currency: what the list named, not what it caused
        coverage@k = distinct products of `past` recommended to the judged / products of `past`
    """
    judged = relevant.group_by("customer_id").agg(num_relevant=pl.len())
    top = recommended.filter(pl.col("rank") <= k).join(
        judged.select("customer_id"), on="customer_id", how="semi"
    )
    money = [name for name in MONEY if name in relevant.columns]
    weighted = _with_bits(relevant, past).with_columns(weight=2 ** (debias * pl.col("bits")))
    hits = top.join(
        weighted.select("customer_id", "product_id", "weight", *money), on=["customer_id", "product_id"]
    )
    by_hits = hits.group_by("customer_id").agg(
        pl.col("weight", *money).sum(),
        num_hits=pl.len(),
        gain=_discount(pl.col("rank")).sum(),
        first=pl.col("rank").min(),
    )
    by_novelty = _with_bits(top, past).group_by("customer_id").agg(novelty=pl.col("bits").mean())
    by_weight = weighted.group_by("customer_id").agg(all_weight=pl.col("weight").sum())
    ideal = pl.DataFrame({"num_ideal": range(1, k + 1)}, schema={"num_ideal": pl.UInt32}).with_columns(
        ideal=_discount(pl.col("num_ideal")).cum_sum()
    )
    per_customer = (
        judged.with_columns(num_ideal=pl.col("num_relevant").clip(upper_bound=k).cast(pl.UInt32))
        .join(ideal, on="num_ideal")
        .join(by_hits, on="customer_id", how="left")
        .join(by_novelty, on="customer_id", how="left")
        .join(by_weight, on="customer_id")
        .select(
            "customer_id",
            recall=(pl.col("num_hits") / pl.col("num_relevant")).fill_null(0.0),
            ndcg=(pl.col("gain") / pl.col("ideal")).fill_null(0.0),
            mrr=(1 / pl.col("first")).fill_null(0.0),
            novelty="novelty",
            stratified_recall=(pl.col("weight") / pl.col("all_weight")).fill_null(0.0),
            **{name: pl.col(name).cast(pl.Float64).fill_null(0.0) for name in money},
        )
        .sort("customer_id")
    )
    catalog = past.select("product_id").unique()
    num_shown = catalog.join(top, on="product_id", how="semi").height
    return RankingScores(k, per_customer, num_shown / max(catalog.height, 1))


def _discount(rank: pl.Expr) -> pl.Expr:
    return 1 / (rank.cast(pl.Float64) + 1).log(2)


def _with_bits(pairs: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """`pairs` with the self-information of each product; one that nobody took counts as taken by one."""
    num_customers = float(max(past["customer_id"].n_unique(), 1))
    takers = past.group_by("product_id").agg(takers=pl.col("customer_id").n_unique())
    bits = -(pl.col("takers").fill_null(1) / num_customers).log(2)
    return pairs.join(takers, on="product_id", how="left").with_columns(bits=bits).drop("takers")


def return_rates(recommended: pl.DataFrame, bought: pl.DataFrame, k: int) -> ReturnRates:
    """Whether what was recommended, and then bought, pleased: how much of it was sent back.

    `recommended`: customer_id, product_id, rank; `bought`: customer_id, product_id, quantity and
    refunded_quantity (null: none), a row for each purchase after the recommendation that had time to come
    back. More pieces refunded than bought count as all. Customers who were recommended nothing are left out.
    Intervals: gamma, since returns are few (`weighted_intervals`). A proxy: not all displeasure comes back.
    """
    top = recommended.filter(pl.col("rank") <= k).select("customer_id", "product_id").unique()
    customers = top.select("customer_id").unique()
    quantity = pl.col("quantity").cast(pl.Float64)
    refunded = pl.min_horizontal(pl.col("refunded_quantity").cast(pl.Float64).fill_null(0.0), quantity)
    sold = bought.select("customer_id", "product_id", quantity, refunded_quantity=refunded)
    sold = sold.join(customers, on="customer_id", how="semi")
    keys = ["customer_id", "product_id"]
    return ReturnRates(
        _return_rate(sold.join(top, on=keys, how="semi")), _return_rate(sold.join(top, on=keys, how="anti"))
    )


def _return_rate(sold: pl.DataFrame) -> Interval:
    sums = sold.group_by("customer_id").agg(pl.col("quantity", "refunded_quantity").sum()).sort("customer_id")
    found = gamma_interval(sums["refunded_quantity"], sums["quantity"], one_more=1.0)
    return Interval(found.value, found.lower, min(found.upper, 1.0))
