"""One contestant's turn: the features of all customers, written to a Parquet file.

python -m benchmarks.speed.features.ours foresell|sql EVENTS PRODUCTS OUT MEMORY_LIMIT THREADS
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from foresell.contracts.settings import EngineSettings, Settings
from foresell.features.customer import customer_features
from foresell.features.spec import CustomerSpec
from foresell.store.engine import DuckDBViews, EngineTables, connect, literal

CUTOFF = datetime(2026, 6, 15, tzinfo=UTC)
SPEC = CustomerSpec(
    has_orders=False,
    has_events=True,
    has_products=True,
    event_names=("view_item", "add_to_cart", "search", "purchase"),
    categories=("category 0", "category 1", "category 2", "category 3"),
    devices=("mobile", "desktop"),
    sources=("mail", "search"),
)


def main() -> None:
    who, *files, memory, threads = sys.argv[1:]
    turn(who, *files, memory=memory, threads=int(threads))


def turn(who: str, events: str, products: str, out: str, *, memory: str, threads: int) -> None:
    engine = EngineSettings(memory_limit=memory, threads=threads)
    with connect(engine, Path(out).parent / "spill") as connection:
        if who == "sql":
            text = (Path(__file__).parent / "rival.sql").read_text(encoding="utf-8")
            query = text.replace("{events}", literal(events)).replace("{products}", literal(products))
            connection.execute(f"COPY ({query}) TO {literal(out)} (FORMAT parquet)")
        else:
            files = {"events": [events], "products": [products]}
            tables = EngineTables(DuckDBViews(connection), lambda name: files.get(name, []))
            customer_features(tables, Settings(), CUTOFF, SPEC).to_parquet(out)


if __name__ == "__main__":
    main()
