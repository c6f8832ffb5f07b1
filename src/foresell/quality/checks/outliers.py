"""Outliers: amounts far from the rest. They are flagged, never dropped.

Amounts of a shop are skewed: a few are hundreds of times the usual. So sizes are compared by their
logarithm: ln |x|, 0 left out (signs have a check of their own). Robust z (Iglewicz and Hoaglin, 1993) is
|x − median| ÷ (1.4826 × MAD), where MAD is the median absolute deviation; where more than half of the
values are equal, MAD is 0 and the standard deviation stands in for it. Beside it Tukey's fences by quartiles.
"""

from dataclasses import dataclass
from math import exp
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import QualitySettings, Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, read_rows, rows_of

COLUMNS: tuple[tuple[str, str], ...] = (
    ("order_lines", "quantity"),
    ("order_lines", "unit_price"),
    ("order_lines", "line_amount"),
    ("orders", "total_amount"),
    ("orders", "shipping_amount"),
    ("refunds", "amount"),
    ("products", "price"),
    ("products", "cost"),
    ("ad_spend", "cost_amount"),
    ("inventory", "on_hand"),
)
MAD_TO_SIGMA = 1.4826
# Quartiles of fewer values say nothing about the rest.
FEWEST_VALUES = 30
# A product's price this many times its own median, or this small a part of it: a shifted decimal point.
PRICE_FACTOR = 10
FEWEST_PRICES = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes below `lower` or above `upper` are outliers; both are above 0."""

    lower: float
    upper: float


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Flagged when either rule of the settings flags it; missing values and 0 are not looked at."""
    findings: list[Finding] = []
    for name, column in COLUMNS:
        rows = rows_of(tables, name)
        if rows is not None:
            goods = _without_services(tables, rows) if name == "order_lines" else rows
            findings += _outliers(name, column, goods, settings.quality)
    return findings + _unusual_prices(tables)


def _without_services(tables: Tables, lines: Any) -> Any:
    """Liters of fuel are no pieces: they have a finding of their own."""
    products = tables.current("products")
    services = products.filter(products.is_service.fill_null(False)).select("product_id")
    return lines.anti_join(services, "product_id")


def _outliers(name: str, column: str, rows: Any, settings: QualitySettings) -> list[Finding]:
    sizes = rows[column].cast("float64").abs()
    looked_at = sizes > 0
    bounds = robust_bounds(rows.filter(looked_at).select(size=sizes), settings)
    if bounds is None:
        return []
    far = looked_at & ((sizes < bounds.lower) | (sizes > bounds.upper))
    words = Words(
        f"'{column}' lies far from the rest (outside {bounds.lower:,.2f} to {bounds.upper:,.2f})",
        "They are kept and counted. Look at the examples: wrong units and test rows show up here.",
        f"“{column}”远离其余取值（超出 {bounds.lower:,.2f} 至 {bounds.upper:,.2f}）",
        "这些行予以保留并计入。请查看示例：单位错误和测试数据常在这里出现。",
    )
    rule = Rule(column, "note", far, words, applies=looked_at)
    return find_rows("outliers", name, rows, TABLES[name].key[0], [rule])


def robust_bounds(sizes: Any, settings: QualitySettings) -> Bounds | None:
    """The narrower of both rules on each side, of a lazy table with a column `size` above 0.

    None where the values are too few or all the same.
    """
    logs = sizes.select(value=sizes.size.ln())
    value = logs.value
    quartiles = {"q1": value.quantile(0.25), "q2": value.quantile(0.5), "q3": value.quantile(0.75)}
    middle = read_rows(logs.aggregate(n=value.count(), deviation=value.std(how="pop"), **quartiles))[0]
    if middle["n"] < FEWEST_VALUES:
        return None
    q1, median, q3 = middle["q1"], middle["q2"], middle["q3"]
    mad = read_rows(logs.aggregate(mad=(value - median).abs().quantile(0.5)))[0]["mad"]
    sigma = MAD_TO_SIGMA * mad or middle["deviation"]
    if sigma == 0:
        return None
    reach = settings.robust_z_limit * sigma
    lower, upper = median - reach, median + reach
    if q3 > q1:
        fence = settings.iqr_factor * (q3 - q1)
        lower, upper = max(lower, q1 - fence), min(upper, q3 + fence)
    return Bounds(exp(lower), exp(upper))


def _unusual_prices(tables: Tables) -> list[Finding]:
    """Lines whose price is ten times the usual one of their product, or a tenth of it."""
    lines = rows_of(tables, "order_lines")
    if lines is None:
        return []
    priced = lines.filter(lines.unit_price > 0).select(
        "order_line_id", "product_id", price=lines.unit_price.cast("float64")
    )
    usual = priced.group_by("product_id").aggregate(
        usual=priced.price.quantile(0.5), num_prices=priced.count()
    )
    paired = priced.inner_join(usual.filter(usual.num_prices >= FEWEST_PRICES), "product_id")
    ratio = paired.price / paired.usual
    words = Words(
        f"Prices are {PRICE_FACTOR} times the product's usual one, or a tenth of it",
        "A decimal point may have moved, or one id stands for two things. They are kept and counted.",
        f"价格是该商品通常价格的 {PRICE_FACTOR} 倍以上或十分之一以下",
        "可能是小数点错位，或同一编号代表了两种商品。这些行予以保留并计入。",
    )
    rule = Rule("unit_price", "note", (ratio >= PRICE_FACTOR) | (ratio * PRICE_FACTOR <= 1), words)
    return find_rows("outliers", "order_lines", paired, "order_line_id", [rule])
