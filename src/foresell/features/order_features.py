"""How often, how regularly and for how much somebody orders, feature by feature."""

from collections.abc import Iterator

from foresell.features.measures import DAYS, Formula
from foresell.features.spec import CustomerSpec
from foresell.features.words import measure, ratio, window_words


def counts(spec: CustomerSpec) -> Iterator[Formula]:
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


def rhythm() -> Iterator[Formula]:
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


def baskets() -> Iterator[Formula]:
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


def returns() -> Iterator[Formula]:
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
