"""Products without a history: held out whole, then ranked by what is told of them alone.

A share of the products, drawn by a seed, is taken out of every history. The test asks those users whose last
item is one of them, for whom something is left to know them by: its rank among all products, and among the
held-out ones alone, where chance is known: k of N for Recall@k, the mean of 1 / rank for MRR.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from benchmarks.quality.sequential.scoring import Ranks, summary
from benchmarks.quality.sequential.task import BadFileError, Exam, Task

DRAW = 5
DEPTHS = (10, 50, 100)


def without_cold(task: Task, share: float, seed: int) -> Task:
    """The task as if nobody had taken `share` of its products. Raises BadFileError where nobody is left."""
    ids = pl.concat([task.learned, task.later, task.test.targets])["product_id"].unique().sort()
    number = round(len(ids) * share)
    drawn = np.random.default_rng([DRAW, seed]).permutation(len(ids))[:number]
    cold = ids.gather(np.sort(drawn)).rename("product_id")
    is_cold = pl.col("product_id").is_in(cold.implode())
    histories = task.test.histories.filter(~is_cold)
    asked = task.test.targets.filter(is_cold)
    asked = asked.join(histories, on="customer_id", how="semi", maintain_order="left")
    learned = task.learned.filter(~is_cold)
    if asked.is_empty() or learned.is_empty():
        raise BadFileError(f"With {share:.0%} of the products held out nobody is left to be judged")
    later = task.later.filter(~is_cold)
    validation = Exam(task.validation.histories.filter(~is_cold), later)
    return replace(
        task,
        learned=learned,
        later=later,
        validation=validation,
        test=Exam(histories, asked),
        cold=cold,
        facts={**task.facts, "cold_products": number, "judged_users": asked.height},
    )


def popularity_of_labels(task: Task) -> Ranks:
    """What is known without a model and without the user: the cold products ranked by how often a product of
    the same labels was taken (mean over a product's labels; ties by product id); ranks as `target_ranks`."""
    assert task.cold is not None
    cold = pl.DataFrame({"product_id": task.cold})
    labels = pl.DataFrame(schema={"product_id": pl.String, "labels": pl.String})
    if task.products is not None:
        labels = (
            task.products.select("product_id", "labels").explode("labels", empty_as_null=True).drop_nulls()
        )
    counts = task.learned.group_by("product_id").agg(taken=pl.len())
    known = labels.join(cold, on="product_id", how="anti").join(counts, on="product_id", how="left")
    popular = known.group_by("labels").agg(pl.col("taken").fill_null(0).mean())
    scores = labels.join(popular, on="labels", how="left").group_by("product_id").agg(pl.col("taken").mean())
    ranked = cold.join(scores, on="product_id", how="left").sort(
        pl.col("taken").fill_null(0.0), "product_id", descending=[True, False]
    )
    places = ranked.with_row_index("rank", offset=1).select("product_id", pl.col("rank").cast(pl.Int64))
    targets = task.test.targets.sort("customer_id")
    return targets.join(places, on="product_id", how="left", maintain_order="left")["rank"].to_numpy()


def cold_summary(ranks_of_seeds: Sequence[Ranks], baseline: Ranks, number: int) -> dict[str, Any]:
    """Of ranks among `number` cold products: each score with its intervals, that of chance, and that of the
    popularity of labels."""
    scores = [*(f"recall@{k}" for k in DEPTHS if k < number), f"mrr@{number}"]
    chance = {f"recall@{k}": k / number for k in DEPTHS}
    chance[f"mrr@{number}"] = float(np.mean(1 / np.arange(1, number + 1)))
    return {
        score: {
            **summary(score, ranks_of_seeds),
            "chance": chance[score],
            "popularity_of_labels": summary(score, [baseline])["mean"],
        }
        for score in scores
    }


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """Lines of Markdown: a row a model."""
    scores = list(next(iter(results.values())))
    lines = [f"| among the cold | {' | '.join(scores)} |", "|---" * (len(scores) + 1) + "|"]
    first = next(iter(results.values()))
    for name in ("chance", "popularity_of_labels"):
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(f'{first[s][name]:.4f}' for s in scores)} |")
    for model, found in results.items():
        cells = [
            f"{found[s]['mean']:.4f} ({found[s]['over_users'][0]:.4f}–{found[s]['over_users'][1]:.4f})"
            for s in scores
        ]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return lines
