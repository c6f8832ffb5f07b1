"""How far a world of default settings is from real shops, measure by measure.

    python -m benchmarks.quality.believable --out r.json

Each measure has one real set, the one of the three that is most like a web shop of households:

- basket size: The Complete Journey. Its baskets are households' own; most customers of Online Retail are
  shops that stock up (half of its orders have 15 products and more), and yoochoose has no baskets.
- days between purchases, popularity, repeat rate: UCI Online Retail, the only web shop of them with
  customers; the households of The Complete Journey were picked because they buy often.
- clicks: yoochoose, the only one with sessions.
- weekday shares: The Complete Journey; Online Retail is closed on Saturdays, yoochoose has one week.

The defaults were chosen on one half of the customers; `held_out` is the other. `from_other_set` says how
far the world is from the sets that were not chosen, so that the choice hides nothing.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks.quality.believable import measures, real
from benchmarks.quality.believable.living import Lived, live

from foresell.simulator.settings import WorldSettings

FARTHEST = 0.10
MOST_OFF = 0.05
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
Record = dict[str, object]


@dataclass(frozen=True)
class Measure:
    """`of` a frame of order lines (or of sessions, for clicks): a sample, or the shares themselves."""

    name: str
    of: Callable[[pl.DataFrame], np.ndarray]
    best_set: str
    is_sample: bool = True

    def compare(self, theirs: pl.DataFrame, ours: pl.DataFrame) -> Record:
        one, other = self.of(theirs), self.of(ours)
        if self.is_sample:
            found, limit = measures.distance(one, other), FARTHEST
            one, other = np.quantile(one, QUANTILES), np.quantile(other, QUANTILES)
        else:
            found, limit = float(np.abs(one - other).max()), MOST_OFF
        return {
            "distance": round(found, 4),
            "limit": limit,
            "is_within": found <= limit,
            "real": one.round(3).tolist(),
            "world": other.round(3).tolist(),
        }


SETS: dict[str, Callable[[], pl.DataFrame]] = {
    "Online Retail": real.online_retail,
    "Complete Journey": real.complete_journey,
    "yoochoose": real.yoochoose,
}
MEASURES = (
    Measure("basket size", measures.basket_sizes, "Complete Journey"),
    Measure("days between purchases", measures.days_between, "Online Retail"),
    Measure("popularity", measures.popularity, "Online Retail"),
    Measure("clicks", measures.clicks, "yoochoose"),
    Measure("repeat rate", measures.repeat_rate, "Online Retail", is_sample=False),
    Measure("weekday shares", measures.weekday_shares, "Complete Journey", is_sample=False),
)


def compare(name: str, lived: Lived) -> list[Record]:
    """Every measure that the set has, on each half of its customers."""
    found: list[Record] = []
    for half, rows in real.halves(SETS[name]()):
        for measure in MEASURES:
            if (measure.name == "clicks") != (name == "yoochoose"):
                continue
            ours = lived.sessions if measure.name == "clicks" else lived.lines
            words = {"measure": measure.name, "set": name, "half": half}
            if measure.best_set != name:
                words["half"] = f"{half}, from_other_set"
            found.append({**words, **measure.compare(rows, ours)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    shop = {"customers": given.customers, "days": measures.NUM_DAYS}
    started = time.process_time()
    lived = live(WorldSettings.model_validate({"shop": shop}), given.seed)
    seconds = time.process_time() - started
    result: Record = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "seed": given.seed,
        "customers": given.customers,
        "processor_seconds": round(seconds, 1),
        "events_per_processor_second": round(lived.counts["events"] / seconds),
        "world": {name: round(value, 4) for name, value in lived.rates().items()},
        "left_out": [],
        "compared": [],
    }
    for name in given.sets:
        try:
            result["compared"] += compare(name, lived)  # type: ignore[operator]
        except real.MissingSetError as missing:
            result["left_out"] += [name]  # type: ignore[operator]
            print(f"LEFT OUT: {name}: {missing}", file=sys.stderr, flush=True)
    show(result)
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def show(result: Record) -> None:
    print(f"{'measure':24}{'set':18}{'half':28}{'distance':>9}{'limit':>7}")
    for row in result["compared"]:  # type: ignore[attr-defined]
        mark = "" if row["is_within"] else "  beyond"
        print(f"{row['measure']:24}{row['set']:18}{row['half']:28}{row['distance']:9}{row['limit']:7}{mark}")
    for name, value in result["world"].items():  # type: ignore[attr-defined]
        print(f"{name:32}{value:10}")


if __name__ == "__main__":
    main()
