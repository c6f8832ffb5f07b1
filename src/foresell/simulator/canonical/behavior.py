"""Events and exposures of a day."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foresell.contracts.tables import EVENT_NAMES
from foresell.simulator.canonical.columns import (
    constant,
    ids,
    local_midnight,
    moments,
    only_where,
    table,
    words,
)
from foresell.simulator.canonical.surroundings import AD_CAMPAIGN
from foresell.simulator.catalog import CATEGORIES
from foresell.simulator.checkout import NEVER
from foresell.simulator.draws import Draws
from foresell.simulator.eventlog import FAVORITES_LIST, HOME_LIST, NAME
from foresell.simulator.people import DEVICES, SOURCES
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import ShardDay

DEVICES_PER_PERSON = 2
SECOND_DEVICE_RATE = 0.15
COUPON_CAMPAIGN = "coupons"
MEDIA = {"direct": None, "google": "cpc", "newsletter": "email", "instagram": "social", "partner": "referral"}
SECONDS_BETWEEN = (6, 40)


def event_table(settings: WorldSettings, draws: Draws, done: ShardDay) -> pa.Table:
    """The day's events; a visitor's customer_id stands from the event by which the shop knew it."""
    events, session = done.events, done.events["session"]
    person = done.person[session]
    name = events["name"]
    is_known = events["step"] >= done.known_from[session]
    has_product = events["product"] >= 0
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    pace = SECONDS_BETWEEN[0] + draws.below(SECONDS_BETWEEN[1], "pace", done.person, done.day)
    seconds = done.start[session] + _moments(events) * pace[session]
    is_purchase = name == NAME["purchase"]
    has_price = ~np.isnan(events["price"])
    price, quantity = events["price"], events["quantity"]
    number = len(session)
    return table(
        {
            "event_id": ids("e", np.full(number, done.day), person, events["rank"]),
            "event_name": words(EVENT_NAMES, name),
            "occurred_at": moments(midnight, seconds),
            "customer_id": only_where(ids("c", person), is_known),
            "anonymous_id": ids("a", person, device_numbers(draws, done)[session]),
            "session_id": ids("s", np.full(number, done.day), person),
            "product_id": only_where(ids("p", events["product"]), has_product),
            "quantity": only_where(pa.array(quantity.astype(np.float64)), quantity > 0),
            "price": only_where(pa.array(price), has_price),
            "value": _values(done, is_purchase, has_price),
            "currency": constant(settings.shop.currency, number),
            "order_id": only_where(ids("o", np.full(number, done.day), person), is_purchase),
            "list_id": _lists(events["list_id"]),
            "position": only_where(pa.array(events["position"]), events["position"] > 0),
            "search_query": _queries(name, events["list_id"]),
            "coupon_code": words([coupon_code(done.day)], np.where(name == NAME["coupon_applied"], 0, -1)),
            "device_type": words(DEVICES, device_kinds(draws, done)[session]),
            "country": constant(settings.shop.country, number),
            **_sources(draws, done, session),
        }
    )


def _moments(events: dict[str, np.ndarray]) -> np.ndarray:
    """The place of each event's moment in its session, from 0: the items of a purchase have one moment."""
    session = events["session"]
    is_first = np.diff(session, prepend=-1) != 0
    is_purchase = events["name"] == NAME["purchase"]
    moment = np.cumsum(is_first | ~(is_purchase & np.concatenate([[False], is_purchase[:-1]])))
    return np.asarray(moment - moment[is_first][np.cumsum(is_first) - 1])


def _values(done: ShardDay, is_purchase: np.ndarray, has_price: np.ndarray) -> pa.Array:
    """Price times quantity; of a purchase, the order's goods, on its first row alone, as trackers send it."""
    events, lines = done.events, done.lines
    session = events["session"]
    paid = lines.quantity * lines.price - lines.discount
    by_session = np.bincount(lines.session, weights=paid, minlength=len(done.person))
    goes_on = is_purchase & np.concatenate([[False], is_purchase[:-1] & (session[1:] == session[:-1])])
    item = events["price"] * np.maximum(events["quantity"], 1)
    value = np.round(np.where(is_purchase, by_session[session], item), 2)
    return only_where(pa.array(value), has_price & ~goes_on)


def exposure_table(settings: WorldSettings, draws: Draws, done: ShardDay) -> pa.Table | None:
    """The recommendations of a share of the visits, one row a place; None for a day without any."""
    logged = np.flatnonzero(draws.uniform("exposed", done.person, done.day) < settings.journeys.exposure_rate)
    at, place = np.nonzero(done.shown[logged] >= 0)
    if not len(at):
        return None
    session = logged[at]
    person, day = done.person[session], np.full(len(session), done.day)
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    return table(
        {
            "exposure_id": ids("x", day, person, place + 1),
            "customer_id": only_where(ids("c", person), done.known_from[session] < NEVER),
            "occurred_at": moments(midnight, done.start[session]),
            "policy": constant("home", len(session)),
            "action": ids("p", done.shown[session, place]),
            "position": place + 1,
            "propensity": constant(1.0, len(session)),
            "is_clicked": done.clicked[session, place],
        }
    )


def device_numbers(draws: Draws, done: ShardDay) -> np.ndarray:
    """(S,) which of their devices, each with its own cookie, the visitors use."""
    second = draws.uniform("second_device", done.person, done.day) < SECOND_DEVICE_RATE
    return second.astype(np.int64)


def device_kinds(draws: Draws, done: ShardDay) -> np.ndarray:
    """(S,) codes of DEVICES: a person's first device is always of one kind, the second of another."""
    first = draws.choice((0.6, 0.34, 0.06), "person.device", done.person)
    return np.asarray((first + device_numbers(draws, done)) % len(DEVICES))


def coupon_code(day: int) -> str:
    """The code of the campaign of that week."""
    return f"WEEK{day // 7}"


def _lists(codes: np.ndarray) -> pa.Array:
    names = ["home", *(f"category:{one.name[0]}" for one in CATEGORIES), "favorites"]
    code = np.where(codes == FAVORITES_LIST, len(names) - 1, codes)
    return words(names, np.where(codes >= HOME_LIST, code, -1))


def _queries(name: np.ndarray, lists: np.ndarray) -> pa.Array:
    searched = (name == NAME["search"]) & (lists > HOME_LIST) & (lists < FAVORITES_LIST)
    return words([one.name[0].lower() for one in CATEGORIES], np.where(searched, lists - 1, -1))


def _sources(draws: Draws, done: ShardDay, session: np.ndarray) -> dict[str, pa.Array]:
    own = draws.choice((0.4, 0.3, 0.12, 0.12, 0.06), "person.source", done.person)
    strays = draws.uniform("stray", done.person, done.day) < 0.25
    code = np.where(strays, draws.below(len(SOURCES), "source", done.person, done.day), own)[session]
    source = words(SOURCES, code)
    medium = words([MEDIA[name] for name in SOURCES], code)
    campaign = pc.if_else(pc.equal(medium, "cpc"), AD_CAMPAIGN, pa.scalar(None, pa.string()))
    return {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign}
