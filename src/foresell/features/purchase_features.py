"""What orders tell of a customer, feature by feature."""

from collections.abc import Iterator

from foresell.features.measures import DAYS, Formula, Where
from foresell.features.spec import CustomerSpec
from foresell.features.words import columns_of, measure, ratio, window_words


def purchase_features(spec: CustomerSpec) -> Iterator[Formula]:
    yield from _counts(spec)
    yield from _rhythm()
    yield from _baskets()
    yield from _prices(spec)
    yield from _mix(spec)
    if spec.has_products:
        yield from _tastes(spec)
    if spec.has_refunds:
        yield from _returns()
    if spec.focus is not None:
        yield from _focus(spec)


def _counts(spec: CustomerSpec) -> Iterator[Formula]:
    for days in (*spec.windows, None):
        end, en, zh = window_words(days)
        yield measure(
            f"orders_{end}", f"orders {en}", f"{zh}的订单数", "orders", "orders", "count", days=days
        )
        yield measure(
            f"spent_{end}",
            f"money spent {en}",
            f"{zh}的消费额",
            "money",
            "orders",
            "sum",
            "amount",
            days=days,
        )
        yield measure(
            f"units_{end}",
            f"units bought {en}",
            f"{zh}购买的件数",
            "items",
            "orders",
            "sum",
            "units",
            days=days,
        )
        yield measure(
            f"lines_{end}",
            f"order lines {en}",
            f"{zh}的订单行数",
            "lines",
            "orders",
            "sum",
            "lines",
            days=days,
        )


def _rhythm() -> Iterator[Formula]:
    yield measure(
        "days_since_order", "days since the last order", "距上次下单的天数", "days", "orders", "min", DAYS
    )
    yield measure(
        "days_since_first_order",
        "days since the first order",
        "距首次下单的天数",
        "days",
        "orders",
        "max",
        DAYS,
    )
    yield measure("order_days_ever", "days with an order", "有订单的天数", "days", "order_days", "count")
    yield measure(
        "gap_mean", "mean days between orders", "平均下单间隔天数", "days", "order_days", "mean", "gap"
    )
    yield measure(
        "gap_median",
        "median days between orders",
        "下单间隔天数的中位数",
        "days",
        "order_days",
        "median",
        "gap",
    )
    yield measure(
        "gap_sd",
        "standard deviation of the days between orders",
        "下单间隔天数的标准差",
        "days",
        "order_days",
        "sd",
        "gap",
    )
    yield measure(
        "gap_longest", "longest pause between orders", "最长的下单间隔", "days", "order_days", "max", "gap"
    )
    yield measure(
        "gap_mean_90d",
        "mean days between orders in the last 90 days",
        "最近 90 天的平均下单间隔",
        "days",
        "order_days",
        "mean",
        "gap",
        days=90,
    )
    yield ratio(
        "pause_over_usual",
        "days since the last order, in usual gaps between orders",
        "距上次下单的天数与平常间隔之比",
        "times",
        "days_since_order",
        "gap_mean",
    )
    yield ratio(
        "pause_over_longest",
        "days since the last order against the longest pause so far",
        "距上次下单的天数与历史最长间隔之比",
        "times",
        "days_since_order",
        "gap_longest",
    )
    yield ratio(
        "gap_irregularity",
        "how irregular the gaps between orders are",
        "下单间隔的不规律程度",
        "times",
        "gap_sd",
        "gap_mean",
    )
    yield ratio(
        "recent_order_share",
        "share of all orders that fell in the last 90 days",
        "最近 90 天的订单占全部订单的比例",
        "share",
        "orders_90d",
        "orders_ever",
    )
    yield ratio(
        "latest_order_share",
        "share of the last 90 days' orders that fell in the last 30",
        "最近 30 天的订单占最近 90 天订单的比例",
        "share",
        "orders_30d",
        "orders_90d",
    )


