"""How many customers a second a fitted task scores, and how long one takes: model, calibration and threshold,
from a frame of features to a frame of scores. Finding the features is measured elsewhere (`speed/features`).

    taskset -c 0 python -m benchmarks.speed.score --out FILE.json

One thread, made-up features. Beside the wall's times stand the processor's, which other work on the machine
does not lengthen; the goals are those of the processor. Exit code 1: a goal is missed.
"""

import argparse
import gc
import json
import os
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
from benchmarks.quality.sequential.ledger import commit, machine  # noqa: E402

from foresell.evaluation.money import Costs  # noqa: E402
from foresell.features.feature import Feature  # noqa: E402
from foresell.predict.customers.examples import Examples  # noqa: E402
from foresell.predict.customers.fitted import FittedTask, fit_task  # noqa: E402

LEAST_A_SECOND, MOST_MS = 50_000, 5.0
NUM_NUMBERS, NUM_CATEGORIES, NUM_VALUES = 120, 4, 20
LEARNED_FROM = 40_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["trees", "logistic"])
    parser.add_argument("--customers", type=int, default=500_000)
    parser.add_argument("--alone", type=int, default=3_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    train, validation = made_up(LEARNED_FROM, 0), made_up(LEARNED_FROM // 4, 1)
    asked = made_up(given.customers, 2).features
    record: dict[str, Any] = {"machine": machine(), "commit": commit(), "models": {}}
    for name in given.models:
        fitted = fit_task(name, train, validation, "happens", costs=Costs(1.0, 5.0)).fitted
        record["models"][name] = measured(fitted, asked, given.alone, given.repeats)
        print(name, json.dumps(record["models"][name]), flush=True)
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    trees = record["models"].get("trees")
    is_met = trees is None or (
        trees["a_processor_second"] >= LEAST_A_SECOND and trees["alone_processor_p99_ms"] < MOST_MS
    )
    sys.exit(not is_met)


def measured(fitted: FittedTask, asked: pl.DataFrame, alone: int, repeats: int) -> dict[str, Any]:
    """The best repeat of the bulk; every single call."""
    bulk = []
    for _ in range(repeats):
        started, used = perf_counter(), process_time()
        fitted.scored(asked)
        bulk.append((perf_counter() - started, process_time() - used))
    rows = [asked[[row % asked.height]] for row in range(alone)]
    for row in rows[:50]:
        fitted.scored(row)
    gc.collect()
    walls, uses = np.empty(alone), np.empty(alone)
    for place, row in enumerate(rows):
        started, used = perf_counter(), process_time()
        fitted.scored(row)
        walls[place], uses[place] = perf_counter() - started, process_time() - used
    return {
        "customers": asked.height,
        "a_second": asked.height / min(wall for wall, _ in bulk),
        "a_processor_second": asked.height / min(use for _, use in bulk),
        "alone_p50_ms": 1e3 * float(np.median(walls)),
        "alone_p99_ms": 1e3 * float(np.quantile(walls, 0.99)),
        "alone_processor_p99_ms": 1e3 * float(np.quantile(uses, 0.99)),
        "trees": sum(booster.num_trees() for booster in getattr(fitted.model, "boosters", ())),
    }


def made_up(number: int, seed: int) -> Examples:
    """Counts, amounts, shares and categories, a tenth unknown; ten of them matter."""
    random = np.random.default_rng(seed)
    values = random.gamma(1.0, 3.0, (number, NUM_NUMBERS))
    odds = -1 + np.tanh(values[:, :10] - 3) @ np.linspace(0.2, 1.0, 10)
    values[random.random(values.shape) < 0.1] = np.nan
    columns: dict[str, Any] = {
        f"number_{place}": pl.Series(values[:, place]).fill_nan(None) for place in range(NUM_NUMBERS)
    }
    names = np.array([f"value {place}" for place in range(NUM_VALUES)])
    for place in range(NUM_CATEGORIES):
        columns[f"category_{place}"] = names[random.integers(NUM_VALUES, size=number)]
    features = pl.DataFrame(columns)
    described = tuple(
        Feature(name, name, name, "as made up", "category" if dtype == pl.String else "number")
        for name, dtype in features.schema.items()
    )
    keys = pl.DataFrame({"entity_id": np.arange(number).astype(str)}).with_columns(
        cutoff_at=pl.lit("2026-01-01").str.to_datetime("%F", time_zone="UTC")
    )
    labels = (random.random(number) < 1 / (1 + np.exp(-odds))).astype(float)
    return Examples(keys, features, labels, described)


if __name__ == "__main__":
    main()
