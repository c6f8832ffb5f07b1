"""Types and formats: leftovers of other programs in ids, texts and names that have a fixed list."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import EVENT_NAMES, ORDER_STATUSES, TABLES
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, rows_of

# Where an id is defined or first met; what only refers to it is left to the check of references.
ID_COLUMNS: dict[str, tuple[str, ...]] = {
    "orders": ("order_id", "customer_id"),
    "order_lines": ("product_id",),
    "customers": ("customer_id",),
    "products": ("product_id",),
    "locations": ("location_id",),
    "campaigns": ("campaign_id",),
    "redemptions": ("coupon_code",),
    "inventory": ("product_id",),
}
TEXT_COLUMNS: dict[str, tuple[str, ...]] = {
    "products": ("title", "brand", "department", "category"),
    "customers": ("country", "city", "gender"),
    "orders": ("channel", "payment_method", "billing_country", "shipping_country"),
    "locations": ("name", "country"),
    "reviews": ("title", "body"),
    "refunds": ("reason",),
    "events": ("search_query", "country"),
}
NAMES: dict[tuple[str, str], tuple[str, ...]] = {
    ("events", "event_name"): tuple(EVENT_NAMES),
    ("orders", "status"): ORDER_STATUSES,
}
# Patterns, not `strip()`: on Spark, Ibis's strip takes letters such as f and t for white space.
PLACEHOLDER = r"^\s*(|-+|\?|#?n/?a|nan|none|\(?null\)?|nil|undefined|unknown)\s*$"
PADDING = r"^\s|\s$"
NUMBER_LEFTOVER = r"^[0-9]+\.0$"
SCIENTIFIC_LEFTOVER = r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$"
MARKUP_LEFTOVER = r"&(amp|lt|gt|quot|nbsp|#[0-9]+);|</?(br|p|b|i|span|div)( [^>]*)?/?>"


def check(tables: Tables, settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    for name in TABLES:
        columns = (ID_COLUMNS.get(name), TEXT_COLUMNS.get(name), _named(name))
        rows = rows_of(tables, name) if any(columns) else None
        if rows is not None:
            findings += find_rows("formats", name, rows, TABLES[name].key[0], _rules(name, rows))
    return findings


def _named(name: str) -> tuple[str, ...]:
    return tuple(column for table, column in NAMES if table == name)


def _rules(name: str, rows: Any) -> list[Rule]:
    rules: list[Rule] = []
    for column in ID_COLUMNS.get(name, ()):
        rules += _id_rules(column, rows[column])
    for column in TEXT_COLUMNS.get(name, ()):
        rules += _text_rules(column, rows[column])
    for column in _named(name):
        rules.append(_name_rule(column, rows[column], NAMES[name, column]))
    return rules


def _id_rules(column: str, values: Any) -> list[Rule]:
    return [
        Rule(column, "warning", values.re_search(NUMBER_LEFTOVER), _ids_as_numbers(column)),
        Rule(column, "error", values.re_search(SCIENTIFIC_LEFTOVER), _ids_rounded(column)),
        Rule(column, "warning", values.re_search(PADDING), _padded(column)),
        Rule(column, "warning", values.lower().re_search(PLACEHOLDER), _placeholder(column)),
    ]


def _text_rules(column: str, values: Any) -> list[Rule]:
    return [
        Rule(column, "note", values.lower().re_search(PLACEHOLDER), _placeholder(column)),
        Rule(column, "note", values.re_search(MARKUP_LEFTOVER), _markup(column)),
    ]


def _name_rule(column: str, values: Any, known: tuple[str, ...]) -> Rule:
    words = Words(
        f"'{column}' has names that Foresell does not know",
        f"They count in no figure that asks for a name. Map them to one of: {', '.join(known)}.",
        f"“{column}”中有 Foresell 不认识的名称",
        f"按名称统计的指标不会计入这些行。请映射为以下之一：{', '.join(known)}。",
    )
    return Rule(column, "warning", values.notin(known), words)


def _ids_as_numbers(column: str) -> Words:
    return Words(
        f"Ids in '{column}' end in '.0', as if they had been numbers",
        "They will not match the same ids elsewhere. Export the column as text.",
        f"“{column}”中的编号以“.0”结尾，像是被当作数字处理过",
        "它们与其他表中的编号对不上。请以文本格式导出该列。",
    )


def _ids_rounded(column: str) -> Words:
    return Words(
        f"Ids in '{column}' look like 1.23E+11: a spreadsheet has rounded them",
        "Different ids have become one. Export again with the column as text.",
        f"“{column}”中的编号形如 1.23E+11，已被电子表格四舍五入",
        "不同的编号被合并成了一个。请将该列设为文本后重新导出。",
    )


def _padded(column: str) -> Words:
    return Words(
        f"Ids in '{column}' begin or end with white space",
        "They will not match the same ids elsewhere. Trim them in the mapping.",
        f"“{column}”中的编号首尾有空白",
        "它们与其他表中的编号对不上。请在映射中去除空白。",
    )


def _placeholder(column: str) -> Words:
    return Words(
        f"'{column}' holds a word for 'nothing', such as N/A or null",
        "It is counted as if it were a value. Map these words to missing.",
        f"“{column}”中有表示“无”的占位词，如 N/A 或 null",
        "它会被当作真实取值统计。请在映射中把这些词视为缺失。",
    )


def _markup(column: str) -> Words:
    return Words(
        f"'{column}' holds leftovers of HTML, such as &amp; or <br>",
        "Readers see them as they are. Export plain text.",
        f"“{column}”中有 HTML 残留，如 &amp; 或 <br>",
        "读者会直接看到这些符号。请导出纯文本。",
    )
