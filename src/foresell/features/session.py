"""The features of a visit so far: one row for each of its events, from that event and those before it only.

    session_features(tables, settings, cutoff, spec)      Ibis: keys, facts of the moment, a column a feature
    session_described(spec)                               the columns in plain words

Events of a visit are ordered by occurred_at, then event_id. What the customer ordered before the visit is
told as of its first event, but for orders that were cancelled since. Source of the form, prefixes of visits:
Requena et al., Shopper intent prediction from clickstream e-commerce data, Scientific Reports 10, 2020.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.event_features import EVENT_WORDS
from foresell.features.facts import Facts, second_of, shop_of
from foresell.features.feature import Feature
from foresell.features.local_time import hour, local_second, weekday
from foresell.features.measures import days_of
from foresell.features.spec import CustomerSpec
from foresell.kpis.scope import attach

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Which are no features: whose the row is, and when.
KEYS = ("session_id", "customer_id", "occurred_at", "event_name", "number")
CATEGORIES = ("device_type", "platform", "source", "medium", "country")
ALWAYS = (
    Feature("events_so_far", "events of the visit so far", "本次访问到目前的事件数", "events"),
    Feature("seconds_so_far", "seconds since the visit began", "访问开始至今的秒数", "seconds"),
    Feature("mean_pause", "mean seconds between the visit's events", "本次访问事件的平均间隔秒数", "seconds"),
    Feature("last_pause", "seconds between the last two events", "最近两个事件的间隔秒数", "seconds"),
    Feature(
        "products_so_far", "different products of the visit so far", "本次访问涉及的不同商品数", "products"
    ),
    Feature("cart_units", "units in the cart now", "购物车中现有件数", "items"),
    Feature("cart_value", "value of the cart now", "购物车现有金额", "money"),
    Feature(
        "price_seen", "mean price of the products of the visit so far", "本次访问商品的平均价格", "money"
    ),
    Feature("hour", "hour of the day at the visit's last event", "当前时刻（小时）", "hours"),
    Feature(
        "weekday",
        "weekday at the visit's last event (1: Monday)",
        "当前是星期几（1：星期一）",
        "category",
        "category",
    ),
    Feature(
        "is_customer",
        "whether the visitor is a known customer (1) or not (0)",
        "访客是否为已知顾客（1 是，0 否）",
        "share",
    ),
    Feature("device_type", "device", "设备", "category", "category"),
    Feature("platform", "platform", "平台", "category", "category"),
    Feature("source", "traffic source", "流量来源", "category", "category"),
    Feature("medium", "traffic medium", "流量媒介", "category", "category"),
    Feature("country", "country of the visit", "访问所在国家", "category", "category"),
)
OF_CATALOG = (
    Feature(
        "categories_so_far",
        "different categories of the visit so far",
        "本次访问涉及的不同品类数",
        "categories",
    ),
)
OF_ORDERS = (
    Feature("past_orders", "orders before the visit", "本次访问前的订单数", "orders"),
    Feature("past_spent", "money spent before the visit", "本次访问前的消费额", "money"),
    Feature(
        "past_days_since_order", "days from the last order to the visit", "访问开始距上次下单的天数", "days"
    ),
)


def session_described(spec: CustomerSpec) -> tuple[Feature, ...]:
    """The features of `session_features`, in the order of its columns."""
    counts = tuple(
        Feature(f"{event}_so_far", f"{words} in the visit so far", f"本次访问中的{words_zh}", "events")
        for event in spec.event_names
        for words, words_zh in (EVENT_WORDS.get(event, (f"events {event}", f"{event} 事件数")),)
    )
    return (
        counts + ALWAYS + (OF_CATALOG if spec.has_products else ()) + (OF_ORDERS if spec.has_orders else ())
    )


def session_features(
    tables: Tables,
    settings: Settings,
    cutoff: datetime,
    spec: CustomerSpec,
    *,
    since: datetime | None = None,
    counted: Sequence[str] = (),
) -> "ir.Table":
    """A row for each event that has a session, before the cutoff: KEYS (`number` from 1; customer_id where it
    is known by then) and the features of `session_described(spec)` after that event: Float64, or String of a
    category.

    Unknown numbers are null; counts of nothing 0. `since`: only visits that have an event from then on; they
    are still told from their beginning. `counted`: names of events, each with a column "until:name" of how
    many there were by then, beside the KEYS.

    Raises InputError for a cutoff without a time zone.
    """
    known = asof(tables, settings, cutoff)
    facts = Facts(known, settings, spec, shop_of(tables, settings))
    rows = _events(known, settings, spec, cutoff.year, since)
    told = _with_past(_told(rows, spec, counted), facts, spec)
    features = [feature.name for feature in session_described(spec)]
    return told.select(*KEYS, *(f"until:{event}" for event in counted), *features)


def _events(
    known: Tables, settings: Settings, spec: CustomerSpec, year: int, since: datetime | None
) -> "ir.Table":
    import ibis

    events = known.current("events")
    events = events.filter(events.session_id.notnull())
    if since is not None:
        recent = events.filter(events.occurred_at >= since).select("session_id").distinct()
        events = events.semi_join(recent, "session_id")
    at = second_of(events.occurred_at)
    rows = events.select(
        "event_id",
        "session_id",
        "customer_id",
        "occurred_at",
        "event_name",
        "product_id",
        "device_type",
        "platform",
        "country",
        at=at,
        local=local_second(at, settings.store.time_zone, year),
        source=events.utm_source,
        medium=events.utm_medium,
        units=events.quantity.fill_null(1.0),
        own_price=events.price.cast("float64"),
    )
    if not spec.has_products:
        return rows.mutate(category=ibis.null("string"), price=rows.own_price)
    joined = attach(rows, known, "products", {"category": "category", "list_price": "price"})
    return joined.mutate(price=joined.own_price.coalesce(joined.list_price.cast("float64")))


def _told(rows: "ir.Table", spec: CustomerSpec, counted: Sequence[str]) -> "ir.Table":
    """Every row with what its session has told up to it."""
    import ibis

    order = [rows.occurred_at, rows.event_id]
    so_far = {"group_by": rows.session_id, "order_by": order}
    first_of = {
        f"is_first_{column}": (
            ibis.row_number().over(ibis.window(group_by=[rows.session_id, rows[column]], order_by=order)) == 0
        )
        & rows[column].notnull()
        for column in ("product_id", "category")
    }
    change = ibis.cases(
        (rows.event_name == "add_to_cart", rows.units),
        (rows.event_name == "remove_from_cart", -rows.units),
        else_=0.0,
    )
    before = rows["at"].lag().over(ibis.window(**so_far))
    rows = rows.mutate(**first_of, change=change, before=before, is_bought=rows.event_name == "purchase")

    def told(column: Any) -> Any:
        return column.over(ibis.cumulative_window(**so_far))

    rows = rows.mutate(
        number=told(rows.count()),
        start=told(rows["at"].min()),
        num_bought=told(rows.is_bought.cast("int64").sum()),
    )
    # A purchase empties the cart.
    in_cart = ibis.cumulative_window(
        group_by=[rows.session_id, rows.num_bought], order_by=[rows.occurred_at, rows.event_id]
    )
    seconds = (rows["at"] - rows.start).cast("float64")
    counts = {
        f"{event}_so_far": told((rows.event_name == event).cast("int64").sum()).cast("float64")
        for event in spec.event_names
    }
    counts |= {f"until:{event}": told((rows.event_name == event).cast("int64").sum()) for event in counted}
    named = {name: told(rows[name].min()) for name in CATEGORIES}
    return rows.mutate(
        **counts,
        **named,
        customer_id=told(rows.customer_id.min()),
        events_so_far=rows.number.cast("float64"),
        seconds_so_far=seconds,
        mean_pause=seconds / (rows.number - 1).nullif(0).cast("float64"),
        last_pause=(rows["at"] - rows.before).cast("float64"),
        products_so_far=told(rows.is_first_product_id.cast("int64").sum()).cast("float64"),
        categories_so_far=told(rows.is_first_category.cast("int64").sum()).cast("float64"),
        cart_units=rows.change.sum().over(in_cart),
        cart_value=(rows.change * rows.price.fill_null(0.0)).sum().over(in_cart),
        price_seen=told(rows.price.mean()),
        hour=hour(rows.local).cast("float64"),
        weekday=weekday(rows.local).cast("string"),
    )


def _with_past(rows: "ir.Table", facts: Facts, spec: CustomerSpec) -> "ir.Table":
    """What the customer who is known by then had ordered before the session began."""
    import ibis

    rows = rows.mutate(is_customer=rows.customer_id.notnull().cast("float64"))
    if not spec.has_orders:
        return rows
    starts = (
        rows.filter(rows.customer_id.notnull()).group_by("session_id", "customer_id").agg(at=rows.start.min())
    )
    orders = facts.table("orders").select("customer_id", "at", "amount")
    nobody = ibis.null("string")
    both = starts.select(
        "customer_id", "at", "session_id", amount=ibis.literal(0.0), ordered=ibis.null("int64")
    ).union(
        orders.select("customer_id", "at", "amount", session_id=nobody, ordered=orders["at"]).select(
            "customer_id", "at", "session_id", "amount", "ordered"
        )
    )
    # At the same second the visit is told first: an order of that second is none of before.
    before = ibis.cumulative_window(group_by=both.customer_id, order_by=[both["at"], both.ordered.notnull()])
    past = both.mutate(
        past_orders=both.ordered.count().over(before).cast("float64"),
        past_spent=both.amount.sum().over(before),
        past_last=both.ordered.max().over(before),
    )
    past = past.filter(past.session_id.notnull()).select(
        "past_orders",
        "past_spent",
        past_session="session_id",
        past_customer="customer_id",
        past_days_since_order=days_of(past["at"] - past.past_last),
    )
    joined = rows.left_join(
        past, [rows.session_id == past.past_session, rows.customer_id == past.past_customer]
    )
    known = joined.customer_id.notnull()
    return joined.mutate(
        past_orders=ibis.ifelse(known, joined.past_orders, 0.0),
        past_spent=ibis.ifelse(known, joined.past_spent, 0.0),
    )
