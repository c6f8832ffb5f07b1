"""The features that customers are told apart by unless others are asked for, and the words for high and low.

One of each thing: how lately, how often, how much, how broad, how regular, at what price. The many windows
and values of `features.customer` beside them say the same things again, and would decide together what is
alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from foresell.features.feature import Feature

# With fewer of them than this, all features are looked at.
LEAST_PLAIN = 3


@dataclass(frozen=True, slots=True)
class Ends:
    """What a customer is called who has much of something, and who has little: (English, Chinese)."""

    high: tuple[str, str]
    low: tuple[str, str]


# What grows with a shop's own history, for everybody at once: it describes segments of one day, but groups by
# it would not mean the same four weeks later.
GROWING = frozenset({"days_since_first_order", "recent_order_share", "lines_per_product", "category_entropy"})
PLAIN: dict[str, Ends] = {
    "days_since_order": Ends(("long away", "久未下单"), ("here lately", "最近来过")),
    "recency_days": Ends(("long away", "久未下单"), ("here lately", "最近来过")),
    "orders_90d": Ends(("many orders lately", "近期订单多"), ("few orders lately", "近期订单少")),
    "orders": Ends(("many orders", "订单多"), ("few orders", "订单少")),
    "spent_90d": Ends(("spends much lately", "近期消费高"), ("spends little lately", "近期消费低")),
    "monetary_value": Ends(("spends much", "消费高"), ("spends little", "消费低")),
    "spent_per_order_ever": Ends(("large orders", "客单价高"), ("small orders", "客单价低")),
    "gap_mean": Ends(("long between orders", "下单间隔长"), ("short between orders", "下单间隔短")),
    "gap_irregularity": Ends(("irregular", "购买不规律"), ("regular", "购买规律")),
    "days_since_first_order": Ends(("long with us", "老顾客"), ("new to us", "新顾客")),
    "recent_order_share": Ends(("rising", "近期转旺"), ("fading", "近期转淡")),
    "category_entropy": Ends(("broad tastes", "品类广"), ("few categories", "品类集中")),
    "lines_per_product": Ends(("buys the same again", "常回购"), ("tries new products", "常尝新")),
    "discounted_line_share_ever": Ends(
        ("buys on discount", "爱买折扣"), ("buys at full price", "多按原价购买")
    ),
    "price_level": Ends(("dear products", "偏好高价商品"), ("cheap products", "偏好低价商品")),
    "coupons_per_order": Ends(("uses coupons", "常用优惠券"), ("without coupons", "少用优惠券")),
    "weekend_share": Ends(("weekend buyers", "周末购买"), ("weekday buyers", "工作日购买")),
    "refunded_share_ever": Ends(("sends much back", "退货多"), ("keeps what they buy", "退货少")),
    "sessions_90d": Ends(("many visits lately", "近期访问多"), ("few visits lately", "近期访问少")),
    "days_since_event": Ends(("long not seen", "久未访问"), ("seen lately", "最近访问过")),
    "session_views": Ends(("looks at much", "浏览多"), ("looks at little", "浏览少")),
    "bought_sessions_share_ever": Ends(("buys when visiting", "来访多下单"), ("mostly looks", "多看少买")),
    "left_carts_share_ever": Ends(("leaves carts", "常弃购物车"), ("leaves no carts", "少弃购物车")),
}


def plain_features(described: Sequence[Feature], *, with_growing: bool = True) -> tuple[Feature, ...]:
    """Those of the features that have plain words; all of them where fewer than three have. `with_growing`
    False: without those of GROWING."""
    plain = tuple(
        feature
        for feature in described
        if feature.name in PLAIN
        and feature.kind == "number"
        and (with_growing or feature.name not in GROWING)
    )
    return plain if len(plain) >= LEAST_PLAIN else tuple(described)


def name_part(feature: Feature, *, is_high: bool) -> tuple[str, str]:
    """A difference as part of a name, English and Chinese."""
    if ends := PLAIN.get(feature.name):
        return ends.high if is_high else ends.low
    if is_high:
        return f"high {feature.text}", f"{feature.text_zh}高"
    return f"low {feature.text}", f"{feature.text_zh}低"
