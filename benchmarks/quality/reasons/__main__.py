"""Are reasons faithful? Removing the product that a reason names should lower the score more than removing
another product of the same history.

python -m benchmarks.quality.reasons --store demo-store --models item_knn behavior --out reasons.json

`--store` is one that `foresell demo` made. Each model is fitted as the shop would fit it, on everything;
without `--models` the store's production model is asked. Tests are paired and one-sided.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.reasons.faithful import falls
from benchmarks.quality.sequential.ledger import machine

from foresell.predict.recommend import load_model
from foresell.predict.recommend.backtest import config_of
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.interactions import described_products, interactions
from foresell.services.production import load_recommender
from foresell.services.shop import Shop, open_shop

LEAST_P = 0.01
# The best of everything, and the best of what the customer never took: where the reason is no repeat.
KINDS = ("all", "anew")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("-k", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    shop = open_shop(given.store)
    with shop.reading_matched() as tables:
        past, products = interactions(tables), described_products(tables)
    whom = past["customer_id"].unique().sort().sample(given.customers, seed=given.seed)
    asked = past.filter(pl.col("customer_id").is_in(whom.implode()))
    record: dict[str, Any] = {"machine": machine(), "k": given.k, "customers": given.customers, "models": {}}
    for name, fitted in _fitted(shop, given.models, past, products).items():
        found = {kind: falls(fitted, asked, given.k, given.seed, repeats=kind == "all") for kind in KINDS}
        record["models"][name] = {kind: one.compared() for kind, one in found.items()}
        print(name, json.dumps(record["models"][name], indent=1))
    record["holds"] = {
        name: max(one[test] for one in of.values() for test in ("p_t_test", "p_wilcoxon")) < LEAST_P
        for name, of in record["models"].items()
    }
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(not all(record["holds"].values()))


def _fitted(
    shop: Shop, models: list[str], past: pl.DataFrame, products: pl.DataFrame | None
) -> dict[str, FittedRecommender]:
    if not models:
        fitted, label = load_recommender(shop)
        return {label: fitted}
    return {name: load_model(name).fit(past, config_of(name, shop.settings), products) for name in models}


if __name__ == "__main__":
    main()
