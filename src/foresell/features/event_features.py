"""What visits tell of a customer, feature by feature."""

from collections.abc import Iterator

from foresell.features.measures import DAYS, Formula, Where
from foresell.features.spec import CustomerSpec
from foresell.features.words import columns_of, measure, ratio, window_words

# By which values of an event each kind of event is counted.
COUNTED_BY_VALUE = ("view_item", "add_to_cart", "purchase")
EVENT_WORDS: dict[str, tuple[str, str]] = {
    "view_item": ("products looked at", "浏览商品次数"),
    "add_to_cart": ("products put into the cart", "加入购物车次数"),
    "remove_from_cart": ("products taken out of the cart", "移出购物车次数"),
    "begin_checkout": ("checkouts begun", "开始结账次数"),
    "purchase": ("purchases seen in visits", "访问中的购买次数"),
    "search": ("searches", "搜索次数"),
    "page_view": ("pages looked at", "浏览页面次数"),
}


def event_features(spec: CustomerSpec) -> Iterator[Formula]:
    yield from _counts(spec)
    yield from _recency(spec)
    yield from _sessions()
    yield from _values(spec)


def _words(event: str) -> tuple[str, str]:
    return EVENT_WORDS.get(event, (f"events {event}", f"{event} 事件数"))


def _counts(spec: CustomerSpec) -> Iterator[Formula]:
    for days in (*spec.windows, None):
        end, en, zh = window_words(days)
        yield measure(
            f"events_{end}", f"events {en}", f"{zh}的事件数", "events", "events", "count", days=days
        )
        for event in spec.event_names:
            words, words_zh = _words(event)
            yield measure(
                f"{event}_{end}",
                f"{words} {en}",
                f"{zh}{words_zh}",
                "events",
                "events",
                "count",
                days=days,
                where=(("event_name", event),),
            )


def _recency(spec: CustomerSpec) -> Iterator[Formula]:
    yield measure(
        "days_since_event", "days since the last event", "距上次活动的天数", "days", "events", "min", DAYS
    )
    yield measure(
        "days_since_first_event",
        "days since the first event",
        "距首次活动的天数",
        "days",
        "events",
        "max",
        DAYS,
    )
    for event in spec.event_names:
        words, words_zh = _words(event)
        yield measure(
            f"days_since_{event}",
            f"days since the last of: {words}",
            f"距最近一次{words_zh.removesuffix('次数')}的天数",
            "days",
            "events",
            "min",
            DAYS,
            where=(("event_name", event),),
        )
    yield measure("visit_days", "days with a visit", "有访问的天数", "days", "event_days", "count")
    yield measure(
        "visit_gap_mean", "mean days between visits", "平均访问间隔天数", "days", "event_days", "mean", "gap"
    )
    yield measure(
        "visit_gap_median",
        "median days between visits",
        "访问间隔天数的中位数",
        "days",
        "event_days",
        "median",
        "gap",
    )
    yield ratio(
        "visit_pause_over_usual",
        "days since the last event, in usual gaps between visits",
        "距上次活动的天数与平常访问间隔之比",
        "times",
        "days_since_event",
        "visit_gap_mean",
    )


def _sessions() -> Iterator[Formula]:
    for days in (7, 30, 90, None):
        end, en, zh = window_words(days)
        yield measure(
            f"sessions_{end}", f"visits {en}", f"{zh}的访问次数", "visits", "sessions", "count", days=days
        )
    for days in (30, None):
        end, en, zh = window_words(days)
        for name, flag, words, words_zh in (
            ("bought_sessions", "is_bought", "visits with a purchase", "有购买的访问次数"),
            (
                "looked_sessions",
                "is_only_viewed",
                "visits that looked at products and bought nothing",
                "只看不买的访问次数",
            ),
            ("left_carts", "is_abandoned", "visits that left a full cart", "加购后未购买的访问次数"),
        ):
            where: Where = ((flag, True),)
            yield measure(
                f"{name}_{end}",
                f"{words} {en}",
                f"{zh}{words_zh}",
                "visits",
                "sessions",
                "count",
                days=days,
                where=where,
            )
            yield ratio(
                f"{name}_share_{end}",
                f"share of {words} {en}",
                f"{zh}{words_zh.removesuffix('次数')}占比",
                "share",
                f"{name}_{end}",
                f"sessions_{end}",
            )
    yield measure(
        "session_events", "events per visit", "每次访问的事件数", "events", "sessions", "mean", "events"
    )
    yield measure(
        "session_views",
        "products looked at per visit",
        "每次访问浏览的商品数",
        "products",
        "sessions",
        "mean",
        "views",
    )
    yield measure(
        "session_minutes", "minutes per visit", "每次访问的分钟数", "minutes", "sessions", "mean", "minutes"
    )


def _values(spec: CustomerSpec) -> Iterator[Formula]:
    counted = [event for event in COUNTED_BY_VALUE if event in spec.event_names]
    for category, column in columns_of(spec.categories).items():
        for event in counted:
            words, words_zh = _words(event)
            for days in (30, None):
                end, en, zh = window_words(days)
                yield measure(
                    f"{event}_{end}_category_{column}",
                    f"{words} in category {category} {en}",
                    f"{zh}在品类“{category}”的{words_zh}",
                    "events",
                    "events",
                    "count",
                    days=days,
                    where=(("event_name", event), ("category", category)),
                )
    for kind, values, words, words_zh in (
        ("device_type", spec.devices, "device", "设备"),
        ("source", spec.sources, "traffic source", "流量来源"),
    ):
        if len(values) < 2:
            continue
        for value, column in columns_of(values).items():
            name = f"events_by_{kind}_{column}"
            yield measure(
                name,
                f"events by {words} {value}",
                f"{words_zh}“{value}”的事件数",
                "events",
                "events",
                "count",
                where=((kind, value),),
            )
            yield ratio(
                f"share_{name}",
                f"share of events by {words} {value}",
                f"{words_zh}“{value}”的事件占比",
                "share",
                name,
                "events_ever",
            )
