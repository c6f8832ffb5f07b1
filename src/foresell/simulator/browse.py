"""A day's visits up to the cart: who comes, what is shown, looked at, and put into the cart.

Every rate below is a chance of its own, capped at 1; see docs/simulator.md for the equations.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from foresell.simulator.catalog import Catalog
from foresell.simulator.days import Day
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.eventlog import FAVORITES_LIST, HOME_LIST, EventLog
from foresell.simulator.people import People, category_chances, pick
from foresell.simulator.rebuy import ACCEPTANCE, shopping_lists
from foresell.simulator.settings import WorldSettings

STEP_OF_LOGIN = 1
STEPS_OF_PAGE = 10_000
STEPS_OF_PLACE = 100
STEP_OF_RESTOCK = 1_000_000
# How much of a product's appeal shows in a click; the rest decides how high it is listed.
APPEAL_IN_CLICK = 0.35
APPEAL_IN_RANK = 1.0
SEARCH_RATE = 0.3
# Visits by hour of the day, from midnight.
HOUR_WEIGHTS = (
    *(1.0, 0.5, 0.3, 0.2, 0.2, 0.4, 1.0, 2.0, 3.0, 3.6, 4.0, 4.2),
    *(4.4, 4.2, 4.0, 4.0, 4.2, 4.6, 5.2, 5.8, 6.2, 5.8, 4.0, 2.2),
)


@dataclass(frozen=True)
class Shelf:
    """What everybody meets on a day, (P,) each: `price` before and `paid` after promotion, and what is there.

    `is_listed`: in the catalog. `is_there`: in stock when the day begins.
    """

    price: Floats
    paid: Floats
    is_listed: np.ndarray
    is_there: np.ndarray


@dataclass(frozen=True)
class Carts:
    """Lines put into carts: session, product, quantity and whether the product was there."""

    session: Ints
    product: Ints
    quantity: Ints
    is_there: np.ndarray


@dataclass(frozen=True)
class Visits:
    """The sessions of a day: S of them. `row`: of the visitor among the shard's people. `bounced`: left at
    once. `rebuys`: came to buy again. `shown`: (S, k) on the first page, −1 for nothing."""

    row: Ints
    start: Ints
    bounced: np.ndarray
    rebuys: np.ndarray
    shown: Ints
    clicked: np.ndarray
    log: EventLog
    carts: Carts


class Browsing:
    """The visits of one day in one shard; each method is a step of them."""

    def __init__(
        self,
        settings: WorldSettings,
        draws: Draws,
        catalog: Catalog,
        people: People,
        taste: Floats,
        day: Day,
        shelf: Shelf,
        rows: Ints,
    ) -> None:
        self._settings = settings.journeys
        self._draws = draws
        self._catalog = catalog
        self._day = day
        self._shelf = shelf
        self._rows = rows
        self._ids = people.ids[rows]
        self._people = people
        self._taste = taste[rows]
        self._log = EventLog()
        self._carts: list[tuple[Ints, Ints, Ints, np.ndarray]] = []

    def visit(self, recommended: Ints, is_customer: np.ndarray) -> Visits:
        """All sessions of the day. `recommended`: (S, k) products on the first page."""
        sessions = np.arange(len(self._rows))
        self._log.add("page_view", sessions, 0)
        rebuys = is_customer[self._rows] & (
            self._uniform("restock", sessions) < self._people.restock_rate[self._rows]
        )
        bounced = ~rebuys & (self._uniform("bounce", sessions) < self._settings.bounce_rate)
        stays = np.flatnonzero(~bounced)
        shown = np.where(bounced[:, None], -1, recommended)
        clicked = np.zeros(shown.shape, dtype=bool)
        clicked[stays] = self._page(stays, shown[stays], HOME_LIST, np.zeros(len(stays), int))
        self._pages(stays)
        self._restock(np.flatnonzero(rebuys))
        carts = self._joined_carts()
        start = self._start_seconds()
        return Visits(self._rows, start, bounced, rebuys, shown, clicked, self._log, carts)

    def _pages(self, sessions: Ints) -> None:
        """Category pages, as long as there is interest; all of them at once."""
        num_pages = self._num_pages(sessions)
        of = np.repeat(np.arange(len(sessions)), num_pages)
        going, first = sessions[of], np.cumsum(num_pages) - num_pages
        page = 1 + np.arange(len(of)) - first[of]
        edges = category_chances(self._catalog, self._taste[sessions])
        category = pick(edges[of], self._uniform("category", going, page))
        searched = self._uniform("search", going, page) < SEARCH_RATE
        step = page * STEPS_OF_PAGE - 1
        self._log.add("search", going[searched], step[searched], list_id=1 + category[searched])
        self._page(going, self._listed(going, category, page), 1 + category, page)

    def _num_pages(self, sessions: Ints) -> Ints:
        """Geometric, with a chance of another page whose log odds are normal between visits: some visits are
        very long."""
        middle, spread = self._settings.more_pages_rate, self._settings.interest_spread
        rate = np.full(len(sessions), middle)
        if 0 < middle < 1:
            rate = expit(logit(middle) + spread * self._draws.normal("interest", *self._visit(sessions)))
        with np.errstate(divide="ignore"):
            pages = np.abs(np.log(self._uniform("pages", sessions))) / np.abs(np.log(rate))
        return np.asarray(np.minimum(pages, self._settings.most_pages - 1), dtype=np.int64)

    def _listed(self, sessions: Ints, category: Ints, page: Ints) -> Ints:
        """(n, K) products of a category, ranked by appeal with some chance, or wholly by chance."""
        shelves = self._catalog.shelves[category]
        visitor = self._ids[sessions][:, None]
        scores = self._draws.gumbel("list", visitor, self._day.number, page[:, None], shelves)
        if not self._settings.is_shuffled:
            scores = scores + APPEAL_IN_RANK * self._catalog.appeal[shelves]
        scores = np.where((shelves >= 0) & self._shelf.is_listed[shelves], scores, -np.inf)
        length = min(self._settings.list_length, shelves.shape[1])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :length]
        listed = np.take_along_axis(shelves, order, axis=1)
        return np.where(np.take_along_axis(scores, order, axis=1) > -np.inf, listed, -1)

    def _page(self, sessions: Ints, shown: Ints, list_id: Ints | int, page: Ints) -> np.ndarray:
        """A page of products: which are clicked (n, K), and what follows from that."""
        step = page * STEPS_OF_PAGE + STEPS_OF_PLACE - 1
        self._log.add("view_item_list", sessions, step, list_id=list_id)
        clicked = self._clicks(sessions, shown, page)
        at, place = np.nonzero(clicked)
        session, product = sessions[at], shown[at, place]
        step_of = page[at] * STEPS_OF_PAGE + STEPS_OF_PLACE * (place + 1)
        lists = np.broadcast_to(np.asarray(list_id), sessions.shape)[at]
        price = self._shelf.paid[product]
        where = {"product": product, "position": place + 1, "list_id": lists, "price": price}
        self._log.add("select_item", session, step_of, **where)
        self._log.add("view_item", session, step_of + 1, product=product, list_id=lists, price=price)
        self._add_to_cart(session, product, step_of + 2, lists, page[at])
        return clicked

    def _clicks(self, sessions: Ints, shown: Ints, page: Ints) -> np.ndarray:
        """Seen with a chance that falls with the place, and then clicked by attraction."""
        places = np.arange(1, shown.shape[1] + 1)
        seen = places**-self._settings.position_power
        liking = np.einsum("nd,nkd->nk", self._taste[sessions], self._catalog.style[shown])
        attraction = np.exp(liking + APPEAL_IN_CLICK * self._catalog.appeal[shown])
        chance = seen * np.minimum(self._settings.click_rate * attraction, 1.0)
        visitor = self._ids[sessions][:, None]
        drawn = self._draws.uniform("click", visitor, self._day.number, page[:, None], shown)
        return np.asarray((drawn < chance) & (shown >= 0))

    def _add_to_cart(self, session: Ints, product: Ints, step: Ints, lists: Ints, page: Ints) -> None:
        wanted = self._draw_lines("cart", session, product, page) < np.minimum(
            self._settings.cart_rate * self._price_effect(session, product), 1.0
        )
        self._put(session[wanted], product[wanted], step[wanted], lists[wanted])

    def _price_effect(self, session: Ints, product: Ints) -> Floats:
        """Constant elasticity: (paid ÷ reference price) to the power of −elasticity."""
        relative = self._shelf.paid[product] / self._catalog.list_price[product]
        elasticity = self._people.elasticity[self._rows[session]]
        return np.asarray(relative**-elasticity)

    def _restock(self, sessions: Ints) -> None:
        """Customers who came to buy again what they always buy."""
        if not len(sessions):
            return
        rows, day = self._rows[sessions], self._day.number
        at, product, slot = shopping_lists(
            self._settings, self._draws, self._catalog, self._ids[sessions], self._people.taste[rows], day
        )
        session = sessions[at]
        taken = self._draw_lines("take", session, product, 0) < np.minimum(
            ACCEPTANCE * self._price_effect(session, product), 1.0
        )
        taken &= self._shelf.is_listed[product]
        session, product, step = session[taken], product[taken], STEP_OF_RESTOCK + slot[taken]
        self._put(session, product, step, np.full(len(session), FAVORITES_LIST))

    def _put(self, session: Ints, product: Ints, step: Ints, lists: Ints) -> None:
        """Into the cart what is there; what is not is wanted in vain. Some take along what goes with it."""
        quantity = self._quantities(session, product)
        is_there = self._shelf.is_there[product]
        self._carts.append((session, product, quantity, is_there))
        price = self._shelf.paid[product]
        self._log.add(
            "add_to_cart",
            session[is_there],
            step[is_there],
            product=product[is_there],
            list_id=lists[is_there],
            price=price[is_there],
            quantity=quantity[is_there],
        )
        beside = self._catalog.complement[product]
        also = (self._draw_lines("beside", session, product, 0) < self._settings.complement_rate) & is_there
        also &= self._shelf.is_listed[beside] & self._shelf.is_there[beside] & (beside != product)
        session, product, step = session[also], beside[also], step[also] + 1
        one = np.ones(len(session), dtype=np.int64)
        self._carts.append((session, product, one, np.ones(len(session), dtype=bool)))
        paid = self._shelf.paid[product]
        self._log.add("add_to_cart", session, step, product=product, price=paid, quantity=one)

    def _quantities(self, session: Ints, product: Ints) -> Ints:
        """Geometric: one, and another with the same chance again and again."""
        rate = self._settings.second_unit_rate
        if rate == 0:
            return np.ones(len(session), dtype=np.int64)
        drawn = np.log(self._draw_lines("second", session, product, 0)) / np.log(rate)
        return np.asarray(1 + np.floor(drawn), dtype=np.int64)

    def _joined_carts(self) -> Carts:
        """Each product once a session: the largest quantity asked for."""
        if not self._carts:
            empty = np.empty(0, dtype=np.int64)
            return Carts(empty, empty, empty, np.empty(0, dtype=bool))
        session, product, quantity, is_there = (
            np.concatenate(column) for column in zip(*self._carts, strict=True)
        )
        order = np.lexsort((-quantity, product, session))
        session, product, quantity, is_there = (a[order] for a in (session, product, quantity, is_there))
        is_first = (np.diff(session, prepend=-1) != 0) | (np.diff(product, prepend=-1) != 0)
        return Carts(session[is_first], product[is_first], quantity[is_first], is_there[is_first])

    def _start_seconds(self) -> Ints:
        """Local second of the day: most come in the evening, few at night."""
        hour = self._draws.choice(HOUR_WEIGHTS, "hour", self._ids, self._day.number)
        return hour * 3600 + self._draws.below(3000, "second", self._ids, self._day.number)

    def _visit(self, sessions: Ints) -> tuple[Ints, int]:
        return self._ids[sessions], self._day.number

    def _uniform(self, purpose: str, sessions: Ints, *keys: Ints) -> Floats:
        return self._draws.uniform(purpose, *self._visit(sessions), *keys)

    def _draw_lines(self, purpose: str, session: Ints, product: Ints, page: Ints | int) -> Floats:
        return self._draws.uniform(purpose, self._ids[session], self._day.number, product, page)
