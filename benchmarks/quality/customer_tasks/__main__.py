"""Every model of a task at rolling origins, pooled, against LightGBM on counts (of Online Retail: against a
logistic regression on recency, frequency and money).

python -m benchmarks.quality.customer_tasks --store demo-store --work w --out r.json
python -m benchmarks.quality.customer_tasks --store uci-store --tasks orders_in_90_days --work w --out r.json

A behavior model, for `sequence` and `fused`, is trained on what was before the oldest training cutoff
(`--preset`); it takes the place of the store's: give a copy. What was computed is kept in `--work`.
"""

import argparse
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.quality.customer_tasks.judging import Contestant, judged, report
from benchmarks.quality.customer_tasks.origins import cutoffs_of, examples_at, origins, with_vectors
from benchmarks.quality.sequential.ledger import commit, machine

from foresell.predict.customers.declaration import LabelSection, PopulationSection
from foresell.predict.customers.task import Task
from foresell.predict.customers.tasks import TASKS
from foresell.predict.customers.training import completed, history
from foresell.services.behavior import BehaviorRequest, fit_behavior
from foresell.services.shop import Shop, open_shop

ORDERS = Task(
    "orders_in_90_days",
    "will the customer order within 90 days",
    "顾客 90 天内是否会下单",
    "customer",
    90.0,
    LabelSection(kind="order"),
    PopulationSection(min_orders=1),
)
ASKED = {
    "churn": replace(TASKS["churn"], horizon_days=28.0),
    "will_buy_category": replace(TASKS["will_buy_category"], horizon_days=28.0),
    ORDERS.name: ORDERS,
}
# Where a year is all there is: parts of the horizon between training cutoffs, and what lies before the first.
STEPS = {ORDERS.name: 6}
KNOWN = {ORDERS.name: timedelta(days=60)}
RANDOM = {"is_random": True, "num_leaves": 31, "max_trees": 3_000, "learning_rate": 0.1, "bags": 2}
COUNTS = {
    "average": Contestant("average", {}),
    "one_feature": Contestant("one_feature", {}),
    "logistic": Contestant("logistic", {}),
    "lightgbm": Contestant("trees", {}),
    "random trees": Contestant("trees", RANDOM),
    "network": Contestant("neural", {"uses_vectors": False, "batch_size": 512, "epochs": 15}),
    "learned shares": Contestant("stack", {"parts": ("logistic", "trees"), "configs": {}, "is_equal": False}),
    "stack": Contestant("stack", {}),
}
WITH_VECTORS = {
    "sequence": Contestant("sequence", {}),
    "fused": Contestant("fused", {}),
    "fused network": Contestant("neural", {"batch_size": 512, "epochs": 15}),
    "all": Contestant(
        "stack",
        {
            "parts": ("logistic", "fused", "neural"),
            "configs": {"neural": {"batch_size": 512, "epochs": 15}},
            "is_equal": True,
        },
    ),
}
RFM = {"rfm logistic": Contestant("logistic", {"only": ("days_since_order", "orders_ever", "spent_ever")})}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", choices=sorted(ASKED), default=["churn", "will_buy_category"])
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--preset", default="", help="of the behavior model; without it: counts alone")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    shop = open_shop(given.store)
    record: dict[str, Any] = {"machine": machine(), "commit": commit(), "tasks": {}}
    for name in given.tasks:
        record["tasks"][name] = _judged(shop, ASKED[name], given.origins, given.preset, given.work)
        if given.out:
            given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _judged(shop: Shop, task: Task, number: int, preset: str, work: Path) -> dict[str, Any]:
    known = KNOWN.get(task.name, timedelta(days=84))
    with shop.reading_matched() as tables:
        first, until = history(tables, task)
        task = completed(tables, shop.settings, task, first + known)
    rolled = origins(first, until, task.horizon, STEPS.get(task.name, 2), number, known)
    cutoffs = cutoffs_of(rolled)
    found = examples_at(shop, task, cutoffs, work / task.name)
    contestants = {**(RFM if task.name == ORDERS.name else {}), **COUNTS}
    if preset:
        _train_before(shop, cutoffs[0], preset)
        found = with_vectors(shop, found)
        contestants |= WITH_VECTORS
    results = {}
    for name, contestant in contestants.items():
        results[name] = judged(contestant, rolled, found, work / task.name / "said")
        print(task.name, name, f"validation {results[name].validation_loss:.5f}", flush=True)
    rival = "rfm logistic" if task.name == ORDERS.name else "lightgbm"
    told = report(results, rival)
    return {
        "category": task.label.category,
        "horizon_days": task.horizon_days,
        "tests": [f"{origin.test:%Y-%m-%d}" for origin in rolled],
        "num_features": len(found[cutoffs[0]].described),
        **told,
    }


def _train_before(shop: Shop, cutoff: Any, preset: str) -> None:
    """Once: a mark in the models' folder says before which cutoff the store's behavior model was trained."""
    from foresell.store.models import load_artifact

    asked = cutoff.isoformat()
    if (shop.folder.models / "behavior").exists():
        manifest = load_artifact(shop.folder.models, "behavior").manifest
        if manifest["cutoff"] == asked:
            return
    fit_behavior(shop, BehaviorRequest(preset=preset, cutoff=cutoff))


if __name__ == "__main__":
    main()
