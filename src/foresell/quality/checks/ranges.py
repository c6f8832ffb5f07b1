"""Ranges: values that cannot be, whatever the shop."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, rows_of

# (table, column, least, most); None: no bound on that side. Bounds belong to the range.
RANGES: tuple[tuple[str, str, float | None, float | None], ...] = (
    ("promotions", "discount_rate", 0, 1),
    ("exposures", "propensity", 0, 1),
    ("identities", "confidence", 0, 1),
    ("customers", "birth_year", 1900, None),
    ("events", "position", 1, None),
    ("events", "quantity", 0, None),
    ("exposures", "position", 1, None),
    ("reviews", "rating", 0, 100),
    ("ad_spend", "impressions", 0, None),
    ("ad_spend", "clicks", 0, None),
    ("inventory", "on_hand", 0, None),
    ("inventory", "on_order", 0, None),
    ("supplies", "lead_time_days", 0, 1000),
    ("supplies", "min_order_quantity", 0, None),
    ("receipts", "quantity", 0, None),
)
POSITIVE: tuple[tuple[str, str], ...] = (
    ("bundle_items", "quantity"),
    ("exchange_rates", "rate_to_store"),
    ("supplies", "pack_size"),
)
FLOATS: tuple[tuple[str, str], ...] = (
    ("order_lines", "quantity"),
    ("refunds", "quantity"),
    ("events", "quantity"),
)


def check(tables: Tables, settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    for name in TABLES:
        if _is_checked(name):
            rows = rows_of(tables, name)
            if rows is not None:
                findings += find_rows("ranges", name, rows, TABLES[name].key[0], _rules(name, rows))
    return findings


def _is_checked(name: str) -> bool:
    return name in {entry[0] for entry in (*RANGES, *POSITIVE, *FLOATS)}


def _rules(name: str, rows: Any) -> list[Rule]:
    rules = [
        Rule(column, "warning", _outside(rows[column], least, most), _words(column, _range(least, most)))
        for table, column, least, most in RANGES
        if table == name
    ]
    rules += [
        Rule(column, "error", rows[column] <= 0, _words(column, "above 0"))
        for table, column in POSITIVE
        if table == name
    ]
    rules += [
        Rule(column, "error", rows[column].isnan() | rows[column].isinf(), _not_a_number(column))
        for table, column in FLOATS
        if table == name
    ]
    if name == "customers":
        born_later = rows.birth_year > rows.recorded_at.year()
        rules.append(
            Rule("birth_year", "warning", born_later, _words("birth_year", "up to the year of the import"))
        )
    if name == "ad_spend":
        rules.append(Rule("clicks", "warning", rows.clicks > rows.impressions, _more_clicks()))
    return rules


def _outside(values: Any, least: float | None, most: float | None) -> Any:
    if most is None:
        return values < least
    return (values < least) | (values > most)


def _range(least: float | None, most: float | None) -> str:
    return f"{least:g} or more" if most is None else f"{least:g} to {most:g}"


def _words(column: str, allowed: str) -> Words:
    allowed_zh = allowed.replace("up to the year of the import", "不晚于导入年份")
    allowed_zh = allowed_zh.replace("above", "大于").replace(" or more", " 及以上").replace(" to ", " 至 ")
    return Words(
        f"'{column}' lies outside what is possible: {allowed}",
        "Check the unit (percent or share, cents or dollars) and the mapping of this column.",
        f"“{column}”超出可能的范围：{allowed_zh}",
        "请检查该列的单位（百分比还是比例、分还是元）以及映射。",
    )


def _not_a_number(column: str) -> Words:
    return Words(
        f"'{column}' holds 'not a number' or infinity",
        "Every sum over it becomes useless. Correct the calculation at the source.",
        f"“{column}”中有 NaN 或无穷大",
        "对该列的任何求和都会失效。请修正源头的计算。",
    )


def _more_clicks() -> Words:
    return Words(
        "More clicks than impressions",
        "The two columns may be swapped, or the export counts them over different days.",
        "点击数多于展示数",
        "两列可能对调了，或导出时统计的日期范围不同。",
    )
