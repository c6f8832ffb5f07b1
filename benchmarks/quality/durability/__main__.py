"""Every acknowledged event is in the store exactly once, however often who handles it is killed.

    python -m benchmarks.quality.durability --kills 60 --seed 1 --out FILE.json
    python -m benchmarks.quality.durability --kills 8 --servers 0          # a first look, in seconds

Writers accept batches and note which were acknowledged; some batches are sent again, as a client does that
got no answer. A mover brings them into the tables at the same time. Of the kills half are at the named points
of `store.crash_points`, in turn, and half at random moments; `--servers`: so many more, of `foresell serve`
under load by HTTP. Each victim kills itself with SIGKILL, or is killed so, and another takes its place.

Counted at the end: acknowledged events that are missing, events that are there twice or changed, and events
that nobody sent; and whether `rebuild` gives the same rows. Exit code 1: any of them is not 0, or false.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.quality.durability.campaign import run_campaign


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--servers", type=int, default=6)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        record = run_campaign(Path(folder), given.kills, given.servers, given.writers, given.seed)
    print(json.dumps(record, indent=1))
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.exit(not record["is_met"])


if __name__ == "__main__":
    main()
