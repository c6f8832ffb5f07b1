"""BG/NBD and Gamma-Gamma on CDNOW: the published figures, and who orders in the 39 weeks after.

python -m benchmarks.quality.cdnow --data ../shared/data/cdnow --out cdnow.json
"""

import argparse
import json
from pathlib import Path

from benchmarks.quality.cdnow.ahead import compared
from benchmarks.quality.cdnow.published import fitted, from_summary, from_transactions
from benchmarks.quality.sequential.ledger import commit, machine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cdnow"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=1_000, help="draws of a bootstrap")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    record = {
        "machine": machine(),
        "commit": commit(),
        "published": {
            "from_transactions": fitted(from_transactions(given.data)),
            "from_summary": fitted(from_summary(given.data)),
        },
        "ahead": compared(given.data, given.seeds, given.samples),
    }
    text = json.dumps(record, indent=1) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text, end="")
    raise SystemExit(not all(record["published"]["from_transactions"]["equal"].values()))


if __name__ == "__main__":
    main()
