"""Canonical tables of a world, written day by day to Parquet in bounded memory."""

from pathlib import Path
from types import TracebackType

import numpy as np

from foresell.simulator.canonical import assortment, behavior, people, sales, surroundings
from foresell.simulator.canonical.files import TableFiles
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.people import make_people
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import COUPON_WEEKS, ShardDay
from foresell.simulator.world import Outcome, World

SECONDS_TO_SIGN_UP = 600


class CanonicalWriter:
    """Writes `FOLDER/<table>/`; use as a context manager, `add` each day in order."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._settings, self._draws, self._catalog = world.settings, world.draws, world.catalog
        self._folder = folder
        self._files = TableFiles(folder, 0)
        self._price: Floats | None = None

    def __enter__(self) -> "CanonicalWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files.put("locations", surroundings.location_table(self._settings))
        self._files.put("supplies", assortment.supply_table(self._settings, self._catalog))
        self._files.put("campaigns", surroundings.ad_campaign_table(self._settings))
        for standing in self._world.crowd.standings():
            self._add_customers(standing.ids[standing.has_account], 0, None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._files.finish()
        else:
            self._files.close()

    @property
    def num_rows(self) -> dict[str, int]:
        """Rows by table, of those that this process wrote."""
        return dict(self._files.num_rows)

    def add(self, outcome: Outcome) -> None:
        settings, draws = self._settings, self._draws
        day = outcome.day.number
        self._files.put("calendar", surroundings.calendar_table(settings, outcome.day))
        visits = outcome.ledger.num_visits
        self._files.put("ad_spend", surroundings.ad_spend_table(settings, draws, outcome.day, visits))
        self._add_products(outcome)
        if day % 7 == 0:
            self._add_week(outcome)
        self._files.put("inventory", assortment.inventory_table(settings, outcome))
        self._files.put("receipts", assortment.receipt_table(settings, outcome.deliveries))
        is_promoted = outcome.day.discount > 0
        for done in outcome.shards:
            # Another process has written those of its people.
            if done.events:
                put_behavior(self._files, settings, draws, done)
            self._files.put("orders", sales.order_table(settings, draws, done))
            self._files.put("order_lines", sales.line_table(self._catalog, done, is_promoted))
            self._files.put("refunds", sales.refund_table(settings, draws, done))
            self._files.put("redemptions", sales.redemption_table(settings, done))
            self._files.put("reviews", people.review_table(settings, draws, self._catalog, done))
            self._files.put("tickets", people.ticket_table(settings, draws, done))
            seconds = done.start[done.signed_up] + SECONDS_TO_SIGN_UP
            self._add_customers(done.person[done.signed_up], day, seconds)

    def _add_products(self, outcome: Outcome) -> None:
        day = outcome.day.number
        changed = assortment.changed_products(self._catalog, self._price, outcome.shelf.price, day)
        self._price = outcome.shelf.price
        if len(changed):
            rows = assortment.product_table(
                self._settings, self._draws, self._catalog, changed, outcome.shelf.price, day
            )
            self._files.put("products", rows)

    def _add_week(self, outcome: Outcome) -> None:
        day = outcome.day.number
        found = assortment.promotion_tables(self._settings, self._draws, self._catalog, day // 7)
        if found is not None:
            self._files.put("promotions", found[0])
            self._files.put("campaigns", found[1])
        if day // 7 % COUPON_WEEKS == COUPON_WEEKS - 1:
            listed = np.flatnonzero(outcome.shelf.is_listed)
            campaign, coupons = people.coupon_tables(self._settings, listed, day)
            self._files.put("campaigns", campaign)
            self._files.put("coupons", coupons)
            for standing in self._world.crowd.standings():
                self._files.put("audiences", people.audience_table(standing.ids[standing.invited], day))

    def _add_customers(self, numbers: Ints, day: int, seconds: Ints | None) -> None:
        known = make_people(self._settings, self._draws, numbers)
        customers, consents = people.customer_tables(self._settings, self._draws, known, day, seconds)
        self._files.put("customers", customers)
        self._files.put("consents", consents)


def put_behavior(files: TableFiles, settings: WorldSettings, draws: Draws, done: ShardDay) -> None:
    """The events and exposures of a shard's day."""
    files.put("events", behavior.event_table(settings, draws, done))
    files.put("exposures", behavior.exposure_table(settings, draws, done))
