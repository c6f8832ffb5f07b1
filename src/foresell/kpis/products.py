"""Products: what sells, and what sells together."""

from foresell.kpis.affinity import basket_affinity
from foresell.kpis.catalog import Kpi, Words
from foresell.kpis.sales import HEADS_OR_LINES, SOLD, net_sales

MIX = Kpi(
    "mix",
    "net_sales of the dimension's value / net_sales of its period",
    "rate",
    "order line and refund",
    "neutral",
    HEADS_OR_LINES,
    Words(
        "Sales mix",
        "Share of net sales of each category (or any other dimension); the shares of a period add up to 1.",
        "What you live on.",
    ),
    Words("销售结构", "各品类（或其他维度）占净销售额的比例；同期各份额之和为 1。", "生意主要靠什么。"),
    (*SOLD, "refunded"),
    net_sales,
    default_by="category",
    is_share=True,
)
BASKET_AFFINITY = Kpi(
    "basket_affinity",
    "support = P(A and B), confidence = P(B | A), lift = confidence / P(B), over orders",
    "table",
    "pair of products or categories",
    "neutral",
    ("orders", "order_lines"),
    Words(
        "Bought together",
        "Pairs found in at least one order in a thousand (and two orders): support is the share of "
        "orders with both, confidence the share of orders with the first that also hold the second, "
        "lift how much more often than by chance.",
        "What to place side by side, bundle, or recommend.",
    ),
    Words(
        "连带购买",
        "至少在千分之一（且不少于两笔）订单中同时出现的组合：支持度为两者同单的比例，"
        "置信度为含前者的订单中也含后者的比例，提升度为相对随机的倍数。",
        "哪些商品该摆在一起、组成套装或互相推荐。",
    ),
    read_rows=basket_affinity,
    row_grains=("product", "order", "customer"),
    row_splits=("product", "department", "category", "brand"),
    refused_periods="pairs are counted over the whole span; use --from and --to",
    columns=("antecedent", "consequent", "orders", "support", "confidence", "lift"),
)
