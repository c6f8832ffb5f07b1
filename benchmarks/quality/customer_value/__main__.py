"""What customers spend in the days ahead: the models of value on a shop's store.

foresell demo --store demo-store                                    # The Complete Journey
python -m benchmarks.quality.customer_value --store demo-store --horizon-days 56 --out journey.json

foresell init retail-store --time-zone Europe/London --currency GBP # UCI Online Retail
foresell import ../shared/data/online_retail/online_retail.parquet --preset online_retail --store retail-store
python -m benchmarks.quality.customer_value --store retail-store --horizon-days 90 --out retail.json
"""

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl
from benchmarks.quality.sequential.ledger import commit, machine

from foresell.evaluation.amounts import amount_score
from foresell.evaluation.values import deciles
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value import VALUE_MODELS
from foresell.predict.customers.value.backtest import Cutoffs, backtest, cutoffs_for
from foresell.predict.customers.value.examples import history, value_examples
from foresell.services.shop import open_shop


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--horizon-days", type=float, required=True)
    parser.add_argument("--measure", choices=("spend", "orders"), default="spend")
    parser.add_argument("--models", nargs="+", default=list(VALUE_MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=1_000, help="draws of a bootstrap")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    start = perf_counter()
    cutoffs, parts = read(given.store, given.horizon_days, given.measure)
    record: dict[str, Any] = {
        "machine": machine(),
        "commit": commit(),
        "horizon_days": given.horizon_days,
        "measure": given.measure,
        "cutoffs": {
            "train": [cutoff.isoformat() for cutoff in cutoffs.train],
            "validation": cutoffs.validation.isoformat(),
            "test": cutoffs.test.isoformat(),
        },
        "customers": [len(part) for part in parts],
        "mean_label": float(parts[2].labels.mean()),
        "share_of_zeros": float((parts[2].labels == 0).mean()),
        "examples_seconds": perf_counter() - start,
        **judged(parts, given),
    }
    text = json.dumps(record, indent=1) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text, end="")


def read(
    store: Path, horizon_days: float, measure: Any
) -> tuple[Cutoffs, tuple[Examples, Examples, Examples]]:
    shop = open_shop(store)
    with shop.reading() as tables:
        first, until = history(tables, shop.settings)
        cutoffs = cutoffs_for(first, until, horizon_days)
        splits = (cutoffs.train, (cutoffs.validation,), (cutoffs.test,))
        train, validation, test = (
            value_examples(tables, shop.settings, at, horizon_days, measure) for at in splits
        )
    return cutoffs, (train, validation, test)


def judged(parts: tuple[Examples, Examples, Examples], given: argparse.Namespace) -> dict[str, Any]:
    found = backtest(
        *parts,
        measure=given.measure,
        horizon_days=given.horizon_days,
        models=given.models,
        samples=given.samples,
    )
    return {
        "chosen": found.chosen,
        "baseline": found.baseline,
        "configs": {name: str(config) for name, config in found.configs.items()},
        "scores": {
            split: {
                trial.model: {
                    name: [round(x, 4) for x in (one.value, one.lower, one.upper)]
                    for name, one in trial.scores.items()
                }
                | {
                    "fit_seconds": round(trial.fit_seconds, 2),
                    "predict_seconds": round(trial.predict_seconds, 2),
                }
                for trial in found.trials
                if trial.split == split
            }
            for split in ("validation", "test")
        },
        "differences": found.differences.with_columns(pl.col("value", "lower", "upper").round(4)).to_dicts(),
        "deciles": {
            name: deciles(parts[2].labels, outlook["mean"].to_numpy()).to_dicts()
            for name, outlook in found.outlooks.items()
        },
        "by_seed": by_seed(parts, given, found.configs),
    }


def by_seed(
    parts: tuple[Examples, Examples, Examples], given: argparse.Namespace, configs: Any
) -> dict[str, Any]:
    """gini of the means and mae of the medians on the test, of the models that draw lots, by seed."""
    scores: dict[str, Any] = {}
    drawing = [name for name in given.models if name in ("trees", "corrected")]
    for seed in range(given.seeds if drawing else 0):
        found = backtest(
            *parts,
            measure=given.measure,
            horizon_days=given.horizon_days,
            models=drawing,
            settings={name: {"num_trees": configs[name].num_trees, "seed": seed} for name in drawing},
            samples=1,
        )
        for name, outlook in found.outlooks.items():
            one = scores.setdefault(name, {"gini": [], "mae": []})
            one["gini"].append(round(amount_score("gini", parts[2].labels, outlook["mean"]), 4))
            one["mae"].append(round(amount_score("mae", parts[2].labels, outlook["median"]), 4))
    return scores


if __name__ == "__main__":
    main()
