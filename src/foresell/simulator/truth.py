"""What only the simulator knows, as tables: to check by, never to fit on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foresell.simulator.canonical.columns import ids, table, words
from foresell.simulator.catalog import FOREVER
from foresell.simulator.checkout import REASONS
from foresell.simulator.people import make_people
from foresell.simulator.words import SEGMENTS
from foresell.simulator.world import Outcome, World

DAILY = ("demand", "carts")


class TruthWriter:
    """Writes `demand` (a row a product and day with any) and `carts` (a row a session with something in its
    cart) day by day, and `people` and `products` at the end."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> "TruthWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def add(self, outcome: Outcome) -> None:
        for name, rows in (("demand", _demand(outcome)), ("carts", _carts(outcome))):
            if name not in self._writers:
                self._writers[name] = pq.ParquetWriter(self._folder / f"{name}.parquet", rows.schema)
            self._writers[name].write_table(rows)

    def finish(self) -> None:
        """The last day is lived: write what does not change by day."""
        people = pa.concat_tables(list(_people(self._world)))
        pq.write_table(people, self._folder / "people.parquet")
        pq.write_table(_products(self._world), self._folder / "products.parquet")


def _demand(outcome: Outcome) -> pa.Table:
    wanted = np.sum([part.wanted for part in outcome.shards], axis=0)
    sold = np.zeros_like(wanted)
    for part in outcome.shards:
        np.add.at(sold, part.lines.product, part.lines.quantity)
    some = np.flatnonzero((wanted > 0) | ~outcome.shelf.is_there & outcome.shelf.is_listed)
    return table(
        {
            "day": np.full(len(some), outcome.day.number),
            "product_id": ids("p", some),
            "wanted": wanted[some],
            "sold": sold[some],
            "is_there": outcome.shelf.is_there[some],
        }
    )


def _carts(outcome: Outcome) -> pa.Table:
    parts = []
    for part in outcome.shards:
        filled = np.flatnonzero(part.reason >= 0)
        day = np.full(len(filled), outcome.day.number)
        session = ids("s", day, part.person[filled])
        parts.append(table({"session_id": session, "reason": words(REASONS, part.reason[filled])}))
    return pa.concat_tables(parts)


def _people(world: World) -> Iterator[pa.Table]:
    for standing in world.crowd.standings():
        people = make_people(world.settings, world.draws, standing.ids)
        tastes = {f"taste_{k}": people.taste[:, k] for k in range(people.taste.shape[1])}
        yield table(
            {
                "customer_id": ids("c", people.ids),
                "has_account": standing.has_account,
                "segment": words([name for name, _ in SEGMENTS], people.segment),
                "elasticity": people.elasticity,
                "coupon_uplift": people.coupon_uplift,
                "visits_per_day": people.visits_per_day,
                "joined_on": people.joined,
                "left_on": pa.array(
                    [None if day == FOREVER else day for day in standing.left_on.tolist()], pa.int64()
                ),
                **tastes,
            }
        )


def _products(world: World) -> pa.Table:
    catalog = world.catalog
    styles = {f"style_{k}": catalog.style[:, k] for k in range(catalog.style.shape[1])}
    return table(
        {
            "product_id": ids("p", np.arange(len(catalog))),
            "appeal": catalog.appeal,
            "return_rate": catalog.return_rate,
            "complement_id": ids("p", catalog.complement),
            **styles,
        }
    )
