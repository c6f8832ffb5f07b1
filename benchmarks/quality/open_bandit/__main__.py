"""The click rate of Bernoulli Thompson sampling, told from the log of a random policy (Open Bandit, `all`).

pip download --no-deps --dest /tmp obp==0.4.1
python -m benchmarks.quality.open_bandit --wheel /tmp/obp-0.4.1-py3-none-any.whl --out open_bandit.json
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.quality.open_bandit.estimates import compared, coverage
from benchmarks.quality.open_bandit.wheel import BadWheelError, read_wheel
from benchmarks.quality.sequential.ledger import machine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--campaign", choices=("all", "men", "women"), default="all")
    parser.add_argument("--coverage", type=int, default=0, help="made-up logs to test the intervals on")
    parser.add_argument("--scale", type=float, default=1.0, help="of the made-up click rates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    try:
        data = read_wheel(given.wheel, given.campaign)
    except BadWheelError as error:
        sys.exit(str(error))
    record = {"machine": machine(), "campaign": given.campaign, **compared(data)}
    if given.coverage:
        record["coverage"] = coverage(data, given.coverage, given.scale, given.seed)
    text = json.dumps(record, indent=1) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text, end="")
    raise SystemExit(not all(record["holds"].values()))


if __name__ == "__main__":
    main()
