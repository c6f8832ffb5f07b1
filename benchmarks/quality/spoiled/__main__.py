"""Precision and recall of what Foresell finds in spoiled copies of two real shops, by kind and level.

    python benchmarks/quality/spoiled --dataset online_retail --levels 0.005 0.02 0.1 --out r.json

`--every N` takes one product (Online Retail) or household (Complete Journey) in N. `--repair` also measures
what `foresell.services.repair` restores, where that exists.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from datasets import DATASETS, Dataset
from kinds import KINDS, NEEDS_ACCENTS
from score import clean_alarms, look, score
from spoil import clean_copy, load, spoil

LEVELS = (0.005, 0.02, 0.1)
# The Complete Journey whole takes minutes a copy: a fifth of its households, all they bought.
EVERY = {"online_retail": 1, "complete_journey": 5}


def main() -> None:
    given = _arguments()
    result: dict[str, Any] = {"seed": given.seed, "scores": [], "clean": {}}
    for name in given.dataset:
        dataset, every = DATASETS[name], given.every or EVERY[name]
        for accents in sorted({kind in NEEDS_ACCENTS for kind in given.kinds}):
            kinds = [kind for kind in given.kinds if (kind in NEEDS_ACCENTS) == accents]
            _measure(dataset, every, accents, kinds, given, result)
            if given.out:
                given.out.write_text(json.dumps(result, indent=1, ensure_ascii=False))
    print(table(result["scores"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/quality/spoiled", description=__doc__)
    parser.add_argument("--dataset", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--levels", nargs="+", type=float, default=list(LEVELS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--every", type=int, default=0, help="default: 1 for Online Retail, else 5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repair", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _measure(
    dataset: Dataset,
    every: int,
    accents: bool,
    kinds: list[str],
    given: argparse.Namespace,
    result: dict[str, Any],
) -> None:
    clean = load(dataset, every, accents=accents)
    untouched = clean_copy(dataset, clean)
    seen_clean = look(dataset, clean)
    rows = {file: frame.height for file, frame in clean.items()}
    where = f"{dataset.name}{' with accents' if accents else ''}"
    result["clean"][where] = {"rows": rows, "alarms": clean_alarms(seen_clean)}
    for kind in kinds:
        for level in given.levels:
            started = time.monotonic()
            copy = spoil(dataset, clean, kind, level, given.seed)
            records = score(
                dataset,
                kind,
                untouched,
                seen_clean,
                copy,
                look(dataset, copy.files, repair=kind if given.repair else None),
            )
            result["scores"] += [{"dataset": dataset.name, "level": level, **record} for record in records]
            print(
                table(result["scores"][-len(records) :]),
                f"({time.monotonic() - started:.0f} s)",
                file=sys.stderr,
            )


def table(scores: list[dict[str, Any]]) -> str:
    """Scores as lines of Markdown."""
    return "\n".join(f"| {' | '.join(_cells(record))} |" for record in scores)


def _cells(record: dict[str, Any]) -> list[str]:
    shares = ("recall", "noticed", "precision", "restored", "restored_near")
    false = record["false_flags"]
    return [
        record["dataset"],
        record["kind"],
        record["variant"],
        f"{record['level']:.1%}",
        f"{record['units']:,}",
        f"{record['absorbed']:,}",
        *(_percent(record[name]) for name in shares),
        "" if false is None else f"{false:,}",
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


if __name__ == "__main__":
    main()
