"""A day's visits up to the cart: who comes, what is shown, looked at, and put into the cart.

Every rate below is a chance of its own, capped at 1; see docs/simulator.md for the equations.
"""

from dataclasses import dataclass

import numpy as np

from foresell.simulator.catalog import Catalog
from foresell.simulator.days import Day
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.eventlog import FAVORITES_LIST, HOME_LIST, EventLog
from foresell.simulator.people import NUM_HABITS, People, category_chances, pick
from foresell.simulator.settings import WorldSettings

STEP_OF_LOGIN = 1
STEPS_OF_PAGE = 10_000
STEPS_OF_PLACE = 100
STEP_OF_RESTOCK = 1_000_000
# How much of a product's appeal shows in a click; the rest decides how high it is listed.
APPEAL_IN_CLICK = 0.35
APPEAL_IN_RANK = 1.0
SEARCH_RATE = 0.3
# Chance that a product of a shopping list is taken at its reference price.
RESTOCK_ACCEPTANCE = 0.6
COMPLEMENT_RATE = 0.05
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
    """The sessions of a day: S of them. `row`: of the visitor among the shard's people."""

    row: Ints
    start: Ints
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
        clicked = self._page(sessions, recommended, HOME_LIST, 0)
        self._pages()
        self._restock(sessions[is_customer[self._rows]])
        carts = self._joined_carts()
        start = self._start_seconds()
        return Visits(self._rows, start, recommended, clicked, self._log, carts)

    def _pages(self) -> None:
        """Category pages, as long as there is interest."""
        going = np.arange(len(self._rows))
        for page in range(1, self._settings.most_pages):
            more = self._uniform("more", going, page) < self._settings.more_pages_rate
            going = going[more]
            if not len(going):
                return
            edges = category_chances(self._catalog, self._taste[going])
            category = pick(edges, self._uniform("category", going, page))
            searched = self._uniform("search", going, page) < SEARCH_RATE
            self._log.add("search", going[searched], page * STEPS_OF_PAGE - 1, list_id=1 + category[searched])
            self._page(going, self._listed(going, category, page), 1 + category, page)

    def _listed(self, sessions: Ints, category: Ints, page: int) -> Ints:
        """(n, K) products of a category, ranked by appeal with some chance, or wholly by chance."""
        shelves = self._catalog.shelves[category]
        scores = self._draws.gumbel("list", self._ids[sessions][:, None], self._day.number, page, shelves)
        if not self._settings.is_shuffled:
            scores = scores + APPEAL_IN_RANK * self._catalog.appeal[shelves]
        scores = np.where((shelves >= 0) & self._shelf.is_listed[shelves], scores, -np.inf)
        length = min(self._settings.list_length, shelves.shape[1])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :length]
        listed = np.take_along_axis(shelves, order, axis=1)
        return np.where(np.take_along_axis(scores, order, axis=1) > -np.inf, listed, -1)

    def _page(self, sessions: Ints, shown: Ints, list_id: Ints | int, page: int) -> np.ndarray:
        """A page of products: which are clicked (n, K), and what follows from that."""
        step = page * STEPS_OF_PAGE + STEPS_OF_PLACE - 1
        self._log.add("view_item_list", sessions, step, list_id=list_id)
        clicked = self._clicks(sessions, shown, page)
        at, place = np.nonzero(clicked)
        session, product = sessions[at], shown[at, place]
        step_of = page * STEPS_OF_PAGE + STEPS_OF_PLACE * (place + 1)
        lists = np.broadcast_to(np.asarray(list_id), sessions.shape)[at]
        price = self._shelf.paid[product]
        where = {"product": product, "position": place + 1, "list_id": lists, "price": price}
        self._log.add("select_item", session, step_of, **where)
        self._log.add("view_item", session, step_of + 1, product=product, list_id=lists, price=price)
        self._add_to_cart(session, product, step_of + 2, lists, page)
        return clicked

    def _clicks(self, sessions: Ints, shown: Ints, page: int) -> np.ndarray:
        """Seen with a chance that falls with the place, and then clicked by attraction."""
        places = np.arange(1, shown.shape[1] + 1)
        seen = places**-self._settings.position_power
        liking = np.einsum("nd,nkd->nk", self._taste[sessions], self._catalog.style[shown])
        attraction = np.exp(liking + APPEAL_IN_CLICK * self._catalog.appeal[shown])
        chance = seen * np.minimum(self._settings.click_rate * attraction, 1.0)
        drawn = self._draws.uniform("click", self._ids[sessions][:, None], self._day.number, page, shown)
        return np.asarray((drawn < chance) & (shown >= 0))

    def _add_to_cart(self, session: Ints, product: Ints, step: Ints, lists: Ints, page: int) -> None:
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
        rows = self._rows[sessions]
        comes = self._uniform("restock", sessions) < self._people.restock_rate[rows]
        sessions = sessions[comes]
        if not len(sessions):
            return
        spread = self._settings.basket_spread
        mean = np.log(self._settings.basket_mean / RESTOCK_ACCEPTANCE) - spread**2 / 2
        size = np.ceil(
            np.exp(mean + spread * self._draws.normal("basket", self._ids[sessions], self._day.number))
        )
        ids = self._ids[sessions][:, None]
        order = np.argsort(self._draws.uniform("habit", ids, self._day.number, np.arange(NUM_HABITS)), axis=1)
        at, slot = np.nonzero(np.arange(NUM_HABITS) < size[:, None])
        session = sessions[at]
        product = self._people.habits[self._rows[session], order[at, slot]]
        taken = self._draw_lines("take", session, product, 0) < np.minimum(
            RESTOCK_ACCEPTANCE * self._price_effect(session, product), 1.0
        )
        taken &= self._shelf.is_listed[product]
        # A habit may stand twice among a person's habits: the first counts.
        session, product, step = session[taken], product[taken], STEP_OF_RESTOCK + slot[taken]
        _, first = np.unique(np.stack([session, product]), axis=1, return_index=True)
        self._put(session[first], product[first], step[first], np.full(len(first), FAVORITES_LIST))

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
        also = (self._draw_lines("beside", session, product, 0) < COMPLEMENT_RATE) & is_there
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
        return 1 + np.floor(drawn).astype(np.int64)

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
        hours = np.array(
            [
                1,
                0.5,
                0.3,
                0.2,
                0.2,
                0.4,
                1,
                2,
                3,
                3.6,
                4,
                4.2,
                4.4,
                4.2,
                4,
                4,
                4.2,
                4.6,
                5.2,
                5.8,
                6.2,
                5.8,
                4,
                2.2,
            ]
        )
        hour = self._draws.choice(hours, "hour", self._ids, self._day.number)
        return hour * 3600 + self._draws.below(3000, "second", self._ids, self._day.number)

    def _uniform(self, purpose: str, sessions: Ints, *keys: int) -> Floats:
        return self._draws.uniform(purpose, self._ids[sessions], self._day.number, *keys)

    def _draw_lines(self, purpose: str, session: Ints, product: Ints, page: int) -> Floats:
        return self._draws.uniform(purpose, self._ids[session], self._day.number, product, page)
