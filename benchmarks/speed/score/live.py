"""How long one customer takes from facts to score, as the API answers: features of now, model, threshold.

    foresell simulate --customers 20000 --days 180 --store big && foresell fit churn --store big
    taskset -c 0 python -m benchmarks.speed.score.live --store big --out FILE.json

Customers are drawn without repeats, one asked after the other, nothing kept between them but the facts. Of
some the batch is asked too (`foresell predict`): the scores must be equal. Exit code 1: p99 is above the goal
by the wall's clock, or a score differs.
"""

import argparse
import gc
import json
import resource
import sys
from datetime import datetime
from math import isclose
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from benchmarks.quality.sequential.ledger import commit, machine

from foresell.services.customers.predict import predict_customers
from foresell.services.live.customers import LiveScores
from foresell.services.shop import Shop, open_shop

MOST_MS = 15.0
NUM_WARMING, NUM_COMPARED = 50, 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--task", default="churn")
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    shop = open_shop(given.store)
    record = {
        "machine": machine(),
        "commit": commit(),
        "task": given.task,
        **measured(shop, given.task, given.customers, given.seed),
    }
    print(json.dumps(record, indent=1))
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.exit(not record["is_met"])


def measured(shop: Shop, task: str, number: int, seed: int) -> dict[str, Any]:
    known = known_customers(shop)
    asked = np.random.default_rng(seed).permutation(known)[:number].tolist()
    live = LiveScores()
    started = perf_counter()
    first = live.predict(shop, asked[0], task)
    loading = perf_counter() - started
    for customer in asked[:NUM_WARMING]:
        live.predict(shop, customer, task)
    gc.collect()
    walls, uses = np.empty(len(asked)), np.empty(len(asked))
    scores: dict[str, object] = {}
    for place, customer in enumerate(asked):
        started, used = perf_counter(), process_time()
        scores[customer] = live.predict(shop, customer, task)["score"]
        walls[place], uses[place] = perf_counter() - started, process_time() - used
    differing = differing_scores(shop, task, str(first["cutoff_at"]), asked[:NUM_COMPARED], scores)
    p99 = 1e3 * float(np.quantile(walls, 0.99))
    return {
        "customers_of_the_shop": len(known),
        "asked": len(asked),
        "model": first["model"],
        "seconds_to_load": loading,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **{f"p{percent}_ms": 1e3 * float(np.quantile(walls, percent / 100)) for percent in (50, 90)},
        "p99_ms": p99,
        "processor_p99_ms": 1e3 * float(np.quantile(uses, 0.99)),
        "differing_scores": differing,
        "is_met": p99 < MOST_MS and not differing,
    }


def known_customers(shop: Shop) -> list[str]:
    """Those of whom there is an order, ascending."""
    with shop.reading_matched() as tables:
        rows = tables.current("orders").select("customer_id").distinct().to_pyarrow()
    return sorted(one for one in rows["customer_id"].to_pylist() if one is not None)


def differing_scores(shop: Shop, task: str, cutoff: str, customers: list[str], scores: dict[str, Any]) -> int:
    """How many customers the batch scores otherwise at the same cutoff."""
    rows = predict_customers(shop, task, as_of=datetime.fromisoformat(cutoff), customers=customers).rows
    batch = dict(rows.select("customer_id", "score").iter_rows())
    return sum(not isclose(batch[customer], scores[customer], abs_tol=1e-9) for customer in customers)


if __name__ == "__main__":
    main()
