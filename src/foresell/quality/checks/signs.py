"""Signs: amounts below zero, returns hidden among sales, refunds larger than what was paid."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.checks.arithmetic import CENT, amount
from foresell.quality.finding import Finding, Severity, Words
from foresell.quality.rules import Rule, find_rows, rows_of

# Columns that the contracts define as ≥ 0.
NOT_NEGATIVE: tuple[tuple[str, str, Severity], ...] = (
    ("order_lines", "unit_price", "warning"),
    ("order_lines", "unit_cost", "warning"),
    ("order_lines", "discount_amount", "warning"),
    ("order_lines", "vendor_discount_amount", "warning"),
    ("order_lines", "tax_amount", "note"),
    ("orders", "subtotal_amount", "warning"),
    ("orders", "discount_amount", "warning"),
    ("orders", "shipping_amount", "warning"),
    ("orders", "tax_amount", "note"),
    ("orders", "total_amount", "warning"),
    ("orders", "refunded_amount", "note"),
    ("refunds", "amount", "error"),
    ("refunds", "quantity", "error"),
    ("products", "price", "warning"),
    ("products", "cost", "warning"),
    ("ad_spend", "cost_amount", "warning"),
    ("supplies", "unit_cost", "warning"),
    ("events", "price", "warning"),
)


def check(tables: Tables, settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    for name in TABLES:
        columns = [(column, severity) for table, column, severity in NOT_NEGATIVE if table == name]
        rows = rows_of(tables, name) if columns else None
        if rows is not None:
            rules = [
                Rule(column, severity, rows[column] < 0, _negative(column)) for column, severity in columns
            ]
            rules += EXTRA_RULES[name](rows) if name in EXTRA_RULES else []
            findings += find_rows("signs", name, rows, TABLES[name].key[0], rules)
    return findings + _refunded_too_much(tables)


def _line_rules(rows: Any) -> list[Rule]:
    returned = (rows.quantity < 0) & (rows.line_amount <= 0)
    disagree = ((rows.quantity > 0) & (rows.line_amount < 0)) | ((rows.quantity < 0) & (rows.line_amount > 0))
    returns = Words(
        "Lines with a negative quantity: returns among the sales",
        "They lower gross sales on the order's date. Map them to refunds, so that they count on their own.",
        "订单行数量为负：销售中混入了退货",
        "它们会冲减订单当日的销售总额。请映射到退款表，按退款日期统计。",
    )
    signs = Words(
        "Quantity and amount of a line have different signs",
        "One of the two columns lost its sign, or a correction was booked as a sale.",
        "订单行的数量与金额符号相反",
        "其中一列丢失了符号，或把更正记成了销售。",
    )
    return [Rule("quantity", "warning", returned, returns), Rule("line_amount", "warning", disagree, signs)]


def _product_rules(rows: Any) -> list[Rule]:
    below = Words(
        "The price is below the cost",
        "Sold at a loss on purpose, or the cost is of a whole pack: check the examples.",
        "售价低于成本",
        "可能有意亏本销售，或成本是整箱的：请核对示例。",
    )
    return [Rule("price", "note", (rows.cost > 0) & (rows.price > 0) & (rows.price < rows.cost), below)]


EXTRA_RULES = {"order_lines": _line_rules, "products": _product_rules}


def _refunded_too_much(tables: Tables) -> list[Finding]:
    """Refunds hold neither tax nor shipping, so the lines after discount are the most that can go back."""
    refunds, lines = rows_of(tables, "refunds"), rows_of(tables, "order_lines")
    if refunds is None or lines is None:
        return []
    paid = lines.group_by("order_id").aggregate(paid=amount(lines.line_amount).sum(), num_lines=lines.count())
    returned = refunds.group_by("order_id").aggregate(returned=amount(refunds.amount).sum())
    paired = returned.inner_join(paid, "order_id")
    words = Words(
        "More was refunded than the goods of the order cost",
        "Refunds may hold tax or shipping, or be imported twice: check the mapping.",
        "退款金额超过订单商品金额",
        "退款可能含税或运费，或被重复导入：请检查映射。",
    )
    excess = paired.returned > paired.paid + CENT * (1 + paired.num_lines)
    return find_rows("signs", "refunds", paired, "order_id", [Rule("amount", "warning", excess, words)])


def _negative(column: str) -> Words:
    return Words(
        f"'{column}' is negative",
        "This column is never below 0. Where the source marks returns so, map them to refunds.",
        f"“{column}”为负数",
        "该列不应小于 0。若数据源以负数表示退货，请映射到退款表。",
    )
