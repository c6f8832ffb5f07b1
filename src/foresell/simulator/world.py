"""A shop whose truth is known: make it, then live a day at a time under policies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foresell.simulator.browse import Shelf
from foresell.simulator.catalog import Catalog, make_catalog
from foresell.simulator.crowd import Asked, Crowd, LocalCrowd, cut_people
from foresell.simulator.days import Day, make_day
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.ledger import Ledger
from foresell.simulator.policies import HISTORY_DAYS, Policies, ShopView, Visitors
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import Shard, ShardDay
from foresell.simulator.stock import Delivery, Stock

# People are cut into shards of this size, however many processes there are.
PEOPLE_PER_SHARD = 25_000
NUM_RECOMMENDED = 10
DAYS_OF_YEAR = 365
# Rough units a visit buys; only the first stock is planned by it.
UNITS_PER_VISIT = 0.35


@dataclass(frozen=True)
class Outcome:
    """A day that was lived: what each shard did, what was delivered to the shop, what lies in stock at the
    end, the prices, and the day's money."""

    day: Day
    shelf: Shelf
    shards: tuple[ShardDay, ...]
    deliveries: tuple[Delivery, ...]
    on_hand: Ints
    on_order: Ints
    ordered: Ints
    ledger: Ledger


class World:
    """One shop. The same seed, settings and policies give the same days, to the last event."""

    def __init__(self, settings: WorldSettings, seed: int, crowd: Crowd | None = None) -> None:
        """`crowd`: the people, where they live in other processes; made of the same settings and seed."""
        self.settings = settings
        self.draws = Draws(seed)
        self.catalog: Catalog = make_catalog(settings, self.draws)
        if crowd is None:
            cuts = cut_people(settings.shop.customers, PEOPLE_PER_SHARD)
            crowd = LocalCrowd(settings, self.draws, self.catalog, cuts)
        self.crowd = crowd
        self.stock = Stock(settings, self.draws, self._expected_daily())
        self._price = self.catalog.list_price.copy()
        self._sold = np.zeros((HISTORY_DAYS, len(self.catalog)), dtype=np.int64)
        self._was_there = np.ones((HISTORY_DAYS, len(self.catalog)), dtype=bool)
        self.next_day = 0

    @property
    def shards(self) -> Sequence[Shard]:
        """Those that live in this process."""
        return self.crowd.shards

    def step(self, policies: Policies) -> Outcome:
        """Live the next day."""
        day = make_day(self.settings, self.draws, self.catalog, self.next_day)
        deliveries = self.stock.receive(day.number)
        view = self._view(day)
        self._price = np.maximum(policies.price.price(view), 0.01)
        day = replace(day, discount=np.clip(policies.promote.promote(view, day.discount), 0.0, 1.0))
        shelf = self._shelf(day)
        visitors = self.crowd.visitors(day)
        recommended = _recommend(policies, view, visitors)
        asked = self.crowd.browse(day, shelf, recommended)
        filled = self._share_out(asked)
        done = self.crowd.settle(day, shelf, filled)
        ordered = np.maximum(policies.replenish.order(self._view(day)), 0)
        self.stock.order(day.number, ordered)
        self._remember(shelf, done)
        self.next_day += 1
        return Outcome(
            day=day,
            shelf=shelf,
            shards=tuple(done),
            deliveries=tuple(deliveries),
            on_hand=self.stock.on_hand.copy(),
            on_order=self.stock.on_order.copy(),
            ordered=ordered,
            ledger=self._ledger(shelf, done),
        )

    def _expected_daily(self) -> Floats:
        """Units a day that the first stock is planned for: by appeal."""
        attraction = np.exp(self.catalog.appeal)
        return np.asarray(self.crowd.visit_rate() * UNITS_PER_VISIT * attraction / attraction.sum())

    def _view(self, day: Day) -> ShopView:
        return ShopView(
            day=day.number,
            category=self.catalog.category,
            list_price=self.catalog.list_price,
            cost=self.catalog.cost,
            price=self._price,
            is_listed=self.catalog.on_sale(day.number),
            on_hand=self.stock.on_hand.copy(),
            on_order=self.stock.on_order.copy(),
            sold=self._sold,
            in_stock=self._was_there,
            lead_time_days=self.settings.stock.lead_time_days,
        )

    def _shelf(self, day: Day) -> Shelf:
        price = np.round(self._price, 2)
        # However large a promotion: nothing is given away for less than a cent.
        paid = np.maximum(np.round(price * (1 - day.discount), 2), 0.01)
        is_listed = self.catalog.on_sale(day.number)
        return Shelf(price, paid, is_listed, is_listed & (self.stock.on_hand > 0))

    def _share_out(self, asked: Sequence[Asked]) -> list[Ints]:
        """The stock, among the lines of all shards."""
        product, quantity, second, person = (np.concatenate(column) for column in zip(*asked, strict=True))
        filled = self.stock.fill(product, quantity, second, person)
        return list(np.split(filled, np.cumsum([len(lines[0]) for lines in asked])[:-1]))

    def _remember(self, shelf: Shelf, done: Sequence[ShardDay]) -> None:
        sold = np.zeros(len(self.catalog), dtype=np.int64)
        for part in done:
            np.add.at(sold, part.lines.product, part.lines.quantity)
        self._sold = np.vstack([self._sold[1:], sold])
        self._was_there = np.vstack([self._was_there[1:], shelf.is_there])

    def _ledger(self, shelf: Shelf, done: Sequence[ShardDay]) -> Ledger:
        cost = self.catalog.cost
        total = Ledger()
        for part in done:
            lines = part.lines
            value = lines.quantity * lines.price - lines.discount
            by_order = np.bincount(lines.session, weights=value, minlength=len(part.person))
            num_orders = len(np.unique(lines.session))
            fees = int(((by_order > 0) & (by_order < self.settings.journeys.free_shipping_from)).sum())
            shipping = fees * self.settings.journeys.shipping_fee
            total += Ledger(
                gross_sales=float((lines.quantity * lines.price).sum()),
                discount=float(lines.discount.sum()),
                cost_of_goods=float((lines.quantity * cost[lines.product]).sum()),
                shipping_margin=shipping - num_orders * self.settings.costs.parcel_cost,
                payment_fees=self.settings.costs.payment_fee_rate * (float(value.sum()) + shipping),
                refunds=float(part.returns.amount.sum()),
                lost_margin=float((part.lost * (shelf.paid - cost)).sum()),
                num_visits=len(part.person),
                num_orders=num_orders,
                num_units=int(lines.quantity.sum()),
            )
        return total + Ledger(holding_cost=self._holding_cost())

    def _holding_cost(self) -> float:
        if not self.settings.stock.is_limited:
            return 0.0
        value = float((self.stock.on_hand * self.catalog.cost).sum())
        return value * self.settings.stock.holding_rate / DAYS_OF_YEAR


def _recommend(policies: Policies, view: ShopView, visitors: Sequence[Visitors]) -> list[Ints]:
    """Asked once for the visitors of all shards."""
    everybody = Visitors(
        np.concatenate([some.ids for some in visitors]),
        np.concatenate([some.last_viewed for some in visitors]),
    )
    shown = policies.recommend.recommend(view, everybody, NUM_RECOMMENDED)
    return list(np.split(shown, np.cumsum([len(some.ids) for some in visitors])[:-1]))
