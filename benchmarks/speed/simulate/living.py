"""Live a world and write its canonical tables; what came of it goes to standard output as JSON."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from foresell.services.simulate import live_world
from foresell.simulator.settings import WorldSettings, change_world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--into", type=Path, required=True)
    given = parser.parse_args()
    settings = change_world(WorldSettings(), customers=given.customers, days=given.days)
    lived = live_world(settings, 7, given.into / "tables", given.into / "truth", given.processes)
    print(json.dumps(asdict(lived)))


if __name__ == "__main__":
    main()
