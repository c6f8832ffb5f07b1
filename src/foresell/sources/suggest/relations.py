"""What equations and orders in time say of the columns in them: (column, answer) → plus or minus."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from foresell.sources.suggest.arithmetic import RATE, Product, Total
from foresell.sources.suggest.names import name_scores

Bonuses = dict[tuple[str, str], float]

PLUS = ("orders.shipping_amount", "orders.tax_amount", "orders.payment_fee_amount")
# Of the columns of an equation so many must be named like what they would be.
FEWEST_NAMED = 1.2
MOST_PRODUCTS = 6
# What comes first in time, of several times of one thing, and what comes last.
FIRST_TIMES = ("orders.created_at", "receipts.ordered_at", "campaigns.starts_at", "promotions.starts_at")
LATER_TIMES = {"orders.paid_at": 0.1, "campaigns.ends_at": 0.3, "promotions.ends_at": 0.3}
FACTORS = ("order_lines.quantity", "events.quantity", "refunds.quantity")
PRICES = ("order_lines.unit_price", "events.price")
AMOUNTS = ("order_lines.line_amount", "events.value", "refunds.amount")
LINE_DISCOUNT = "order_lines.discount_amount"


def relation_bonuses(
    products: Sequence[Product], totals: Sequence[Total], earlier: Iterable[tuple[str, str]]
) -> Bonuses:
    """`earlier`: pairs of columns of times, the first never later than the second."""
    found: Bonuses = defaultdict(float)
    for item in products[:MOST_PRODUCTS]:
        _add_product(found, item)
    _add_totals(found, totals)
    for first, second in earlier:
        for answer in FIRST_TIMES:
            found[first, answer] = max(found[first, answer], 0.06)
            found[second, answer] = min(found[second, answer], -0.12)
        for answer, cost in LATER_TIMES.items():
            found[first, answer] -= cost
    return dict(found)


def _add_product(found: Bonuses, item: Product) -> None:
    weight = 0.4 if not item.others else 0.25
    for column, answers in ((item.quantity, FACTORS), (item.price, PRICES), (item.amount, AMOUNTS)):
        for answer in answers:
            _raise(found, column, answer, weight)
    found[item.amount, "order_lines.unit_price"] -= 0.3
    found[item.quantity, "order_lines.line_amount"] -= 0.4
    found[item.price, "order_lines.line_amount"] -= 0.3
    for sign, column in item.others:
        if sign == RATE:
            found[column, LINE_DISCOUNT] -= 0.9
        elif sign < 0:
            _raise(found, column, LINE_DISCOUNT, weight)


def _add_totals(found: Bonuses, totals: Sequence[Total]) -> None:
    """The reading of an equation that the names fit best; the more parts it has, the less it is chance."""
    roles = max(map(_roles, totals), key=_named, default={})
    if not roles or _named(roles) < FEWEST_NAMED:
        return
    weight = 0.3 if len(roles) > 3 else 0.15
    for column, answer in roles.items():
        # A name that says so needs no proof, and of two the better name shall win.
        _raise(found, column, answer, weight * (1 - 0.8 * name_scores(column).get(answer, 0.0)))


def _roles(item: Total) -> dict[str, str]:
    """Column → what it is if the total is one."""
    roles = {item.total: "orders.total_amount", item.first: "orders.subtotal_amount"}
    for sign, column in item.parts:
        scores = name_scores(column)
        plus = max((scores.get(answer, 0.0), answer) for answer in PLUS)[1]
        roles[column] = "orders.discount_amount" if sign < 0 else plus
    return roles


def _named(roles: dict[str, str]) -> float:
    return sum(name_scores(column).get(answer, 0.0) - 0.15 for column, answer in roles.items())


def _raise(found: Bonuses, column: str, answer: str, weight: float) -> None:
    found[column, answer] = max(found[column, answer], weight)
