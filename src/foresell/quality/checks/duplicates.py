"""Duplicates: the same content under several keys, and purchases sent more than once."""

from collections.abc import Sequence
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import MAX_EXAMPLES, Finding, Severity, Words
from foresell.quality.rules import affected, read_rows, rows_of

# Table → the content that two rows should not share, and how bad it is. A basket may well hold the
# same product twice, scanned one after the other: that is only worth knowing.
CONTENTS: dict[str, tuple[tuple[str, ...], Severity]] = {
    "order_lines": (("order_id", "product_id", "quantity", "line_amount", "discount_amount"), "note"),
    "refunds": (("order_id", "order_line_id", "product_id", "created_at", "amount"), "warning"),
    "redemptions": (("customer_id", "order_id", "coupon_code", "campaign_id", "redeemed_at"), "warning"),
    "reviews": (("customer_id", "product_id", "body"), "warning"),
    "receipts": (("product_id", "location_id", "ordered_at", "received_at", "quantity"), "warning"),
}
EVENT_CONTENT = (
    "event_name",
    "occurred_at",
    "customer_id",
    "anonymous_id",
    "session_id",
    "product_id",
    "order_id",
    "value",
    "position",
    "search_query",
    "page_url",
)
# Content that names nobody says nothing about being the same.
NEEDS = {
    "reviews": "customer_id",
    "redemptions": "customer_id",
    "refunds": "order_id",
    "receipts": "ordered_at",
}


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Rows beyond the first of each repeated content; nulls count as equal."""
    findings = _same_events(tables) + _repeated_purchases(tables)
    for name, (content, severity) in CONTENTS.items():
        rows = rows_of(tables, name)
        if rows is not None:
            known = rows.filter(rows[NEEDS[name]].notnull()) if name in NEEDS else rows
            findings += _repeats(name, known, content, severity, _same_content(name))
    return findings


def _same_events(tables: Tables) -> list[Finding]:
    rows = rows_of(tables, "events")
    if rows is None:
        return []
    somebody = rows.filter(
        rows.session_id.notnull() | rows.customer_id.notnull() | rows.anonymous_id.notnull()
    )
    return _repeats("events", somebody, EVENT_CONTENT, "warning", _same_content("events"))


def _repeated_purchases(tables: Tables) -> list[Finding]:
    rows = rows_of(tables, "events")
    if rows is None:
        return []
    purchases = rows.filter((rows.event_name == "purchase") & rows.order_id.notnull())
    words = Words(
        "Several purchase events were sent for the same order",
        "A thank-you page that is loaded again sends again: send once an order. Sales come from orders.",
        "同一订单发送了多个购买事件",
        "感谢页被重复加载时会重复发送，请每单只发送一次。销售额以订单为准，不受影响。",
    )
    return _repeats("events", purchases, ("order_id", "product_id"), "warning", words, example="order_id")


def _repeats(
    table: str,
    rows: Any,
    content: Sequence[str],
    severity: Severity,
    words: Words,
    example: str | None = None,
) -> list[Finding]:
    shown = example or TABLES[table].key[0]
    groups = rows.group_by(list(content)).aggregate(copies=rows.count(), shown_id=rows[shown].min())
    repeated = groups.filter(groups.copies > 1)
    total = groups.copies.sum()
    extra = (groups.copies - 1).sum()
    counted = read_rows(groups.aggregate(num_rows=total, extra=extra))[0]
    if not counted["extra"]:
        return []
    smallest = repeated.select("shown_id").order_by("shown_id").limit(MAX_EXAMPLES)
    return [
        Finding(
            check="duplicates",
            table=table,
            column=example,
            severity=severity,
            num_rows=counted["extra"],
            share=counted["extra"] / counted["num_rows"],
            examples=tuple(dict.fromkeys(str(row["shown_id"]) for row in read_rows(smallest))),
            words=words,
            rows=_beyond_the_first(table, rows, content, shown),
        )
    ]


def _beyond_the_first(table: str, rows: Any, content: Sequence[str], shown: str) -> Any:
    import ibis

    key = TABLES[table].key[0]
    same = ibis.window(group_by=[rows[name] for name in content], order_by=rows[key])
    numbered = rows.mutate(copy_number=ibis.row_number().over(same))
    return affected(numbered.filter(numbered.copy_number > 0), table, None, shown)


def _same_content(table: str) -> Words:
    return Words(
        f"Rows of {table} say the same under different keys",
        "Look at the examples: where the source repeated itself, give these rows the same key.",
        f"{table} 中有内容相同但主键不同的行",
        "请查看示例：如果是数据源重复导出，请让这些行使用相同的主键。",
    )
