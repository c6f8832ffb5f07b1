"""A/A and A/B tests on real spending, looked at after every 100 customers.

python -m benchmarks.quality.experiments --tests 2000 --out experiments.json

Ends with 1 where a test that may be looked at any time errs more often than its level allows.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from benchmarks.quality.experiments.spending import pairs
from benchmarks.quality.experiments.tests_looked_at import LEVEL, METHODS, look
from scipy.stats import beta

from foresell.evaluation.experiments import cuped, plan_test

EFFECTS = (0.0, 0.05, 0.1)
PLANNED = 0.1
SURENESS = 0.99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=2_000)
    parser.add_argument("--most", type=int, default=20_000, help="Customers of a test.")
    parser.add_argument("--step", type=int, default=100, help="Customers between looks.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    drawn = pairs()
    values = drawn[:, 1]
    reduction = cuped(values, drawn[:, 0], np.zeros(len(values))).reduction
    deviation, mean = float(values.std()), float(values.mean())
    plan = plan_test(deviation, PLANNED * mean)
    with_past = plan_test(deviation * (1 - reduction) ** 0.5, PLANNED * mean)
    print(f"{len(values):,} pairs; mean {mean:.2f}, deviation {deviation:.2f}; CUPED: {reduction:.1%} less")
    sizes = f"fixed {plan.fixed:,}, sequential {plan.sequential:,}, with CUPED {with_past.sequential:,}"
    print(f"customers to find {PLANNED:.0%}: {sizes}")
    record: dict[str, object] = {
        "pairs": len(values),
        "mean": mean,
        "deviation": deviation,
        "reduction": reduction,
        "plan": asdict(plan),
        "plan_with_cuped": asdict(with_past),
        "tests": given.tests,
        "customers": given.most,
        "looks_every": given.step,
    }
    wrong = []
    for effect in EFFECTS:
        found = look(
            drawn,
            plan,
            with_past,
            effect=effect,
            tests=given.tests,
            most=given.most,
            step=given.step,
            seed=given.seed,
        )
        record[f"effect_{effect:g}"] = asdict(found)
        for method in METHODS:
            share, number = found.found[method], found.customers[method]
            lower, upper = _interval(share, given.tests)
            print(
                f"effect {effect:>4.0%}  {method:26} found {share:6.1%} [{lower:.1%}, {upper:.1%}], "
                f"median {number:,.0f} customers"
            )
            if effect == 0 and method != METHODS[0] and lower > LEVEL:
                wrong.append(method)
    if given.out:
        given.out.write_text(json.dumps(record, indent=1), encoding="utf-8")
    print(f"errs too often: {', '.join(wrong) or 'none'}")
    raise SystemExit(bool(wrong))


def _interval(share: float, number: int) -> tuple[float, float]:
    """Clopper and Pearson's, of SURENESS."""
    hits, tail = round(share * number), (1 - SURENESS) / 2
    lower = float(beta.ppf(tail, hits, number - hits + 1)) if hits else 0.0
    upper = float(beta.ppf(1 - tail, hits + 1, number - hits)) if hits < number else 1.0
    return lower, upper


if __name__ == "__main__":
    main()
