"""Order arithmetic: amounts of lines and orders that should add up and do not."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, rows_of

# Half a cent for each rounded number that enters a sum, plus one cent.
CENT = 0.01
HALF_CENT = 0.005


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Differences beyond rounding; rows where an amount of the sum is unknown are not looked at."""
    return _lines(tables) + _orders(tables) + _lines_of_orders(tables)


def amount(column: Any) -> Any:
    """Money as a float, a missing amount as 0."""
    return column.cast("float64").fill_null(0.0)


def _lines(tables: Tables) -> list[Finding]:
    """quantity × unit_price = line_amount + discount_amount."""
    lines = rows_of(tables, "order_lines")
    if lines is None:
        return []
    gross = amount(lines.line_amount) + amount(lines.discount_amount)
    expected = lines.quantity * lines.unit_price.cast("float64")
    wrong = (expected - gross).abs() > CENT + HALF_CENT * lines.quantity.abs()
    words = Words(
        "quantity × unit_price is not line_amount + discount_amount",
        "unit_price may already be discounted, or line_amount may hold tax: check the mapping.",
        "数量 × 单价 ≠ 行金额 + 折扣",
        "单价可能已含折扣，或行金额可能含税：请检查映射。",
    )
    rule = Rule("line_amount", "warning", wrong, words, applies=lines.unit_price.notnull())
    return find_rows("arithmetic", "order_lines", lines, "order_line_id", [rule])


def _orders(tables: Tables) -> list[Finding]:
    """total = subtotal − discount + shipping + tax."""
    orders = rows_of(tables, "orders")
    if orders is None:
        return []
    expected = amount(orders.subtotal_amount) - amount(orders.discount_amount)
    expected += amount(orders.shipping_amount) + amount(orders.tax_amount)
    known = orders.subtotal_amount.notnull() & orders.total_amount.notnull()
    wrong = known & ((expected - amount(orders.total_amount)).abs() > 4 * HALF_CENT + CENT)
    words = Words(
        "total_amount is not subtotal − discount + shipping + tax",
        "The subtotal may hold tax, or already be discounted: check the mapping.",
        "总额 ≠ 小计 − 折扣 + 运费 + 税",
        "小计可能含税或已扣折扣：请检查映射。",
    )
    larger = known & (amount(orders.discount_amount) > amount(orders.subtotal_amount) + CENT)
    rules = [
        Rule("total_amount", "warning", wrong, words, applies=known),
        Rule("discount_amount", "warning", larger, _discount_too_large(), applies=known),
    ]
    return find_rows("arithmetic", "orders", orders, "order_id", rules)


def _lines_of_orders(tables: Tables) -> list[Finding]:
    """Σ lines = subtotal, and Σ line discounts ≤ the order's discount."""
    lines, orders = rows_of(tables, "order_lines"), rows_of(tables, "orders")
    if lines is None or orders is None:
        return []
    heads = orders.filter(orders.subtotal_amount.notnull() | orders.discount_amount.notnull())
    sums = lines.group_by("order_id").aggregate(
        num_lines=lines.count(),
        lines_gross=(amount(lines.line_amount) + amount(lines.discount_amount)).sum(),
        lines_discount=amount(lines.discount_amount).sum(),
    )
    paired = heads.inner_join(sums, "order_id")
    tolerance = CENT + CENT * paired.num_lines
    with_subtotal = paired.subtotal_amount.notnull()
    wrong = with_subtotal & ((amount(paired.subtotal_amount) - paired.lines_gross).abs() > tolerance)
    with_discount = paired.discount_amount.notnull()
    less = with_discount & (paired.lines_discount > amount(paired.discount_amount) + tolerance)
    rules = [
        Rule("subtotal_amount", "warning", wrong, _subtotal_differs(), applies=with_subtotal),
        Rule("discount_amount", "warning", less, _discount_too_small(), applies=with_discount),
    ]
    return find_rows("arithmetic", "orders", paired, "order_id", rules)


def _subtotal_differs() -> Words:
    return Words(
        "The lines of an order do not add up to its subtotal",
        "Lines may be missing, or the subtotal may be net of discount. Sales by product count the lines.",
        "订单各行之和与小计不符",
        "可能缺少订单行，或小计已扣折扣。按商品的销售额以订单行为准。",
    )


def _discount_too_small() -> Words:
    return Words(
        "The lines of an order have more discount than the whole order",
        "The order's discount should hold that of its lines: add the two in the mapping.",
        "订单各行的折扣之和大于整单折扣",
        "整单折扣应包含各行折扣：请在映射中相加。",
    )


def _discount_too_large() -> Words:
    return Words(
        "The discount is larger than the subtotal",
        "The subtotal may already be discounted: check the mapping.",
        "折扣大于小计",
        "小计可能已扣折扣：请检查映射。",
    )
