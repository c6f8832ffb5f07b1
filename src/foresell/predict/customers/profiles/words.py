"""Profiles in words, English and Chinese."""

from typing import Literal

Language = Literal["en", "zh"]
# Value of a tag → its words. What is not here (a category, a channel) is said as it is.
VALUES: dict[str, dict[str, tuple[str, str]]] = {
    "tenure": {
        "new": ("new", "新顾客"),
        "recent": ("for some months", "数月的顾客"),
        "established": ("for most of a year", "近一年的顾客"),
        "long_standing": ("for more than a year", "一年以上的老顾客"),
    },
    "rhythm": {
        "several_a_week": ("several times a week", "每周数次"),
        "weekly": ("about weekly", "约每周一次"),
        "every_two_weeks": ("about every two weeks", "约每两周一次"),
        "monthly": ("about monthly", "约每月一次"),
        "quarterly": ("about quarterly", "约每季一次"),
        "rarely": ("rarely", "很少"),
    },
    "pause": {
        "on_time": ("on time", "正常"),
        "late": ("late", "已逾期"),
        "silent": ("silent", "已沉默"),
    },
    "trend": {
        "rising": ("rising", "上升"),
        "steady": ("steady", "平稳"),
        "falling": ("falling", "下降"),
    },
    "value": {
        "top_tenth": ("among the top tenth", "前 10%"),
        "top_quarter": ("among the top quarter", "前 25%"),
        "middle": ("in the middle", "中间水平"),
        "lowest_quarter": ("in the lowest quarter", "后 25%"),
    },
    "price_level": {
        "low": ("low", "偏低"),
        "middle": ("middle", "中等"),
        "high": ("high", "偏高"),
    },
    "discounts": {
        "seeks": ("seeks discounts", "偏爱折扣"),
        "indifferent": ("discounts change little", "对折扣不敏感"),
        "avoids": ("buys at full price", "多按原价购买"),
    },
    "returns": {"many": ("sends much back", "退货偏多")},
}
KINDS: dict[str, tuple[str, str]] = {
    "category": ("category", "品类"),
    "brand": ("brand", "品牌"),
    "department": ("department", "部门"),
    "attribute": ("kind", "属性"),
}
CHANGES: dict[str, dict[Language, str]] = {
    "orders_more": {
        "en": "Orders more often: {after:.0f} orders in the last 90 days, {before:.0f} in the 90 before.",
        "zh": "下单变多：最近 90 天 {after:.0f} 单，此前 90 天 {before:.0f} 单。",
    },
    "orders_less": {
        "en": "Orders less often: {after:.0f} orders in the last 90 days, {before:.0f} in the 90 before.",
        "zh": "下单变少：最近 90 天 {after:.0f} 单，此前 90 天 {before:.0f} 单。",
    },
    "category_new": {
        "en": "New: {value}, in {after:.0f} orders since {since}.",
        "zh": "新增品类：{value}，自 {since} 起出现在 {after:.0f} 单中。",
    },
    "category_left": {
        "en": "No longer buys {value}: in {before:.0f} orders before, last on {since}.",
        "zh": "不再购买{value}：此前出现在 {before:.0f} 单中，最后一次为 {since}。",
    },
}
SENTENCES: dict[Language, dict[str, str]] = {
    "en": {
        "since": "First ordered on {first_order}, {days_since_first_order} days ago.",
        "no_orders": "Has not ordered yet.",
        "rhythm": "Buys {rhythm} (usually {usual_gap:.0f} days apart; {regularity:.0%} of gaps are near it).",
        "no_rhythm": "Ordered {num_orders} times: too few to tell a rhythm.",
        "pause_on_time": "Last ordered {days_since} days ago; the next order is due about {next_date}.",
        "pause_late": "Last ordered {days_since} days ago: late, it was due about {next_date}.",
        "pause_silent": "Last ordered {days_since} days ago: silent for longer than ever before.",
        "pause_unknown": "Last ordered {days_since} days ago.",
        "taste": "Favorite {kind}: {value}, {lift:.1f} times as often as others ({num_orders} orders).",
        "price_level": "Buys at a {level} price level within categories ({num_lines} lines).",
        "sensitivity": "Bought {share:.0%} on discount; the same goods are bought so at {expected:.0%} "
        "(difference {difference:+.0%}, 95% interval {lower:+.0%} to {upper:+.0%}): {leaning}.",
        "value": "Net sales {net_sales:,.2f} {currency} in {num_orders} orders, {average_order:,.2f} each: "
        "{value} of customers.",
        "score": "{task}: {score} ({unit}), by {model}.",
        "channel": "Orders by: {uses}.",
        "device": "Visits by: {uses}.",
        "use": "{value} {share:.0%}",
        "in_common": "{num} of the {all} customers most alike: {tag} {value} ({usual:.0%} of all customers).",
        "joint": ", ",
    },
    "zh": {
        "since": "首单日期 {first_order}，距今 {days_since_first_order} 天。",
        "no_orders": "尚未下单。",
        "rhythm": "购买节奏：{rhythm}（通常间隔 {usual_gap:.0f} 天，{regularity:.0%} 的间隔与此接近）。",
        "no_rhythm": "下单 {num_orders} 次，尚不足以判断节奏。",
        "pause_on_time": "上次下单在 {days_since} 天前，预计下次约在 {next_date}。",
        "pause_late": "上次下单在 {days_since} 天前，已逾期：原预计约在 {next_date}。",
        "pause_silent": "上次下单在 {days_since} 天前，沉默时间已超过以往任何一次。",
        "pause_unknown": "上次下单在 {days_since} 天前。",
        "taste": "偏爱{kind}：{value}，购买频率为他人的 {lift:.1f} 倍（{num_orders} 单）。",
        "price_level": "同品类中价位{level}（{num_lines} 行商品）。",
        "sensitivity": "{share:.0%} 的商品在折扣时购买；同样商品的一般水平为 {expected:.0%}"
        "（相差 {difference:+.0%}，95% 区间 {lower:+.0%} 至 {upper:+.0%}）：{leaning}。",
        "value": "净销售额 {net_sales:,.2f} {currency}，共 {num_orders} 单，客单价 {average_order:,.2f}："
        "处于全部顾客的{value}。",
        "score": "{task}：{score}（{unit}），模型 {model}。",
        "channel": "下单渠道：{uses}。",
        "device": "访问设备：{uses}。",
        "use": "{value} {share:.0%}",
        "in_common": "最相似的 {all} 位顾客中有 {num} 位：{tag} {value}（全部顾客中占 {usual:.0%}）。",
        "joint": "、",
    },
}


def value_text(tag: str, value: str, language: Language) -> str:
    """A tag's value in words; what has none is said as it is."""
    words = VALUES.get(tag, {}).get(value)
    return value if words is None else words[language == "zh"]