def _baskets() -> Iterator[Formula]:
    for days in (90, None):
        end, en, zh = window_words(days)
        yield ratio(
            f"spent_per_order_{end}",
            f"money per order {en}",
            f"{zh}的客单价",
            "money",
            f"spent_{end}",
            f"orders_{end}",
        )
        yield ratio(
            f"units_per_order_{end}",
            f"units per order {en}",
            f"{zh}每单件数",
            "items",
            f"units_{end}",
            f"orders_{end}",
        )
        yield ratio(
            f"lines_per_order_{end}",
            f"different lines per order {en}",
            f"{zh}每单行数",
            "lines",
            f"lines_{end}",
            f"orders_{end}",
        )
    yield measure(
        "largest_order", "largest order so far", "历史最大订单金额", "money", "orders", "max", "amount"
    )
    yield measure(
        "spent_sd",
        "standard deviation of the money per order",
        "订单金额的标准差",
        "money",
        "orders",
        "sd",
        "amount",
    )


def _prices(spec: CustomerSpec) -> Iterator[Formula]:
    for days in (90, None):
        end, en, zh = window_words(days)
        yield measure(
            f"gross_{end}",
            f"money before discounts {en}",
            f"{zh}的折前消费额",
            "money",
            "orders",
            "sum",
            "gross",
            days=days,
        )
        yield measure(
            f"discount_{end}",
            f"money saved by discounts {en}",
            f"{zh}的优惠额",
            "money",
            "orders",
            "sum",
            "discount",
            days=days,
            is_actionable=True,
        )
        yield ratio(
            f"discount_share_{end}",
            f"share of the price saved by discounts {en}",
            f"{zh}的优惠占折前金额的比例",
            "share",
            f"discount_{end}",
            f"gross_{end}",
            is_actionable=True,
        )
        yield measure(
            f"discounted_lines_{end}",
            f"lines bought on discount {en}",
            f"{zh}打折购买的行数",
            "lines",
            "lines",
            "count",
            days=days,
            where=(("is_discounted", True), ("is_goods", True)),
            is_actionable=True,
        )
        yield ratio(
            f"discounted_line_share_{end}",
            f"share of lines bought on discount {en}",
            f"{zh}打折购买的行数占比",
            "share",
            f"discounted_lines_{end}",
            f"lines_{end}",
            is_actionable=True,
        )
        yield ratio(
            f"price_per_unit_{end}",
            f"money per unit {en}",
            f"{zh}的件均价",
            "money",
            f"spent_{end}",
            f"units_{end}",
        )
    if spec.has_coupons:
        yield measure(
            "coupons_90d",
            "coupons used in the last 90 days",
            "最近 90 天使用的优惠券数",
            "coupons",
            "redemptions",
            "count",
            days=90,
            is_actionable=True,
        )
        yield measure(
            "coupons_ever",
            "coupons used ever",
            "历史上使用的优惠券数",
            "coupons",
            "redemptions",
            "count",
            is_actionable=True,
        )
        yield ratio(
            "coupons_per_order",
            "coupons used per order",
            "每单使用的优惠券数",
            "coupons",
            "coupons_ever",
            "orders_ever",
            is_actionable=True,
        )
    if spec.usual_prices:
        yield measure(
            "compared_gross",
            "money before discounts for goods whose usual price is known",
            "有参考价商品的折前金额",
            "money",
            "lines",
            "sum",
            "compared_gross",
        )
        yield measure(
            "usual_amount",
            "what the same goods cost at their category's usual price",
            "同样商品按品类均价计算的金额",
            "money",
            "lines",
            "sum",
            "usual_amount",
        )
        yield ratio(
            "price_level",
            "prices paid against the usual ones of the same categories",
            "所付价格与同品类均价之比",
            "times",
            "compared_gross",
            "usual_amount",
        )


def _mix(spec: CustomerSpec) -> Iterator[Formula]:
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


def _tastes(spec: CustomerSpec) -> Iterator[Formula]:
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


def _returns() -> Iterator[Formula]:
    for days in (90, None):
        end, en, zh = window_words(days)
        yield measure(
            f"refunds_{end}", f"refunds {en}", f"{zh}的退款次数", "refunds", "refunds", "count", days=days
        )
        yield measure(
            f"refunded_{end}",
            f"money refunded {en}",
            f"{zh}的退款额",
            "money",
            "refunds",
            "sum",
            "amount",
            days=days,
        )
        yield ratio(
            f"refunded_share_{end}",
            f"money refunded of money spent {en}",
            f"{zh}退款额占消费额的比例",
            "share",
            f"refunded_{end}",
            f"spent_{end}",
        )
    yield measure(
        "days_since_refund", "days since the last refund", "距上次退款的天数", "days", "refunds", "min", DAYS
    )


def _focus(spec: CustomerSpec) -> Iterator[Formula]:
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
