"""At which prices and discounts somebody buys, feature by feature."""

from collections.abc import Iterator

from foresell.features.measures import Formula
from foresell.features.spec import CustomerSpec
from foresell.features.words import measure, ratio, window_words


def prices(spec: CustomerSpec) -> Iterator[Formula]:
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
