"""What segments and scores find of a simulated shop's truth, over seeds and in three worlds.

python -m benchmarks.quality.segments --seeds 3 --work w --out segments.json

Segments are judged by the adjusted Rand index with the true ones (`ceiling`: of a classifier that was told
the true segments of others), price sensitivity and leaving by rank correlation with the truth (`ceiling`: of
trees that were told the truth of others, and of a score that orders everybody rightly). Stores are kept in
`--work`.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.quality.segments.truth import judge
from benchmarks.quality.segments.worlds import WORLDS
from benchmarks.quality.sequential.ledger import machine

from foresell.services.behavior import BehaviorRequest, fit_behavior
from foresell.services.shop import open_shop
from foresell.services.simulate import simulate_store

GOAL = 0.5


def trial(world: str, seed: int, work: Path, *, with_vectors: bool) -> dict[str, Any]:
    settings, store = WORLDS[world], work / f"{world}-{seed}"
    if not store.exists():
        simulate_store(store, settings, seed)
        if with_vectors:
            fit_behavior(open_shop(store), BehaviorRequest())
    return {"world": world, "seed": seed, **judge(store, settings.shop.days, seed)}


def summary(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Means and ranges over seeds of every figure of the trials of one world."""
    found: dict[str, list[float]] = {}
    for one in trials:
        for path, value in _figures(one):
            found.setdefault(path, []).append(value)
    return {
        path: {"mean": round(fmean(values), 4), "low": min(values), "high": max(values), "seeds": len(values)}
        for path, values in sorted(found.items())
    }


def _figures(one: dict[str, Any]) -> list[tuple[str, float]]:
    figures = [("ceiling", one["ceiling"])]
    figures += [(f"segments: {name}", told["adjusted_rand"]) for name, told in one["segments"].items()]
    for part in ("price_sensitivity", "leaving"):
        for name, told in one[part].items():
            if isinstance(told, dict):
                figures.append((f"{part}: {name}", told["rank_correlation"]))
            elif name == "ceiling":
                figures.append((f"{part}: ceiling", told))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--worlds", choices=WORLDS, nargs="*", default=list(WORLDS))
    parser.add_argument("--with-vectors", action="store_true", help="train a behavior model in each store")
    parser.add_argument("--work", type=Path, required=True, help="a folder that the stores are kept in")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    results = []
    for world in given.worlds:
        trials = [
            trial(world, seed, given.work, with_vectors=given.with_vectors) for seed in range(given.seeds)
        ]
        results.append({"world": world, "goal": GOAL, "summary": summary(trials), "trials": trials})
        print(json.dumps({"world": world, **results[-1]["summary"]}, indent=1), flush=True)
    if given.out:
        record = {"machine": machine(), "results": results}
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
