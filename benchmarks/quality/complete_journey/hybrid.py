"""`hybrid` against every single recommender on The Complete Journey, in hits and in money.

python -m benchmarks.quality.complete_journey.hybrid --store demo-store --work FOLDER --out hybrid.json

The windows are those of `benchmarks.quality.complete_journey`. Scores of each row are kept under `--work`,
and what is there is not fitted again; `--rows` fits some rows only. The out file holds all rows there are.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.evaluation.intervals import bootstrap_mean
from foresell.evaluation.ranking import ranking_scores, relevant_products
from foresell.evaluation.splits import split_at_end
from foresell.features.asof import after, asof
from foresell.predict.recommend import load_model
from foresell.predict.recommend.backtest import WINDOW, config_of
from foresell.predict.recommend.interactions import described_products, interactions
from foresell.predict.recommend.pasts import OF_PAIR
from foresell.services.shop import Shop, open_shop

K = 10
SCORES = ("ndcg", "revenue", "recall")
SINGLE = ("popularity", "transition", "item_knn", "session_knn", "content")
OURS = "hybrid"
FOUR = ("item_knn", "transition", "content", "popularity")
# Row → what of the config is set otherwise than `config_of` sets it.
ABLATIONS: dict[str, dict[str, Any]] = {
    "hybrid, with behavior": {"components": (*FOUR, "behavior")},
    "hybrid, without counts": {"left_out": OF_PAIR},
    "hybrid, without content": {"components": ("item_knn", "transition", "popularity")},
    "hybrid, prices paid, money weight 0": {"money_weight": 0.0},
    "hybrid, prices paid, money weight 0.1": {"money_weight": 0.1},
    "hybrid, prices paid, money weight 0.25": {"money_weight": 0.25},
    "hybrid, prices paid, money weight 0.5": {"money_weight": 0.5},
}
ROWS = (*SINGLE, "behavior", OURS, *ABLATIONS)


@dataclass(frozen=True)
class Window:
    """`past`: interactions before the window; `taken`: in it, of customers with a past, with `revenue`;
    `products`: the catalog; `prices`: product_id, price, the mean of what was paid for one before it."""

    past: pl.DataFrame
    taken: pl.DataFrame
    products: pl.DataFrame
    prices: pl.DataFrame


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--splits", nargs="+", default=["validation", "test"])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--preset", default="tiny")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    shop = open_shop(given.store)
    behavior = shop.settings.behavior.model_copy(update={"preset": given.preset})
    settings = shop.settings.model_copy(update={"behavior": behavior})
    for split, window in windows(shop, given.splits):
        for row in given.rows:
            kept = given.work / f"{split}, {row}.parquet"
            if not kept.exists():
                scores = judged(window, row, settings)
                scores.write_parquet(kept)
                print(split, row, scores.select(SCORES).mean().row(0), flush=True)
    record = {split: _record(given.work, split) for split in ("validation", "test")}
    given.out.write_text(json.dumps({"k": K, "splits": record}, indent=1) + "\n", encoding="utf-8")


def windows(shop: Shop, splits: list[str]) -> Iterator[tuple[str, Window]]:
    with shop.reading_matched() as tables:
        times = interactions(tables)["occurred_at"]
        first, last = times.sort()[[0, -1]]
        for fold in split_at_end(first.astimezone(UTC), last.astimezone(UTC), WINDOW).folds():
            if fold.split in splits:
                known = asof(tables, shop.settings, fold.cutoff)
                later = after(tables, shop.settings, fold.cutoff, fold.until - fold.cutoff)
                past, products = interactions(known), described_products(known)
                if products is None:
                    raise SystemExit(f"{shop.folder.root} has no catalog: was it made by foresell demo?")
                taken = interactions(later).join(
                    past.select("customer_id").unique(), on="customer_id", how="semi"
                )
                pair = ["customer_id", "product_id", "occurred_at"]
                spent = _lines(later).group_by(pair).agg(revenue=pl.col("amount").sum())
                paid = (
                    _lines(known)
                    .group_by("product_id")
                    .agg(price=pl.col("amount").sum() / pl.col("quantity").sum())
                )
                yield fold.split, Window(past, taken.join(spent, on=pair, how="left"), products, paid)


def _lines(tables: Tables) -> pl.DataFrame:
    """customer_id, product_id, occurred_at, quantity, amount: what was paid for lines of goods."""
    lines, orders = tables.current("order_lines"), tables.current("orders")
    bought = lines.filter(lines.quantity > 0).select(
        "order_id",
        "product_id",
        quantity=lines.quantity.cast("float64"),
        amount=lines.line_amount.cast("float64"),
    )
    heads = orders.select("order_id", "customer_id", occurred_at="created_at")
    found: pl.DataFrame = bought.join(heads, "order_id").to_polars()
    return found.with_columns(pl.col("occurred_at").cast(pl.Datetime("us", "UTC")))


def judged(window: Window, row: str, settings: Settings) -> pl.DataFrame:
    """customer_id and the scores, seconds of wall and processor time beside them in every row."""
    name, products = row.split(",")[0], window.products
    if "prices paid" in row:
        products = products.drop("price").join(window.prices, on="product_id", how="left")
    config = replace(config_of(name, settings), **ABLATIONS.get(row, {}))
    wall, processor = perf_counter(), process_time()
    fitted = load_model(name).fit(window.past, config, products)
    fitted_at = perf_counter(), process_time()
    relevant = relevant_products(window.taken)
    customers = relevant["customer_id"].unique()
    found = fitted.recommend(window.past, K, customers=customers, with_reasons=False)
    scores = ranking_scores(found, relevant, K, window.past).per_customer
    return scores.with_columns(
        fit_seconds=pl.lit(fitted_at[0] - wall),
        fit_processor_seconds=pl.lit(fitted_at[1] - processor),
        recommend_processor_seconds=pl.lit(process_time() - fitted_at[1]),
    )


def _record(work: Path, split: str) -> dict[str, Any]:
    rows = {row: work / f"{split}, {row}.parquet" for row in ROWS}
    there = {row: pl.read_parquet(path) for row, path in rows.items() if path.exists()}
    ours = there.get(OURS)
    return {row: _row(scores, None if row == OURS else ours) for row, scores in there.items()}


def _row(scores: pl.DataFrame, ours: pl.DataFrame | None) -> dict[str, Any]:
    """Means with bootstrap intervals over customers; both frames are sorted by them."""
    seconds = [name for name in scores.columns if name.endswith("seconds")]
    found: dict[str, Any] = {name: asdict(bootstrap_mean(scores[name], seed=0)) for name in SCORES}
    found |= {name: scores[name][0] for name in seconds} | {"customers": scores.height}
    if ours is not None:
        found["hybrid_less_this"] = {
            name: asdict(bootstrap_mean(ours[name] - scores[name], seed=0)) for name in SCORES
        }
    return found


if __name__ == "__main__":
    main()
