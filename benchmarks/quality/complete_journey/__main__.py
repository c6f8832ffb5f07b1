"""The recommenders of a shop on The Complete Journey, on the windows of the shop's own backtest.

python -m benchmarks.quality.complete_journey --store demo-store --out complete_journey.json

`--store` is one that `foresell demo` made. Everything is chosen on the validation window; `--splits test`
reports the other one. `--ablations` trains the behavior model again without each of its parts.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.complete_journey.trials import (
    ABLATIONS,
    COLD_KS,
    K,
    Tried,
    Window,
    never_taken,
    tried,
)

from foresell.evaluation.intervals import Interval, bootstrap_mean
from foresell.evaluation.paired import paired_difference
from foresell.evaluation.splits import split_at_end
from foresell.features.asof import after, asof
from foresell.predict.recommend import COMPETING
from foresell.predict.recommend.backtest import WINDOW, config_of
from foresell.predict.recommend.interactions import described_products, interactions
from foresell.services.shop import Shop, open_shop

OURS = "behavior"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--splits", nargs="+", default=["validation", "test"])
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--ablations", action="store_true")
    given = parser.parse_args()
    shop = open_shop(given.store)
    behavior = shop.settings.behavior.model_copy(update={"preset": given.preset})
    settings = shop.settings.model_copy(update={"behavior": behavior})
    record: dict[str, Any] = {"k": K, "config": asdict(config_of(OURS, settings)), "splits": {}}
    for split, window in _windows(shop, given.splits):
        rows = []
        for name in [*COMPETING, *(ABLATIONS if given.ablations else ())]:
            config = config_of(name.split(",")[0], settings)
            for row in tried(window, name, replace(config, **ABLATIONS.get(name, {}))):
                rows.append(row)
                print(
                    f"{split:10}  {row.name:32}  ndcg@{K} {_mean(row.scores.per_customer, 'ndcg').value:.4f}"
                )
        record["splits"][split] = _record(window, rows)
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _windows(shop: Shop, splits: list[str]) -> Iterator[tuple[str, Window]]:
    with shop.reading_matched() as tables:
        times = interactions(tables)["occurred_at"]
        first, last = times.sort()[[0, -1]]
        for fold in split_at_end(first.astimezone(UTC), last.astimezone(UTC), WINDOW).folds():
            if fold.split in splits:
                known = asof(tables, shop.settings, fold.cutoff)
                past, products = interactions(known), described_products(known)
                if products is None:
                    raise SystemExit(f"{shop.folder.root} has no catalog: was it made by foresell demo?")
                later = interactions(after(tables, shop.settings, fold.cutoff, fold.until - fold.cutoff))
                taken = later.join(past.select("customer_id").unique(), on="customer_id", how="semi")
                yield fold.split, Window(past, taken, products)


def _mean(per_customer: pl.DataFrame, score: str) -> Interval:
    return bootstrap_mean(per_customer[score].fill_null(float("nan")), seed=0)


def _record(window: Window, rows: list[Tried]) -> dict[str, Any]:
    ours = next(row for row in rows if row.name == OURS)
    num_cold = len(never_taken(window))
    return {
        "customers": ours.scores.per_customer.height,
        "products_never_taken": num_cold,
        "chance_of_cold_recall": {str(k): k / num_cold for k in COLD_KS},
        "models": {row.name: _row(row, ours) for row in rows},
    }


def _row(row: Tried, ours: Tried) -> dict[str, Any]:
    names = ("ndcg", "recall", "mrr", "novelty")
    found: dict[str, Any] = {name: asdict(_mean(row.scores.per_customer, name)) for name in names}
    found |= {"coverage": row.scores.coverage, "fit_seconds": row.fit_seconds}
    found["new_only"] = {name: asdict(_mean(row.new_scores.per_customer, name)) for name in names[:2]}
    if row.name != OURS:
        found["behavior_less_this"] = _difference(row.scores.per_customer, ours.scores.per_customer)
        found["new_only"]["behavior_less_this"] = _difference(
            row.new_scores.per_customer, ours.new_scores.per_customer
        )
    if row.cold is not None:
        found["cold_recall"] = {str(k): asdict(_mean(scores, "recall")) for k, scores in row.cold.items()}
        found["cold_customers"] = row.cold[COLD_KS[0]].height
    return found


def _difference(theirs: pl.DataFrame, ours: pl.DataFrame) -> dict[str, float]:
    """Of NDCG, over the same customers; both frames are sorted by them."""
    return asdict(paired_difference(theirs["ndcg"], ours["ndcg"]).difference)


if __name__ == "__main__":
    main()
