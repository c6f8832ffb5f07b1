"""Write a made-up shop's actions to FOLDER, as a store's are written for training."""

import argparse
from pathlib import Path

from shop import actions, vocabulary

from foresell.behavior.sequence_files import write_sequences


def main() -> None:
    given = arguments().parse_args()
    batches = actions(given.events, given.customers, given.products)
    write_sequences(batches, vocabulary(given.products), given.folder)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("events", "customers", "products"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    return parser


if __name__ == "__main__":
    main()
