"""A part of the people, and how they fare: the unit of work of a process.

A day has four steps: who comes (`visitors`), what they do up to the checkout (`browse`), what they get
(`settle`, after the world has shared out the stock), and how it leaves them (part of `settle`).
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from foresell.simulator.browse import Browsing, Shelf, Visits
from foresell.simulator.catalog import FOREVER, NUM_TASTES, Catalog
from foresell.simulator.checkout import (
    BOUGHT,
    SOLD_OUT,
    STEP_OF_CHECKOUT,
    Checkout,
    check_out,
    line_discounts,
)
from foresell.simulator.days import Day
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.eventlog import NAME
from foresell.simulator.people import DAYS_OF_MONTH, TROUBLE_KEPT, make_people
from foresell.simulator.policies import Visitors
from foresell.simulator.settings import WorldSettings

NUM_LAST_VIEWED = 5
# Of those who knew the shop before, so many have an account.
ACCOUNT_RATE = 0.7
LATE_PARCEL_RATE = 0.05
RETURN_DAYS = (6, 21)
COUPON_WEEKS = 4
COUPON_AUDIENCE_RATE = 0.3
COUPON_SHARE_RATE = 0.25


@dataclass(frozen=True)
class Lines:
    """Order lines of a day: L of them. `session` counts within the shard's day."""

    session: Ints
    product: Ints
    quantity: Ints
    price: Floats
    discount: Floats


@dataclass(frozen=True)
class Returns:
    """Lines given back on a day: of which person, order (the day and number of the session's person)."""

    person: Ints
    ordered_on: Ints
    product: Ints
    quantity: Ints
    amount: Floats


@dataclass(frozen=True)
class ShardDay:
    """What one shard did on one day. `events`: columns of `EventLog.in_order`; `lines`: delivered;
    `cancelled`: ordered, but nothing of their orders was left; `returns`: given back today; `wanted`: (P,)
    units that were wanted, there or not; `lost`: (P,) that would have been bought and were not there."""

    day: int
    person: Ints
    start: Ints
    known_from: Ints
    signed_up: np.ndarray
    used_coupon: np.ndarray
    reason: Ints
    events: dict[str, np.ndarray]
    shown: Ints
    clicked: np.ndarray
    lines: Lines
    cancelled: Lines
    returns: Returns
    wanted: Ints
    lost: Ints


