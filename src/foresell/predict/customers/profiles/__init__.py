"""Profiles: one page a customer, and tags of all customers, each with its evidence.

`tagging.tags` for everyone at once, `page.profile` for one; words in `words`.
"""

# Tag → its name in English and Chinese.
TAGS: dict[str, tuple[str, str]] = {
    "tenure": ("customer since", "成为顾客的时间"),
    "rhythm": ("rhythm", "购买节奏"),
    "pause": ("pause", "下单间歇"),
    "trend": ("trend", "趋势"),
    "value": ("value", "价值"),
    "favorite_category": ("favorite category", "偏爱品类"),
    "favorite_brand": ("favorite brand", "偏爱品牌"),
    "favorite_department": ("favorite department", "偏爱部门"),
    "favorite_attribute": ("favorite kind", "偏爱属性"),
    "price_level": ("price level", "价位"),
    "discounts": ("discounts", "折扣倾向"),
    "channel": ("channel", "渠道"),
    "device": ("device", "设备"),
    "returns": ("returns", "退货"),
}
