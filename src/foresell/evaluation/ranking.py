"""Scores of recommendations against what was really taken: full ranking, no sampled negatives.

A customer is judged when the window holds at least one relevant product; a product counts once, however
often it was bought. Repeats: with `exclude`, what the customer had taken before the cutoff is neither
recommended nor relevant; with `include` it is both. Ranks decide alone, so ties are the model's to break.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class RankingScores:
    """`per_customer`: customer_id, recall, ndcg, mrr, novelty at k; novelty is null where nothing was
    recommended. `coverage`: the share of the catalog that was recommended to anybody."""

    k: int
    per_customer: pl.DataFrame
    coverage: float


def relevant_products(window: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """The distinct (customer_id, product_id) of a window's interactions, less `known` pairs (repeats)."""
    taken = window.select("customer_id", "product_id").unique()
    if known is not None:
        pairs = known.select("customer_id", "product_id").unique()
        taken = taken.join(pairs, on=["customer_id", "product_id"], how="anti")
    return taken.sort("customer_id", "product_id")


def ranking_scores(
    recommended: pl.DataFrame, relevant: pl.DataFrame, k: int, past: pl.DataFrame
) -> RankingScores:
    """Scores at k of `recommended` (customer_id, product_id, rank from 1).

    `relevant`: distinct (customer_id, product_id); its customers are the ones judged, and one who was
    recommended nothing scores 0. `past`: the interactions trained on; its products are the catalog.

        recall@k = hits / relevant
        ndcg@k   = Σ over hits of 1 / log2(rank + 1), over the same sum for min(k, relevant) hits in front
        mrr@k    = 1 / rank of the first hit, 0 without one
        novelty@k = mean over the recommended of −log2(share of past customers who took the product);
                    a product that nobody took counts as taken by one (Zhou et al., PNAS 2010)
        coverage@k = distinct products of `past` recommended to the judged / products of `past`
    """
    judged = relevant.group_by("customer_id").agg(num_relevant=pl.len())
    top = recommended.filter(pl.col("rank") <= k).join(
        judged.select("customer_id"), on="customer_id", how="semi"
    )
    hits = top.join(relevant, on=["customer_id", "product_id"], how="semi")
    by_hits = hits.group_by("customer_id").agg(
        num_hits=pl.len(), gain=_discount(pl.col("rank")).sum(), first=pl.col("rank").min()
    )
    novel = top.join(_self_information(past), on="product_id", how="left")
    unseen = float(max(past["customer_id"].n_unique(), 1))
    by_novelty = novel.group_by("customer_id").agg(
        novelty=pl.col("bits").fill_null(pl.lit(unseen).log(2)).mean()
    )
    ideal = pl.DataFrame({"num_ideal": range(1, k + 1)}, schema={"num_ideal": pl.UInt32}).with_columns(
        ideal=_discount(pl.col("num_ideal")).cum_sum()
    )
    per_customer = (
        judged.with_columns(num_ideal=pl.col("num_relevant").clip(upper_bound=k).cast(pl.UInt32))
        .join(ideal, on="num_ideal")
        .join(by_hits, on="customer_id", how="left")
        .join(by_novelty, on="customer_id", how="left")
        .select(
            "customer_id",
            recall=(pl.col("num_hits") / pl.col("num_relevant")).fill_null(0.0),
            ndcg=(pl.col("gain") / pl.col("ideal")).fill_null(0.0),
            mrr=(1 / pl.col("first")).fill_null(0.0),
            novelty="novelty",
        )
        .sort("customer_id")
    )
    catalog = past.select("product_id").unique()
    num_shown = catalog.join(top, on="product_id", how="semi").height
    return RankingScores(k, per_customer, num_shown / max(catalog.height, 1))


def _discount(rank: pl.Expr) -> pl.Expr:
    return 1 / (rank.cast(pl.Float64) + 1).log(2)


def _self_information(past: pl.DataFrame) -> pl.DataFrame:
    num_customers = past["customer_id"].n_unique()
    takers = past.group_by("product_id").agg(takers=pl.col("customer_id").n_unique())
    return takers.select("product_id", bits=-(pl.col("takers") / num_customers).log(2))
