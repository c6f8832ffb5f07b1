"""Unknown references: ids that point to nothing."""

from dataclasses import dataclass
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import MAX_EXAMPLES, Finding, Severity, Words
from foresell.quality.rules import affected, read_rows, rows_of
from foresell.store.ever_there import ever_there


@dataclass(frozen=True, slots=True)
class Reference:
    """`table.column` names a row of `target` by its `target_column`."""

    table: str
    column: str
    target: str
    target_column: str
    severity: Severity = "warning"


REFERENCES: tuple[Reference, ...] = (
    Reference("order_lines", "order_id", "orders", "order_id", "error"),
    Reference("order_lines", "product_id", "products", "product_id"),
    Reference("order_lines", "promotion_id", "promotions", "promotion_id", "note"),
    Reference("orders", "customer_id", "customers", "customer_id"),
    Reference("orders", "location_id", "locations", "location_id"),
    Reference("refunds", "order_id", "orders", "order_id"),
    Reference("refunds", "order_line_id", "order_lines", "order_line_id"),
    Reference("refunds", "product_id", "products", "product_id"),
    Reference("events", "customer_id", "customers", "customer_id", "note"),
    Reference("events", "product_id", "products", "product_id"),
    Reference("events", "order_id", "orders", "order_id"),
    Reference("bundle_items", "bundle_product_id", "products", "product_id"),
    Reference("bundle_items", "product_id", "products", "product_id"),
    Reference("identities", "customer_id", "customers", "customer_id"),
    Reference("consents", "customer_id", "customers", "customer_id"),
    Reference("products", "parent_product_id", "products", "product_id"),
    Reference("promotions", "product_id", "products", "product_id"),
    Reference("promotions", "location_id", "locations", "location_id"),
    Reference("promotions", "campaign_id", "campaigns", "campaign_id"),
    Reference("audiences", "campaign_id", "campaigns", "campaign_id"),
    Reference("audiences", "customer_id", "customers", "customer_id"),
    Reference("ad_spend", "campaign_id", "campaigns", "campaign_id"),
    Reference("coupons", "campaign_id", "campaigns", "campaign_id"),
    Reference("coupons", "product_id", "products", "product_id"),
    Reference("redemptions", "coupon_code", "coupons", "coupon_code"),
    Reference("redemptions", "campaign_id", "campaigns", "campaign_id"),
    Reference("redemptions", "customer_id", "customers", "customer_id"),
    Reference("redemptions", "order_id", "orders", "order_id"),
    Reference("exposures", "campaign_id", "campaigns", "campaign_id"),
    Reference("exposures", "customer_id", "customers", "customer_id"),
    Reference("inventory", "product_id", "products", "product_id"),
    Reference("inventory", "location_id", "locations", "location_id"),
    Reference("supplies", "product_id", "products", "product_id"),
    Reference("receipts", "product_id", "products", "product_id"),
    Reference("receipts", "location_id", "locations", "location_id"),
    Reference("reviews", "product_id", "products", "product_id"),
    Reference("reviews", "customer_id", "customers", "customer_id", "note"),
    Reference("reviews", "order_id", "orders", "order_id"),
    Reference("tickets", "customer_id", "customers", "customer_id", "note"),
    Reference("tickets", "order_id", "orders", "order_id"),
)


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """A reference into a table that has no rows is not looked at: the shop does not supply it.

    What has ended, such as a product no longer sold, is known; but for an order, whose lines end with it.
    Examples are the unknown ids.
    """
    findings: list[Finding] = []
    for reference in REFERENCES:
        rows, targets = rows_of(tables, reference.table), rows_of(tables, reference.target)
        if rows is not None and targets is not None:
            known = targets if reference.target == "orders" else ever_there(tables, reference.target)
            findings += _unknown(reference, rows, known)
    return findings + _orders_without_lines(tables)


def _unknown(reference: Reference, rows: Any, targets: Any) -> list[Finding]:
    # Grouping first leaves a join of distinct ids: 21 million promotions name some 90,000 products.
    used = rows.filter(rows[reference.column].notnull()).select(wanted=rows[reference.column])
    counted = used.group_by("wanted").aggregate(num_rows=used.count())
    known = targets.select(wanted=targets[reference.target_column]).distinct()
    unknown = counted.anti_join(known, "wanted")
    sums = read_rows(unknown.aggregate(bad=unknown.num_rows.sum(), ids=unknown.count()))[0]
    if not sums["bad"]:
        return []
    total = read_rows(counted.aggregate(total=counted.num_rows.sum()))[0]["total"]
    smallest = unknown.select("wanted").order_by("wanted").limit(MAX_EXAMPLES)
    return [
        Finding(
            check="references",
            table=reference.table,
            column=reference.column,
            severity=reference.severity,
            num_rows=sums["bad"],
            share=sums["bad"] / total,
            examples=tuple(row["wanted"] for row in read_rows(smallest)),
            words=_words(reference, sums["ids"]),
            rows=affected(
                rows.semi_join(unknown, rows[reference.column] == unknown.wanted),
                reference.table,
                reference.column,
                TABLES[reference.table].key[0],
            ),
        )
    ]


def _words(reference: Reference, num_ids: int) -> Words:
    column, target = reference.column, reference.target
    return Words(
        f"{num_ids:,} values of '{column}' are not in {target}",
        f"These rows count in totals, but under no attribute of {target}. Import the missing {target}.",
        f"“{column}”有 {num_ids:,} 个取值不在 {target} 中",
        f"这些行计入总额，但无法按 {target} 的属性归类。请导入缺失的 {target}。",
    )


def _orders_without_lines(tables: Tables) -> list[Finding]:
    orders, lines = rows_of(tables, "orders"), rows_of(tables, "order_lines")
    if orders is None or lines is None:
        return []
    empty = orders.select("order_id").anti_join(lines.select("order_id").distinct(), "order_id")
    bad = read_rows(empty.aggregate(bad=empty.count()))[0]["bad"]
    if not bad:
        return []
    total = read_rows(orders.aggregate(total=orders.count()))[0]["total"]
    smallest = empty.order_by("order_id").limit(MAX_EXAMPLES)
    words = Words(
        "Orders have no lines",
        "They count with their own amounts, or not at all where those are missing. Import their lines.",
        "有些订单没有订单行",
        "这些订单只按自身金额计入，没有金额时完全不计。请导入它们的订单行。",
    )
    examples = tuple(row["order_id"] for row in read_rows(smallest))
    key = TABLES["orders"].key[0]
    shown = affected(empty, "orders", key, key)
    return [Finding("references", "orders", key, "warning", bad, bad / total, examples, words, shown)]
