"""From the cart to the order: who goes on to pay, and what of it can be delivered."""

from dataclasses import dataclass

import numpy as np

from foresell.simulator.browse import STEP_OF_LOGIN, Shelf, Visits
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.people import People
from foresell.simulator.settings import WorldSettings

STEP_OF_CHECKOUT = 2_000_000
VIEW_CART_RATE = 0.8
# After the checkout has begun: chance to go on at each step.
STEP_RATES = (("add_shipping_info", 0.95), ("add_payment_info", 0.96), ("purchase", 0.98))
# Why a cart was left, as the truth has it.
REASONS = ("bought", "changed mind", "shipping fee", "gave up in checkout", "sold out")
BOUGHT, CHANGED_MIND, SHIPPING_FEE, GAVE_UP, SOLD_OUT = range(len(REASONS))
NEVER = 2**62
COUPON_DISCOUNT = 0.1


@dataclass(frozen=True)
class Requests:
    """Lines that customers are about to pay for: session, product, quantity, and the second of the day."""

    session: Ints
    product: Ints
    quantity: Ints
    second: Ints


@dataclass(frozen=True)
class Missed:
    """What would have been bought, had it been there when the day began: product and quantity."""

    product: Ints
    quantity: Ints


@dataclass(frozen=True)
class Checkout:
    """What became of the carts. (S,) each: the step from which the visitor is known by name (NEVER: not at
    all), who signed up, who used a coupon, and why a cart was left (REASONS; −1: there was none)."""

    known_from: Ints
    signed_up: np.ndarray
    used_coupon: np.ndarray
    reason: Ints
    requests: Requests
    missed: Missed


def check_out(
    settings: WorldSettings,
    draws: Draws,
    people: People,
    day: int,
    shelf: Shelf,
    visits: Visits,
    has_account: np.ndarray,
    has_coupon: np.ndarray,
) -> Checkout:
    """Every session with something in its cart; events go into the log of the visits."""
    ids = people.ids[visits.row]
    number = len(ids)
    carts = visits.carts
    there = carts.is_there
    subtotal = np.bincount(
        carts.session[there],
        weights=(shelf.paid[carts.product] * carts.quantity)[there],
        minlength=number,
    )
    filled = np.flatnonzero(subtotal > 0)
    known_from = _log_ins(settings, draws, day, visits, ids, has_account)
    viewed = filled[draws.uniform("view_cart", ids[filled], day) < VIEW_CART_RATE]
    visits.log.add("view_cart", viewed, STEP_OF_CHECKOUT)
    pays_shipping = subtotal < settings.journeys.free_shipping_from
    coupon = has_coupon & (subtotal > 0)
    begins, fee = _begins(settings, draws, people, day, visits, filled, pays_shipping, coupon)
    reason = np.full(number, -1, dtype=np.int64)
    reason[filled] = np.where(fee[filled], SHIPPING_FEE, CHANGED_MIND)
    visits.log.add("begin_checkout", begins, STEP_OF_CHECKOUT + 1)
    visits.log.add("coupon_applied", begins[coupon[begins]], STEP_OF_CHECKOUT + 2)
    signs_up = begins[~has_account[visits.row[begins]]]
    visits.log.add("sign_up", signs_up, STEP_OF_CHECKOUT + 3)
    late = begins[has_account[visits.row[begins]] & (known_from[begins] == NEVER)]
    visits.log.add("login", late, STEP_OF_CHECKOUT + 3)
    known_from[begins] = np.minimum(known_from[begins], STEP_OF_CHECKOUT + 3)
    signed_up = np.zeros(number, dtype=bool)
    signed_up[signs_up] = True
    reason[begins] = GAVE_UP
    buyers = _go_on(draws, day, visits, ids, begins)
    reason[buyers] = BOUGHT
    left_empty = _would_buy(settings, draws, people, day, visits, np.setdiff1d(carts.session, filled))
    is_missed = ~there & np.isin(carts.session, np.concatenate([buyers, left_empty]))
    missed = Missed(carts.product[is_missed], carts.quantity[is_missed])
    return Checkout(known_from, signed_up, coupon, reason, _requests(visits, buyers), missed)


def _would_buy(
    settings: WorldSettings, draws: Draws, people: People, day: int, visits: Visits, sessions: Ints
) -> Ints:
    """The sessions, none with anything in the cart, that would have bought what was not there; by the same
    draws that they would have met, and without a coupon or a fee."""
    nothing = np.zeros(len(visits.row), dtype=bool)
    begins, _ = _begins(settings, draws, people, day, visits, sessions, nothing, nothing)
    ids = people.ids[visits.row[begins]]
    goes_on = np.ones(len(begins), dtype=bool)
    for name, rate in STEP_RATES:
        goes_on &= draws.uniform(name, ids, day) < rate
    return begins[goes_on]


def _log_ins(
    settings: WorldSettings, draws: Draws, day: int, visits: Visits, ids: Ints, has_account: np.ndarray
) -> Ints:
    known_from = np.full(len(ids), NEVER, dtype=np.int64)
    early = has_account[visits.row] & ~visits.bounced
    early &= draws.uniform("login", ids, day) < settings.journeys.login_rate
    visits.log.add("login", np.flatnonzero(early), STEP_OF_LOGIN)
    known_from[early] = STEP_OF_LOGIN
    return known_from


def _begins(
    settings: WorldSettings,
    draws: Draws,
    people: People,
    day: int,
    visits: Visits,
    filled: Ints,
    pays_shipping: np.ndarray,
    coupon: np.ndarray,
) -> tuple[Ints, np.ndarray]:
    """The sessions that begin the checkout, and those that would have, were it not for the fee."""
    rows = visits.row[filled]
    given = settings.journeys
    chance = np.where(visits.rebuys[filled], given.rebuy_checkout_rate, given.checkout_rate)
    chance *= np.where(coupon[filled], people.coupon_uplift[rows], 1.0)
    with_fee = chance * np.where(pays_shipping[filled], 0.85, 1.0)
    drawn = draws.uniform("checkout", people.ids[rows], day)
    kept_away = np.zeros(len(visits.row), dtype=bool)
    kept_away[filled] = (drawn >= with_fee) & (drawn < chance)
    return filled[drawn < np.minimum(with_fee, 1.0)], kept_away


def _go_on(draws: Draws, day: int, visits: Visits, ids: Ints, sessions: Ints) -> Ints:
    """Through the steps of the checkout; the purchase itself is logged when the stock is shared out."""
    for place, (name, rate) in enumerate(STEP_RATES):
        sessions = sessions[draws.uniform(name, ids[sessions], day) < rate]
        if name != "purchase":
            visits.log.add(name, sessions, STEP_OF_CHECKOUT + 4 + place)
    return sessions


def _requests(visits: Visits, buyers: Ints) -> Requests:
    carts = visits.carts
    chosen = np.isin(carts.session, buyers) & carts.is_there
    session = carts.session[chosen]
    return Requests(session, carts.product[chosen], carts.quantity[chosen], visits.start[session] + 900)


def line_discounts(shelf: Shelf, product: Ints, quantity: Ints, has_coupon: np.ndarray) -> Floats:
    """Of each line: the promotion's part and, of what is left, the coupon's; to the cent."""
    by_promotion = quantity * (shelf.price[product] - shelf.paid[product])
    by_coupon = np.where(has_coupon, quantity * shelf.paid[product] * COUPON_DISCOUNT, 0.0)
    return np.round(by_promotion + by_coupon, 2)