class Shard:
    """People `ids` of the world, from day to day."""

    def __init__(self, settings: WorldSettings, draws: Draws, catalog: Catalog, ids: Ints) -> None:
        self._settings = settings
        self._draws = draws
        self._catalog = catalog
        self.people = make_people(settings, draws, ids)
        number = len(ids)
        knows = self.people.joined == 0
        self.has_account = knows & (draws.uniform("person.account", ids) < ACCOUNT_RATE)
        self.invited = np.zeros(number, dtype=bool)
        self.left_on = np.full(number, FOREVER, dtype=np.int64)
        self.trouble = np.zeros(number)
        self.taste = self.people.taste.copy()
        self.last_viewed = np.full((number, NUM_LAST_VIEWED), -1, dtype=np.int64)
        self._returns: dict[int, list[tuple[Ints, Ints, Ints, Ints, Floats]]] = defaultdict(list)
        self._rows = np.empty(0, dtype=np.int64)
        self._visits: Visits | None = None
        self._checkout: Checkout | None = None

    def visitors(self, day: Day) -> Visitors:
        """Who comes today; those who leave for good do so before."""
        people, number = self.people, day.number
        self.trouble *= TROUBLE_KEPT
        self._drift(number)
        self._invite(number)
        hazard = 1 - (1 - self._settings.people.churn_per_month) ** (1 / DAYS_OF_MONTH)
        hazard = hazard * np.exp(self._settings.people.churn_after_trouble * self.trouble)
        is_here = (people.joined <= number) & (self.left_on == FOREVER)
        leaves = is_here & (self._draws.uniform("leave", people.ids, number) < hazard)
        self.left_on[leaves] = number
        chance = 1 - np.exp(-people.visits_per_day * day.visits)
        comes = is_here & ~leaves & (self._draws.uniform("visit", people.ids, number) < chance)
        # Somebody's first visit is the day they join.
        comes |= is_here & ~leaves & (people.joined == number) & (number > 0)
        self._rows = np.flatnonzero(comes)
        return Visitors(people.ids[self._rows], self.last_viewed[self._rows])

    def _drift(self, number: int) -> None:
        """Tastes wander a little, all at once at the start of a month of the world."""
        if number == 0 or number % 30:
            return
        step = self._settings.people.taste_drift * self._settings.people.taste_strength
        noise = self._draws.normal("drift", self.people.ids[:, None], number, np.arange(NUM_TASTES))
        self.taste += step * noise

    def browse(self, day: Day, shelf: Shelf, recommended: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Everything up to the order; the lines that are asked for: product, quantity, second, person."""
        browsing = Browsing(
            self._settings, self._draws, self._catalog, self.people, self.taste, day, shelf, self._rows
        )
        self._visits = browsing.visit(recommended, self.has_account)
        self._checkout = check_out(
            self._settings,
            self._draws,
            self.people,
            day.number,
            shelf,
            self._visits,
            self.has_account,
            self._has_coupon(day.number),
        )
        asked = self._checkout.requests
        return asked.product, asked.quantity, asked.second, self.people.ids[self._rows[asked.session]]

    def _has_coupon(self, number: int) -> np.ndarray:
        """(S,) whether a coupon is in the mail box: a week in four, to those who were invited."""
        week = number // 7
        if week % COUPON_WEEKS != COUPON_WEEKS - 1:
            return np.zeros(len(self._rows), dtype=bool)
        drawn = self._draws.uniform("coupon", self.people.ids[self._rows], number)
        return np.asarray(self.invited[self._rows] & (drawn < COUPON_SHARE_RATE))

    def _invite(self, number: int) -> None:
        """A coupon campaign is aimed at a random part of the customers who agreed, as its week begins."""
        if number % 7 == 0:
            chosen = in_audience(self._draws, self.people.ids, number // 7)
            self.invited = np.asarray(chosen & self.people.accepts_marketing & self.has_account)

    def settle(self, day: Day, shelf: Shelf, filled: Ints) -> ShardDay:
        """The orders as delivered (`filled` units a requested line), and how that leaves people."""
        visits, checkout = self._visits, self._checkout
        if visits is None or checkout is None:
            raise RuntimeError("settle follows browse")
        lines = self._lines(shelf, checkout, filled)
        self._log_orders(shelf, visits, checkout, lines)
        events = visits.log.in_order()
        self._remember(day.number, visits, checkout, events, filled)
        self._plan_returns(day.number, lines)
        asked = visits.carts
        wanted = np.bincount(asked.product, weights=asked.quantity, minlength=len(self._catalog))
        return ShardDay(
            day=day.number,
            person=self.people.ids[visits.row],
            start=visits.start,
            known_from=checkout.known_from,
            signed_up=checkout.signed_up,
            used_coupon=checkout.used_coupon,
            reason=checkout.reason,
            events=events,
            shown=visits.shown,
            clicked=visits.clicked,
            lines=lines,
            cancelled=self._lines(shelf, checkout, self._in_vain(checkout)),
            returns=self._returned(day.number),
            wanted=wanted.astype(np.int64),
            lost=self._lost(checkout, filled),
        )

    def _lost(self, checkout: Checkout, filled: Ints) -> Ints:
        """(P,) units that would have been bought: not there in the morning, or gone before the checkout."""
        missed, asked = checkout.missed, checkout.requests
        product = np.concatenate([missed.product, asked.product])
        units = np.concatenate([missed.quantity, np.where(filled == 0, asked.quantity, 0)])
        return np.bincount(product, weights=units, minlength=len(self._catalog)).astype(np.int64)

    def _in_vain(self, checkout: Checkout) -> Ints:
        """Units of the requested lines whose whole order could not be delivered."""
        asked = checkout.requests
        return np.where(checkout.reason[asked.session] == SOLD_OUT, asked.quantity, 0)

    def _lines(self, shelf: Shelf, checkout: Checkout, filled: Ints) -> Lines:
        asked = checkout.requests
        given = filled > 0
        session, product, quantity = asked.session[given], asked.product[given], filled[given]
        coupon = checkout.used_coupon[session]
        discount = line_discounts(shelf, product, quantity, coupon)
        return Lines(session, product, quantity, shelf.price[product], discount)

    def _log_orders(self, shelf: Shelf, visits: Visits, checkout: Checkout, lines: Lines) -> None:
        ordered = np.unique(lines.session)
        buyers = np.flatnonzero(checkout.reason == BOUGHT)
        in_vain = np.setdiff1d(buyers, ordered)
        checkout.reason[in_vain] = SOLD_OUT
        visits.log.add(
            "purchase",
            lines.session,
            STEP_OF_CHECKOUT + 9,
            product=lines.product,
            price=shelf.paid[lines.product],
            quantity=lines.quantity,
        )
        visits.log.add("order_cancelled", in_vain, STEP_OF_CHECKOUT + 9)

    def _remember(
        self, number: int, visits: Visits, checkout: Checkout, events: dict[str, np.ndarray], filled: Ints
    ) -> None:
        rows = visits.row
        self.has_account[rows[checkout.signed_up]] = True
        missed = np.bincount(visits.carts.session, weights=~visits.carts.is_there, minlength=len(rows))
        missed += np.bincount(checkout.requests.session, weights=filled == 0, minlength=len(rows))
        late = (checkout.reason == BOUGHT) & (
            self._draws.uniform("late", self.people.ids[rows], number) < LATE_PARCEL_RATE
        )
        self.trouble[rows] += np.minimum(missed, 2) + late
        self._view(rows, events)

    def _view(self, rows: Ints, events: dict[str, np.ndarray]) -> None:
        """The last products that each visitor looked at, the latest first."""
        viewed = events["name"] == NAME["view_item"]
        session, product = events["session"][viewed], events["product"][viewed]
        for place in range(NUM_LAST_VIEWED, 0, -1):
            after = np.searchsorted(session, np.arange(len(rows)), side="right") - place
            has = (
                (after >= 0) & (session[np.maximum(after, 0)] == np.arange(len(rows)))
                if len(session)
                else None
            )
            if has is not None:
                at = rows[has]
                self.last_viewed[at] = np.roll(self.last_viewed[at], 1, axis=1)
                self.last_viewed[at, 0] = product[after[has]]

    def _plan_returns(self, number: int, lines: Lines) -> None:
        ids = self.people.ids[self._rows[lines.session]]
        back = (
            self._draws.uniform("return", ids, number, lines.product)
            < self._catalog.return_rate[lines.product]
        )
        first, last = RETURN_DAYS
        wait = first + self._draws.below(last - first, "return_days", ids, number, lines.product)
        amount = np.round(lines.quantity * lines.price - lines.discount, 2)
        for days in np.unique(wait[back]):
            chosen = back & (wait == days)
            self._returns[number + int(days)].append(
                (
                    ids[chosen],
                    np.full(int(chosen.sum()), number, dtype=np.int64),
                    lines.product[chosen],
                    lines.quantity[chosen],
                    amount[chosen],
                )
            )

    def _returned(self, number: int) -> Returns:
        parts = self._returns.pop(number, [])
        empty = np.empty(0, dtype=np.int64)
        if not parts:
            return Returns(empty, empty, empty, empty, empty.astype(np.float64))
        person, ordered_on, product, quantity, amount = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        rows = np.searchsorted(self.people.ids, person)
        np.add.at(self.trouble, rows, 0.5)
        return Returns(person, ordered_on, product, quantity, amount)


def in_audience(draws: Draws, ids: Ints, week: int) -> np.ndarray:
    """Whom the coupon campaign of a week was aimed at: a random part of everybody."""
    return np.asarray(draws.uniform("audience", ids, week) < COUPON_AUDIENCE_RATE)
