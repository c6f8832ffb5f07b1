"""Sales: orders, units, money."""

from decimal import Decimal

from foresell.kpis.catalog import Kpi, Measures, Number, Words, money, ratio

HEADS_OR_LINES = ("orders", "order_lines|orders.subtotal_amount|orders.total_amount")
SOLD = ("line_amount", "line_discount", "spread_discount")
WHOLE_ORDERS = {"product": "an order holds several products, and its whole value would count in each of them"}


def orders(m: Measures) -> Number:
    return m["orders"]


def units(m: Measures) -> Number:
    return m["goods_units"]


def units_with_services(m: Measures) -> Number:
    return m["all_units"]


def gross_sales(m: Measures) -> Decimal:
    return money(m["line_amount"]) + money(m["line_discount"])


def discount(m: Measures) -> Decimal:
    return money(m["line_discount"]) + money(m["spread_discount"])


def refunds(m: Measures) -> Decimal:
    return money(m["refunded"])


def sold(m: Measures) -> Decimal:
    """What was sold after discounts, refunds not yet taken off."""
    return gross_sales(m) - discount(m)


def net_sales(m: Measures) -> Decimal:
    return sold(m) - refunds(m)


def contribution_margin(m: Measures) -> Decimal:
    kept = money(m["costed_amount"]) - money(m["costed_spread"]) - money(m["costed_refunded"])
    return kept - money(m["cost"]) - money(m["costed_fee"])


def average_order_value(m: Measures) -> float | None:
    return ratio(sold(m), m["orders"])


def items_per_order(m: Measures) -> float | None:
    return ratio(m["goods_units"], m["orders"])


