"""Bias of recovered demand and of observed sales, and what orders by forecasts of each lose.

python -m benchmarks.quality.stockouts --seeds 10 --out stockouts.json
"""

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from benchmarks.quality.stockouts.bias import CHOICES, PRESUMED, Errors, errors
from benchmarks.quality.stockouts.orders import Life, live

from foresell.evaluation.paired import PairedDifference, paired_difference
from foresell.simulator.frozen import frozen_world
from foresell.simulator.settings import WorldSettings, change_world

WORLD = "tight_supply"
BIAS_DAYS = 91
ORDER_DAYS = 182
MEASURES = ("bias", "hidden_bias", "wape", "known")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="at least 5")
    parser.add_argument("--model", default="tsb", help="the forecaster of the orders")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.seeds < 5:
        parser.error("--seeds: at least 5, for the intervals are over seeds")
    seeds = range(1, given.seeds + 1)
    started = perf_counter()
    found = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "world": WORLD,
        "seeds": len(seeds),
        "model": given.model,
        "bias": bias_table(change_world(frozen_world(WORLD), days=BIAS_DAYS), seeds),
        "orders": order_table(change_world(frozen_world(WORLD), days=ORDER_DAYS), seeds, given.model),
    }
    found["seconds"] = round(perf_counter() - started, 1)
    print(json.dumps(found, indent=1))
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    bias, orders = found["bias"]["recover"], found["orders"]["recover"]
    is_less = bias["less_absolute_bias_than_as_sold"]["lower"] > 0
    raise SystemExit(not (is_less and orders["lost_share"]["change"]["upper"] < 0))


def bias_table(settings: WorldSettings, seeds: Sequence[int]) -> dict[str, dict[str, object]]:
    """Of each choice the means over seeds, and how much less its |bias| is than that of sales as sold."""
    by_seed = [errors(settings, seed) for seed in seeds]
    table: dict[str, dict[str, object]] = {}
    for choice in (*CHOICES, PRESUMED):
        mine: list[Errors] = [found[choice] for found in by_seed]
        record: dict[str, object] = {name: _spread([getattr(one, name) for one in mine]) for name in MEASURES}
        if choice != "as_sold":
            gain = paired_difference(
                [abs(one.bias) for one in mine], [abs(found["as_sold"].bias) for found in by_seed]
            )
            record["less_absolute_bias_than_as_sold"] = asdict(gain.difference)
        table[choice] = record
        print(choice, json.dumps(record), flush=True)
    return table


def order_table(settings: WorldSettings, seeds: Sequence[int], model: str) -> dict[str, dict[str, object]]:
    """Of each choice what its orders lost and earned, and the change against orders by sales as sold."""
    lives = {choice: [live(settings, seed, choice, model) for seed in seeds] for choice in CHOICES}
    table: dict[str, dict[str, object]] = {}
    for choice in CHOICES:
        table[choice] = {
            "lost_share": _change(
                [one.lost_share for one in lives["as_sold"]], [one.lost_share for one in lives[choice]]
            ),
            **{
                line: _change(_lines(lives["as_sold"], line), _lines(lives[choice], line))
                for line in ("lost_margin", "holding_cost", "profit")
            },
        }
        print(choice, json.dumps(table[choice]), flush=True)
    return table


def _lines(lives: Sequence[Life], line: str) -> list[float]:
    return [float(getattr(one.ledger, line)) for one in lives]


def _change(first: Sequence[float], second: Sequence[float]) -> dict[str, object]:
    found: PairedDifference = paired_difference(first, second)
    return {"mean": round(found.second, 4), "change": asdict(found.difference)}


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Mean over seeds with its interval (Student's t)."""
    return {
        name: round(value, 4)
        for name, value in asdict(paired_difference([0.0] * len(values), values).difference).items()
    }


if __name__ == "__main__":
    main()
