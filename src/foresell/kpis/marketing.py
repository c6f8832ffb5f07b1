"""Marketing: promotions and coupons."""

from foresell.kpis.catalog import Kpi, Measures, Number, Words, money, ratio
from foresell.kpis.sales import SOLD, sold


def promotion_share(m: Measures) -> float | None:
    return ratio(money(m["promoted_amount"]) - money(m["promoted_spread"]), sold(m))


def coupon_redemptions(m: Measures) -> Number:
    return m["redemptions"]


def coupon_redemption_rate(m: Measures) -> float | None:
    return ratio(m["aimed_at_redeemed"], m["aimed_at"])


PROMOTION_SHARE = Kpi(
    "promotion_share",
    "sales of lines on promotion / (gross_sales − discount)",
    "rate",
    "order line",
    "neutral",
    ("orders", "order_lines", "promotions|order_lines.promotion_id"),
    Words(
        "Share sold on promotion",
        "Share of sales after discounts from lines that name a promotion, or whose product was on "
        "promotion at that place and time.",
        "How much of your business depends on promotions.",
    ),
    Words(
        "促销占比",
        "折后销售额中，行上注明促销、或该商品当时当地正在促销的部分所占比例。",
        "生意有多依赖促销。",
    ),
    ("promoted_amount", "promoted_spread", *SOLD),
    promotion_share,
)
COUPON_REDEMPTIONS = Kpi(
    "coupon_redemptions",
    "count of redemptions",
    "redemptions",
    "redemption",
    "higher",
    ("redemptions",),
    Words("Coupons redeemed", "Coupons used, on the day of their use.", "Whether your coupons are wanted."),
    Words("优惠券使用数", "已使用的优惠券数，计入使用当日。", "优惠券是否受欢迎。"),
    ("redemptions",),
    coupon_redemptions,
)
COUPON_REDEMPTION_RATE = Kpi(
    "coupon_redemption_rate",
    "campaign members who used a coupon of it / campaign members",
    "rate",
    "campaign and customer",
    "higher",
    ("audiences", "redemptions"),
    Words(
        "Coupon redemption rate",
        "Share of the customers a campaign was aimed at who used at least one of its coupons. Somebody "
        "in two campaigns counts in each.",
        "Whether campaigns reach the right people.",
    ),
    Words(
        "优惠券核销率",
        "营销活动目标顾客中至少使用过一张该活动优惠券的比例；一人属于两个活动则各计一次。",
        "活动是否触达对的人。",
    ),
    ("aimed_at_redeemed", "aimed_at"),
    coupon_redemption_rate,
    refused_periods="an audience has no date; --from and --to narrow the redemptions",
)