ORDERS = Kpi(
    "orders",
    "count of orders",
    "orders",
    "order",
    "higher",
    ("orders",),
    Words(
        "Orders",
        "Orders placed, guests' included; cancelled and test orders count nowhere. By a product's "
        "dimension: orders that hold it.",
        "How many times somebody bought from you.",
    ),
    Words(
        "订单数",
        "已下的订单，含访客订单；已取消的和测试订单不计。按商品维度：含该商品的订单数。",
        "顾客一共向您买了多少次。",
    ),
    ("orders",),
    orders,
)
UNITS = Kpi(
    "units",
    "sum of quantity of goods, a bundle as the units it holds",
    "units",
    "order line",
    "higher",
    ("orders", "order_lines"),
    Words(
        "Units sold",
        "Pieces of goods sold. A bundle counts as the units in it; fuel, postage and fees do not count.",
        "How much merchandise left your shelves.",
    ),
    Words(
        "销量", "售出的商品件数。套装按其所含件数计；燃油、邮资、手续费不计。", "有多少货从货架上卖了出去。"
    ),
    ("goods_units",),
    units,
)
UNITS_WITH_SERVICES = Kpi(
    "units_with_services",
    "sum of quantity, services included",
    "units",
    "order line",
    "neutral",
    ("orders", "order_lines"),
    Words(
        "Units sold, services included",
        "As units, with fuel, postage and fees (whatever the source calls their quantity).",
        "The raw quantity in your records; compare it with units before you trust it.",
    ),
    Words(
        "销量（含服务）",
        "同销量，另计燃油、邮资、手续费等（数量以来源所记为准）。",
        "记录中的原始数量；采信前请与销量对照。",
    ),
    ("all_units",),
    units_with_services,
)
GROSS_SALES = Kpi(
    "gross_sales",
    "Σ (line_amount + discount_amount)",
    "money",
    "order line",
    "higher",
    HEADS_OR_LINES,
    Words(
        "Gross sales",
        "What was sold at list price: before discounts and refunds, without tax and shipping.",
        "What the goods would have brought in had you given nothing away.",
    ),
    Words(
        "总销售额", "按标价计的销售额：未减折扣和退款，不含税和运费。", "如果不打折，这些商品本可带来的收入。"
    ),
    SOLD,
    gross_sales,
)
DISCOUNT = Kpi(
    "discount",
    "Σ line discounts + Σ order-level discounts",
    "money",
    "order line",
    "neutral",
    ("orders", "order_lines.discount_amount|orders.discount_amount"),
    Words(
        "Discounts",
        "Price given away on lines and on whole orders; an order-level discount is spread over its "
        "lines by their amounts. What manufacturers pay back is no discount of yours.",
        "What you gave up to win the sale.",
    ),
    Words(
        "折扣",
        "行折扣与整单折扣之和；整单折扣按行金额分摊到各行。由厂商补贴的部分不算本店折扣。",
        "为促成销售而让出的金额。",
    ),
    SOLD,
    discount,
)
REFUNDS = Kpi(
    "refunds",
    "Σ refund amounts, on the refund's own date",
    "money",
    "refund",
    "lower",
    ("refunds",),
    Words(
        "Refunds",
        "Money given back, without tax and shipping, on the day it was given back, at the rate of the "
        "order's day.",
        "Sales you made and lost again.",
    ),
    Words("退款", "退还的金额，不含税和运费；计入退款当日，按订单当日汇率折算。", "做成之后又失去的销售。"),
    ("refunded",),
    refunds,
)
NET_SALES = Kpi(
    "net_sales",
    "gross_sales − discount − refunds",
    "money",
    "order line and refund",
    "higher",
    HEADS_OR_LINES,
    Words(
        "Net sales",
        "Gross sales minus discounts and refunds, without tax and shipping. Refunds count on their own day.",
        "What your customers really left with you.",
    ),
    Words("净销售额", "总销售额减折扣和退款，不含税和运费。退款计入退款当日。", "顾客真正留在店里的钱。"),
    (*SOLD, "refunded"),
    net_sales,
)
CONTRIBUTION_MARGIN = Kpi(
    "contribution_margin",
    "Σ over lines with known cost (line_amount − order discount − unit_cost × quantity − payment fee) − "
    "refunds",
    "money",
    "order line and refund",
    "higher",
    ("orders", "order_lines.unit_cost|products.cost"),
    Words(
        "Contribution margin",
        "What is left of net sales after the goods' cost and payment fees. Lines whose cost is unknown, "
        "and their refunds, are left out; a refund gives no cost back.",
        "What sales contribute to rent, wages and profit.",
    ),
    Words(
        "边际贡献",
        "净销售额减商品成本和支付手续费。成本未知的行及其退款不计；退款不冲回成本。",
        "销售为房租、工资和利润贡献的金额。",
    ),
    ("costed_amount", "costed_spread", "costed_fee", "costed_refunded", "cost"),
    contribution_margin,
)
AVERAGE_ORDER_VALUE = Kpi(
    "average_order_value",
    "(gross_sales − discount) / orders",
    "money",
    "order",
    "higher",
    HEADS_OR_LINES,
    Words(
        "Average order value",
        "Sales after discounts, before refunds, per order.",
        "What a typical checkout brings in.",
    ),
    Words("客单价", "折后销售额（未减退款）除以订单数。", "平均一单能带来多少钱。"),
    (*SOLD, "orders"),
    average_order_value,
    refused_grains=WHOLE_ORDERS,
)
ITEMS_PER_ORDER = Kpi(
    "items_per_order",
    "units / orders",
    "units/order",
    "order",
    "higher",
    ("orders", "order_lines"),
    Words("Items per order", "Units of goods per order.", "How full the basket is."),
    Words("每单件数", "商品销量除以订单数。", "购物篮有多满。"),
    ("goods_units", "orders"),
    items_per_order,
    refused_grains=WHOLE_ORDERS,
)
SALES_BY_LOCATION = Kpi(
    "sales_by_location",
    "net_sales by location",
    "money",
    "order line and refund",
    "higher",
    (*HEADS_OR_LINES, "orders.location_id"),
    Words(
        "Sales by location", "Net sales of each store, website or warehouse.", "Which places carry the shop."
    ),
    Words("各门店销售额", "每个门店、网站或仓库的净销售额。", "哪些地方撑起了生意。"),
    (*SOLD, "refunded"),
    net_sales,
    default_by="location",
)
