"""What somebody buys, and where, feature by feature."""

from collections.abc import Iterator

from foresell.features.measures import DAYS, Formula, Where
from foresell.features.spec import CustomerSpec
from foresell.features.words import columns_of, measure, ratio, window_words


def mix(spec: CustomerSpec) -> Iterator[Formula]:
    weekend: Where = (("is_weekend", True),)
    yield measure(
        "weekend_orders",
        "orders on Saturdays and Sundays",
        "周末的订单数",
        "orders",
        "orders",
        "count",
        where=weekend,
    )
    yield ratio(
        "weekend_share",
        "share of orders on Saturdays and Sundays",
        "周末订单占比",
        "share",
        "weekend_orders",
        "orders_ever",
    )
    if len(spec.channels) > 1:
        for channel, column in columns_of(spec.channels).items():
            name = f"orders_by_{column}"
            yield measure(
                name,
                f"orders by {channel}",
                f"通过 {channel} 的订单数",
                "orders",
                "orders",
                "count",
                where=(("channel", channel),),
            )
            yield ratio(
                f"share_by_{column}",
                f"share of orders by {channel}",
                f"通过 {channel} 的订单占比",
                "share",
                name,
                "orders_ever",
            )


def tastes(spec: CustomerSpec) -> Iterator[Formula]:
    things = (
        ("products", "products", "商品"),
        ("categories", "categories", "品类"),
        ("brands", "brands", "品牌"),
    )
    for fact, en_thing, zh_thing in things:
        for days in (30, 90, None):
            end, en, zh = window_words(days)
            yield measure(
                f"{fact}_{end}",
                f"different {en_thing} bought {en}",
                f"{zh}买过的不同{zh_thing}数",
                fact,
                fact,
                "count",
                days=days,
            )
    yield ratio(
        "lines_per_product",
        "how often a product is bought again",
        "同一商品的重复购买次数",
        "times",
        "lines_ever",
        "products_ever",
    )
    yield measure(
        "category_entropy",
        "how varied the categories are (entropy)",
        "品类多样性（熵）",
        "nats",
        "categories",
        "sum",
        "surprise",
    )
    for kind, kind_zh, values in (
        ("category", "品类", spec.categories),
        ("department", "部门", spec.departments),
    ):
        for value, column in columns_of(values).items():
            bought: Where = ((kind, value), ("is_goods", True))
            for days in (90, None):
                end, en, zh = window_words(days)
                name = f"lines_{end}_{kind}_{column}"
                yield measure(
                    name,
                    f"lines of {kind} {value} {en}",
                    f"{zh}购买{kind_zh}“{value}”的行数",
                    "lines",
                    "lines",
                    "count",
                    days=days,
                    where=bought,
                )
    for department, name in columns_of(spec.departments).items():
        yield ratio(
            f"share_department_{name}",
            f"share of lines from department {department}",
            f"部门“{department}”的行数占比",
            "share",
            f"lines_ever_department_{name}",
            "lines_ever",
        )


def focus(spec: CustomerSpec) -> Iterator[Formula]:
    assert spec.focus is not None  # noqa: S101
    en_what, zh_what = spec.focus.value, f"“{spec.focus.value}”"
    where: Where = (("has_focus", True),)
    for days in (*spec.windows, None):
        end, en, zh = window_words(days)
        yield measure(
            f"focus_orders_{end}",
            f"orders with {en_what} {en}",
            f"{zh}含{zh_what}的订单数",
            "orders",
            "orders",
            "count",
            days=days,
            where=where,
        )
    for days in (30, 90, None):
        end, en, zh = window_words(days)
        yield measure(
            f"focus_units_{end}",
            f"units of {en_what} {en}",
            f"{zh}购买{zh_what}的件数",
            "items",
            "orders",
            "sum",
            "focus_units",
            days=days,
        )
        yield measure(
            f"focus_spent_{end}",
            f"money spent on {en_what} {en}",
            f"{zh}在{zh_what}上的消费额",
            "money",
            "orders",
            "sum",
            "focus_amount",
            days=days,
        )
        yield ratio(
            f"focus_order_share_{end}",
            f"share of orders with {en_what} {en}",
            f"{zh}含{zh_what}的订单占比",
            "share",
            f"focus_orders_{end}",
            f"orders_{end}",
        )
    yield measure(
        "days_since_focus",
        f"days since {en_what} was last bought",
        f"距上次购买{zh_what}的天数",
        "days",
        "orders",
        "min",
        DAYS,
        where=where,
    )
    yield measure(
        "focus_gap_mean",
        f"mean days between purchases of {en_what}",
        f"购买{zh_what}的平均间隔天数",
        "days",
        "focus_days",
        "mean",
        "gap",
    )
    yield measure(
        "focus_gap_median",
        f"median days between purchases of {en_what}",
        f"购买{zh_what}间隔天数的中位数",
        "days",
        "focus_days",
        "median",
        "gap",
    )
    yield ratio(
        "focus_pause_over_usual",
        f"days since {en_what} was last bought, in usual gaps",
        f"距上次购买{zh_what}的天数与平常间隔之比",
        "times",
        "days_since_focus",
        "focus_gap_mean",
    )
