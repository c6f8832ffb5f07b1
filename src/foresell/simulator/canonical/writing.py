"""Canonical tables of a world, written day by day to Parquet in bounded memory."""

from collections import defaultdict
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foresell.simulator.canonical import assortment, behavior, people, sales, surroundings
from foresell.simulator.draws import Floats
from foresell.simulator.shard import COUPON_WEEKS
from foresell.simulator.world import Outcome, World

# Rows of a table that are held before they are written.
ROWS_HELD = 250_000


class CanonicalWriter:
    """Writes `FOLDER/<table>.parquet`; use as a context manager, `add` each day in order."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._held: dict[str, list[pa.Table]] = defaultdict(list)
        self._num_held: dict[str, int] = defaultdict(int)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._price: Floats | None = None
        self.num_rows: dict[str, int] = defaultdict(int)

    def __enter__(self) -> "CanonicalWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        settings, draws = self._world.settings, self._world.draws
        self._put("locations", surroundings.location_table(settings))
        self._put("supplies", assortment.supply_table(settings, self._world.catalog))
        for shard in self._world.shards:
            known = np.flatnonzero(shard.has_account)
            self._put_customers(people.customer_tables(settings, draws, shard.people, known, 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for name in list(self._held):
                    self._flush(name)
        finally:
            for writer in self._writers.values():
                writer.close()

    @property
    def tables(self) -> list[str]:
        """The tables with rows."""
        return [name for name, number in self.num_rows.items() if number]

    def add(self, outcome: Outcome) -> None:
        settings, draws, catalog = self._world.settings, self._world.draws, self._world.catalog
        day = outcome.day.number
        self._put("calendar", surroundings.calendar_table(settings, outcome.day))
        visits = outcome.ledger.num_visits
        self._put("ad_spend", surroundings.ad_spend_table(settings, draws, outcome.day, visits))
        self._add_products(outcome)
        if day % 7 == 0:
            self._add_week(day)
        self._put("inventory", assortment.inventory_table(settings, outcome))
        self._put("receipts", assortment.receipt_table(settings, outcome.deliveries))
        is_promoted = outcome.day.discount > 0
        for shard, done in zip(self._world.shards, outcome.shards, strict=True):
            self._put("events", behavior.event_table(settings, draws, done))
            self._put("exposures", behavior.exposure_table(settings, draws, done))
            self._put("orders", sales.order_table(settings, draws, done))
            self._put("order_lines", sales.line_table(catalog, done, is_promoted))
            self._put("refunds", sales.refund_table(settings, draws, done))
            self._put("redemptions", sales.redemption_table(settings, done))
            self._put("reviews", people.review_table(settings, draws, catalog, done))
            self._put("tickets", people.ticket_table(settings, draws, done))
            rows = np.searchsorted(shard.people.ids, done.person[done.signed_up])
            self._put_customers(people.customer_tables(settings, draws, shard.people, rows, day or 1))

    def _add_products(self, outcome: Outcome) -> None:
        catalog, day = self._world.catalog, outcome.day.number
        changed = assortment.changed_products(catalog, self._price, outcome.shelf.price, day)
        self._price = outcome.shelf.price
        if len(changed):
            settings, draws = self._world.settings, self._world.draws
            rows = assortment.product_table(settings, draws, catalog, changed, outcome.shelf.price, day)
            self._put("products", rows)

    def _add_week(self, day: int) -> None:
        settings, draws = self._world.settings, self._world.draws
        found = assortment.promotion_tables(settings, draws, self._world.catalog, day // 7)
        if found is not None:
            self._put("promotions", found[0])
            self._put("campaigns", found[1])
        if day // 7 % COUPON_WEEKS == COUPON_WEEKS - 1:
            for place, shard in enumerate(self._world.shards):
                tables = people.coupon_tables(settings, draws, shard.people, day)
                for name, rows in tables.items():
                    if place == 0 or name == "audiences":
                        self._put(name, rows)

    def _put_customers(self, tables: tuple[pa.Table, pa.Table]) -> None:
        self._put("customers", tables[0])
        self._put("consents", tables[1])

    def _put(self, name: str, rows: pa.Table | None) -> None:
        if rows is None or not rows.num_rows:
            return
        self._held[name].append(rows)
        self._num_held[name] += rows.num_rows
        self.num_rows[name] += rows.num_rows
        if self._num_held[name] >= ROWS_HELD:
            self._flush(name)

    def _flush(self, name: str) -> None:
        rows = pa.concat_tables(self._held.pop(name), promote_options="permissive")
        self._num_held[name] = 0
        if name not in self._writers:
            path = self._folder / f"{name}.parquet"
            self._writers[name] = pq.ParquetWriter(path, rows.schema, compression="zstd")
        self._writers[name].write_table(rows.cast(self._writers[name].schema))
