"""Customers: how many, how loyal, how valuable. Guests' orders belong to no customer."""

from foresell.kpis.catalog import Kpi, Measures, Number, Words, count, ratio
from foresell.kpis.cohorts import lifetime_value, retention
from foresell.kpis.rfm import rfm


def customers(m: Measures) -> Number:
    return m["customers"]


def new_customers(m: Measures) -> Number:
    return m["new_customers"]


def returning_customers(m: Measures) -> Number:
    return count(m["customers"]) - count(m["new_customers"])


def repeat_purchase_rate(m: Measures) -> float | None:
    return ratio(m["repeat_customers"], m["customers"])


def purchase_frequency(m: Measures) -> float | None:
    return ratio(m["customer_orders"], m["customers"])


def days_between_orders(m: Measures) -> float | None:
    return ratio(m["gap_days"], m["gaps"])


KNOWN = ("orders", "orders.customer_id")
CUSTOMERS = Kpi(
    "customers",
    "count of distinct customers with an order",
    "customers",
    "customer",
    "higher",
    KNOWN,
    Words(
        "Customers",
        "Different known customers who ordered; guests cannot be told apart and are left out.",
        "How many people your shop lives on.",
    ),
    Words("顾客数", "下过订单的不同顾客数；访客无法区分，不计。", "店铺靠多少人支撑。"),
    ("customers",),
    customers,
)
NEW_CUSTOMERS = Kpi(
    "new_customers",
    "customers whose first order of all lies in the period",
    "customers",
    "customer",
    "higher",
    KNOWN,
    Words(
        "New customers", "Customers who ordered in the period and never before it.", "Whether you win people."
    ),
    Words("新顾客", "本期下单且此前从未下单的顾客。", "有没有赢得新客。"),
    ("new_customers",),
    new_customers,
)
RETURNING_CUSTOMERS = Kpi(
    "returning_customers",
    "customers − new_customers",
    "customers",
    "customer",
    "higher",
    KNOWN,
    Words(
        "Returning customers",
        "Customers who ordered in the period and also before it.",
        "Whether people come back.",
    ),
    Words("回头客", "本期下单且此前也下过单的顾客。", "顾客是否回来。"),
    ("customers", "new_customers"),
    returning_customers,
)
REPEAT_PURCHASE_RATE = Kpi(
    "repeat_purchase_rate",
    "customers with two or more orders / customers",
    "rate",
    "customer",
    "higher",
    KNOWN,
    Words(
        "Repeat purchase rate",
        "Share of customers with at least two orders within the period.",
        "How many buy more than once.",
    ),
    Words("复购率", "本期内下过两单及以上的顾客所占比例。", "有多少人买了不止一次。"),
    ("repeat_customers", "customers"),
    repeat_purchase_rate,
)
PURCHASE_FREQUENCY = Kpi(
    "purchase_frequency",
    "orders of known customers / customers",
    "times",
    "customer",
    "higher",
    KNOWN,
    Words("Purchase frequency", "Orders per known customer within the period.", "How often a customer buys."),
    Words("购买频次", "本期内每位已知顾客的平均订单数。", "一位顾客多久买一次。"),
    ("customer_orders", "customers"),
    purchase_frequency,
)
DAYS_BETWEEN_ORDERS = Kpi(
    "days_between_orders",
    "mean days from a customer's order to the next",
    "days",
    "pair of successive orders",
    "lower",
    KNOWN,
    Words(
        "Days between orders",
        "Mean number of days since the same customer's order before, over the orders of the period that "
        "have one; two orders of one day are 0 days apart.",
        "When to remind a customer.",
    ),
    Words(
        "下单间隔天数",
        "本期订单距同一顾客上一单的平均天数（首单不计）；同日两单间隔为 0 天。",
        "何时该提醒顾客。",
    ),
    ("gap_days", "gaps"),
    days_between_orders,
    refused_grains={"product": "the days lie between orders, and an order holds several products"},
)
RETENTION = Kpi(
    "retention",
    "customers of a cohort who order `age` periods after their first / customers of the cohort",
    "table",
    "cohort and age",
    "higher",
    KNOWN,
    Words(
        "Retention by cohort",
        "A cohort is the customers whose first order lies in one period; each row says how many of them "
        "order again so many periods later.",
        "Whether customers won in one month stay longer than those of another.",
    ),
    Words(
        "留存（按同期群）",
        "同一期首次下单的顾客为一个同期群；每行表示若干期后其中有多少人再次下单。",
        "不同时期赢得的顾客，哪一批留得更久。",
    ),
    read_rows=retention,
    row_grains=("order", "customer"),
    columns=("cohort", "age", "customers", "active_customers", "retention"),
)
LIFETIME_VALUE = Kpi(
    "lifetime_value",
    "net_sales to date of a cohort / customers of the cohort",
    "table",
    "cohort",
    "higher",
    (*KNOWN, "order_lines|orders.subtotal_amount|orders.total_amount"),
    Words(
        "Lifetime value to date by cohort",
        "Net sales so far of the customers whose first order lies in one period, in all and per customer.",
        "What a customer won back then has brought so far: the most it was worth to win one.",
    ),
    Words(
        "累计顾客价值（按同期群）",
        "同一期首次下单的顾客至今的净销售额，总额与人均。",
        "当时赢得的一位顾客至今带来多少，也就是获客最多值多少钱。",
    ),
    read_rows=lifetime_value,
    row_grains=("order", "customer"),
    columns=("cohort", "customers", "net_sales", "lifetime_value"),
)
RFM = Kpi(
    "rfm",
    "recency, frequency and monetary value, each scored 1–5 by its rank among customers",
    "table",
    "segment, or customer",
    "neutral",
    (*KNOWN, "order_lines|orders.subtotal_amount|orders.total_amount"),
    Words(
        "RFM segments",
        "Customers grouped by how lately and how often they ordered, with what they spent. Scores are "
        "fifths by rank; equal customers score equally, 3 where all are equal. By customer: a row each.",
        "Whom to thank, whom to win back, whom to let go.",
    ),
    Words(
        "RFM 分群",
        "按最近一次下单、下单次数和消费金额把顾客分群。得分按名次分五档，并列者同分（全部相同时均为 3 分）。"
        "按顾客：一人一行。",
        "该感谢谁、挽回谁、放手谁。",
    ),
    read_rows=rfm,
    row_grains=("order", "customer"),
    row_splits=("customer",),
    refused_periods="customers are scored over the whole span; use --from and --to",
    columns=("segment", "customers", "share", "recency_days", "orders", "monetary_value", "net_sales"),
)
