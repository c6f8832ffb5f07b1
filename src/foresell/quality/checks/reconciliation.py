"""Orders against purchase events: where what was sold and what was tracked disagree.

Orders are the truth about money; a gap here means that visits, funnels and attribution miss sales.
"""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.matching.reconciliation import is_cancelled, is_online, is_same_value
from foresell.quality.checks.arithmetic import amount
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, rows_of


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Online orders, within the days that have purchase events, that were not tracked or were tracked with
    another value. Purchase events of unknown orders are found by the check of references.
    """
    orders, events = rows_of(tables, "orders"), rows_of(tables, "events")
    if orders is None or events is None:
        return []
    purchases = events.filter((events.event_name == "purchase") & events.order_id.notnull())
    tracked = purchases.group_by("order_id").aggregate(
        tracked_sum=amount(purchases.value).sum(),
        tracked_most=amount(purchases.value).max(),
        num_valued=purchases.value.count(),
    )
    span = purchases.aggregate(first_date=purchases.local_date.min(), last_date=purchases.local_date.max())
    paired = _online(orders).cross_join(span).left_join(tracked, "order_id")
    in_span = paired.local_date.between(paired.first_date, paired.last_date)
    valued = in_span & (paired.num_valued > 0) & paired.total_amount.notnull()
    rules = [
        Rule("order_id", "warning", in_span & paired.num_valued.isnull(), _untracked(), applies=in_span),
        Rule("total_amount", "note", valued & _differs(paired), _other_value(), applies=valued),
    ]
    return find_rows("reconciliation", "orders", paired, "order_id", rules)


def _online(orders: Any) -> Any:
    kept = ("order_id", "local_date", "shipping_amount", "tax_amount", "total_amount")
    return orders.filter(is_online(orders) & ~is_cancelled(orders)).select(*kept)


def _differs(paired: Any) -> Any:
    """From the total and from the goods alone, whether events give one value an order or one an item."""
    values = (paired.tracked_sum, paired.tracked_most)
    amounts = (paired.total_amount, paired.shipping_amount, paired.tax_amount)
    return ~is_same_value(values, *(amount(column) for column in amounts))


def _untracked() -> Words:
    return Words(
        "Online orders have no purchase event",
        "Conversion and attribution miss them: consent, ad blockers or a missing tag. Sales stay right.",
        "线上订单没有对应的购买事件",
        "转化与归因会漏掉这些订单：可能是未同意跟踪、广告拦截或缺少埋点。销售额不受影响。",
    )


def _other_value() -> Words:
    return Words(
        "Purchase events give another value than their orders",
        "Figures use the order. Check whether the tag sends tax, shipping or another currency.",
        "购买事件的金额与订单不符",
        "指标以订单为准。请检查埋点是否包含税、运费或其他币种。",
    )
