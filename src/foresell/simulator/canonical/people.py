"""Customers, what they allow, whom campaigns were aimed at, and what customers say of what they bought."""

import numpy as np
import pyarrow as pa

from foresell.simulator.canonical.behavior import coupon_code
from foresell.simulator.canonical.columns import constant, ids, local_midnight, moments, table, words
from foresell.simulator.catalog import Catalog
from foresell.simulator.checkout import COUPON_DISCOUNT
from foresell.simulator.draws import Draws, Ints
from foresell.simulator.people import CITIES, INCOMES, People
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import ShardDay

DAYS_BEFORE = 700
REVIEW_RATE = 0.06
TICKET_RATE = 0.03
# Reviews are written so many days after the day on which an order can arrive.
REVIEW_DAYS = 9.0
REVIEWS = {
    1: (
        ("Broken after a week", "一周就坏了"),
        ("I expected more for the price.", "质量太差，不值这个价。"),
    ),
    2: (("Not convinced", "不太满意"), ("It works, but the quality is poor.", "能用，但做工一般。")),
    3: (("It is all right", "还可以"), ("Does what it should, nothing more.", "中规中矩，没什么惊喜。")),
    4: (("Good", "不错"), ("Well made and quickly delivered.", "做工不错，发货也快。")),
    5: (("Love it", "非常喜欢"), ("Exactly as described, would buy it again.", "与描述一致，会回购。")),
}
TICKETS = (
    ("where_is_my_order", "Where is my order?", "我的订单到哪了？"),
    ("return", "How can I send this back?", "怎么退货？"),
    ("invoice", "I need an invoice.", "请开发票。"),
    ("product", "Does this fit in a small kitchen?", "这个适合小厨房吗？"),
)


def customer_tables(
    settings: WorldSettings, draws: Draws, people: People, day: int, seconds: Ints | None = None
) -> tuple[pa.Table, pa.Table]:
    """Customers who have an account from these seconds of a day on (None: from before it), and their
    consents."""
    numbers = people.ids
    midnight = local_midnight(settings.shop.start_date, day, settings.shop.time_zone)
    if seconds is None:
        seconds = -draws.below(DAYS_BEFORE, "customer.created", numbers) * 86_400 - 3600
    created = moments(midnight, seconds)
    cities = CITIES.get(settings.shop.country, CITIES["US"])
    customers = table(
        {
            "customer_id": ids("c", numbers),
            "created_at": created,
            "country": constant(settings.shop.country, len(people)),
            "city": words(cities, people.city),
            "birth_year": people.birth_year,
            "gender": words(("female", "male"), np.where(people.gender < 2, people.gender, -1)),
            "income_band": words(INCOMES, people.income),
            "accepts_marketing": people.accepts_marketing,
        }
    )
    consents = table(
        {
            "customer_id": ids("c", numbers),
            "purpose": constant("marketing", len(people)),
            "at": created,
            "is_granted": people.accepts_marketing,
        }
    )
    return customers, consents


def coupon_tables(settings: WorldSettings, listed: Ints, day: int) -> tuple[pa.Table, pa.Table]:
    """Of a week with a coupon: its campaign, and what the coupon can be used for, all that is listed."""
    week = day // 7
    zone, start = settings.shop.time_zone, settings.shop.start_date
    one = np.zeros(1)
    campaign = table(
        {
            "campaign_id": [f"coupons-{week}"],
            "kind": ["coupon"],
            "channel": ["email"],
            "starts_at": moments(local_midnight(start, 7 * week, zone), one),
            "ends_at": moments(local_midnight(start, 7 * week + 7, zone), one),
        }
    )
    coupons = table(
        {
            "coupon_code": constant(coupon_code(day), len(listed)),
            "campaign_id": constant(f"coupons-{week}", len(listed)),
            "product_id": ids("p", listed),
            "kind": constant("percent", len(listed)),
            "value": constant(100 * COUPON_DISCOUNT, len(listed)),
        }
    )
    return campaign, coupons


def audience_table(invited: Ints, day: int) -> pa.Table:
    """Whom the coupon of a week was aimed at."""
    return table(
        {
            "campaign_id": constant(f"coupons-{day // 7}", len(invited)),
            "customer_id": ids("c", invited),
        }
    )


def review_table(settings: WorldSettings, draws: Draws, catalog: Catalog, done: ShardDay) -> pa.Table | None:
    """What some buyers of the day wrote; the quality of a product shows in how often it comes back."""
    lines, person = done.lines, done.person[done.lines.session]
    writes = draws.uniform("writes", person, done.day, lines.product) < REVIEW_RATE
    wait = draws.uniform("review_wait", person, done.day, lines.product) * REVIEW_DAYS
    after = done.start[lines.session] + ((1 + wait) * 86_400).astype(np.int64)
    writes &= after < (settings.shop.days - done.day) * 86_400
    if not writes.any():
        return None
    person, product = person[writes], lines.product[writes]
    flaw = catalog.return_rate[product] / max(2 * settings.demand.return_rate, 1e-9)
    mood = 4.6 - 1.6 * flaw + 0.9 * draws.normal("rating", person, done.day, product)
    rating = np.clip(np.round(mood), 1, 5).astype(np.int64)
    language = int(settings.shop.country == "CN")
    day = np.full(len(person), done.day)
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    return table(
        {
            "review_id": ids("v", day, person, product),
            "product_id": ids("p", product),
            "customer_id": ids("c", person),
            "order_id": ids("o", day, person),
            "rating": rating.astype(np.float64),
            "title": [REVIEWS[stars][0][language] for stars in rating.tolist()],
            "body": [REVIEWS[stars][1][language] for stars in rating.tolist()],
            "language": constant("zh" if language else "en", len(person)),
            "created_at": moments(midnight, after[writes]),
        }
    )


def ticket_table(settings: WorldSettings, draws: Draws, done: ShardDay) -> pa.Table | None:
    """Questions of some of the day's buyers."""
    session = np.unique(done.lines.session)
    session = session[draws.uniform("asks", done.person[session], done.day) < TICKET_RATE]
    if not len(session):
        return None
    person = done.person[session]
    which = draws.choice((0.4, 0.3, 0.1, 0.2), "ticket", person, done.day)
    language = int(settings.shop.country == "CN")
    day = np.full(len(person), done.day)
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    return table(
        {
            "ticket_id": ids("t", day, person),
            "customer_id": ids("c", person),
            "order_id": ids("o", day, person),
            "created_at": moments(midnight, 85_000 + np.zeros(len(person))),
            "channel": constant("email", len(person)),
            "body": words([ticket[1 + language] for ticket in TICKETS], which),
            "intent": words([ticket[0] for ticket in TICKETS], which),
            "status": constant("closed", len(person)),
            "satisfaction": 1 + draws.below(5, "satisfaction", person, done.day).astype(np.float64),
        }
    )
