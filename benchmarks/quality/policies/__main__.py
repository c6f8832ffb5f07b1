"""The money table of the frozen worlds, and whether anything is "gained" where nothing can be.

python -m benchmarks.quality.policies --seeds 20 --out policies.json
"""

import argparse
import json
from pathlib import Path

from benchmarks.quality.policies.variants import Gain, gains

from foresell.simulator.frozen import WORLDS

# In this world every gain must hold zero, all policies taken together.
NOTHING_TO_GAIN = "even_ground"
SHOWN = ("gross_margin", "discount", "holding_cost", "lost_margin", "refunds", "profit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    seeds = range(1, given.seeds + 1)
    measured = {world: gains(world, seeds, together=world == NOTHING_TO_GAIN) for world in WORLDS}
    for world, found in measured.items():
        print(f"\n### {world}: profit by the rules of thumb {found[0].profit.first:,.0f}\n")
        print(f"| policy | {' | '.join(SHOWN)} | interval of profit | times narrower |")
        print("|---|" + "---:|" * (len(SHOWN) + 2))
        for gain in found:
            print(_row(gain))
    if given.out:
        record = {world: [_record(gain) for gain in found] for world, found in measured.items()}
        given.out.write_text(json.dumps(record, indent=1), encoding="utf-8")
    wrong = [gain.policy for gain in measured[NOTHING_TO_GAIN] if not gain.holds_zero]
    print(f"\n{NOTHING_TO_GAIN}: {'every gain holds zero' if not wrong else f'NOT zero: {wrong}'}")
    raise SystemExit(bool(wrong))


def _row(gain: Gain) -> str:
    money = " | ".join(f"{gain.lines[line].difference.value:+,.0f}" for line in SHOWN)
    interval = gain.profit.difference
    narrower = gain.profit.times_narrower
    times = "–" if narrower is None else f"{narrower:.1f}"
    return f"| {gain.policy} | {money} | {interval.lower:+,.0f} to {interval.upper:+,.0f} | {times} |"


def _record(gain: Gain) -> dict[str, object]:
    lines = {
        name: {
            "thumb": line.first,
            "policy": line.second,
            "gain": line.difference.value,
            "lower": line.difference.lower,
            "upper": line.difference.upper,
            "times_narrower": line.times_narrower,
        }
        for name, line in gain.lines.items()
    }
    return {"policy": gain.policy, "lines": lines}


if __name__ == "__main__":
    main()
