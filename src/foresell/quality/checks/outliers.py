"""Outliers: values far from the rest. They are flagged, never dropped.

Robust z (Iglewicz and Hoaglin, 1993): |x − median| ÷ (1.4826 × MAD), where MAD is the median absolute
deviation. Where more than half of the values are equal, MAD is 0: then the mean absolute deviation ×
1.2533 stands for the deviation, as Iglewicz and Hoaglin propose. Tukey's rule by quartiles beside it.
"""

from dataclasses import dataclass
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
MEAN_DEVIATION_TO_SIGMA = 1.2533
# Quartiles of fewer values say nothing about the rest.
FEWEST_VALUES = 30


@dataclass(frozen=True, slots=True)
class Bounds:
    """Values below `lower` or above `upper` are outliers."""

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
    return findings


def _without_services(tables: Tables, lines: Any) -> Any:
    """Liters of fuel are no pieces: they have a finding of their own."""
    products = tables.current("products")
    services = products.filter(products.is_service.fill_null(False)).select("product_id")
    return lines.anti_join(services, "product_id")


def _outliers(name: str, column: str, rows: Any, settings: QualitySettings) -> list[Finding]:
    values = rows[column].cast("float64")
    looked_at = values.notnull() & (values != 0)
    bounds = robust_bounds(rows.filter(looked_at).select(value=values), settings)
    if bounds is None:
        return []
    far = looked_at & ((values < bounds.lower) | (values > bounds.upper))
    words = Words(
        f"'{column}' lies far from the rest (outside {bounds.lower:,.2f} to {bounds.upper:,.2f})",
        "They are kept and counted. Look at the examples: wrong units and test rows show up here.",
        f"“{column}”远离其余取值（超出 {bounds.lower:,.2f} 至 {bounds.upper:,.2f}）",
        "这些行予以保留并计入。请查看示例：单位错误和测试数据常在这里出现。",
    )
    rule = Rule(column, "note", far, words, applies=looked_at)
    return find_rows("outliers", name, rows, TABLES[name].key[0], [rule])


def robust_bounds(values: Any, settings: QualitySettings) -> Bounds | None:
    """The narrower of both rules on each side; None where the values are too few or all the same."""
    value = values.value
    middle = read_rows(
        values.aggregate(
            n=value.count(), median=value.median(), q1=value.quantile(0.25), q3=value.quantile(0.75)
        )
    )[0]
    if middle["n"] < FEWEST_VALUES:
        return None
    deviation = (value - middle["median"]).abs()
    spread = read_rows(values.aggregate(mad=deviation.median(), mean=deviation.mean()))[0]
    sigma = MAD_TO_SIGMA * spread["mad"] or MEAN_DEVIATION_TO_SIGMA * spread["mean"]
    if sigma == 0:
        return None
    lower = middle["median"] - settings.robust_z_limit * sigma
    upper = middle["median"] + settings.robust_z_limit * sigma
    quartile_range = middle["q3"] - middle["q1"]
    if quartile_range > 0:
        lower = max(lower, middle["q1"] - settings.iqr_factor * quartile_range)
        upper = min(upper, middle["q3"] + settings.iqr_factor * quartile_range)
    return Bounds(lower, upper)
