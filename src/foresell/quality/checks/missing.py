"""Missing values: columns that are filled for some rows and empty for many, and events of nobody."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.finding import Finding, Words, share_text
from foresell.quality.profile import ProfiledTables
from foresell.quality.rules import Rule, affected, examples_of, find_rows, read_rows, rows_of

# Columns where "no value" is an answer: nothing was cancelled, no promotion applied, sold everywhere.
NULL_IS_AN_ANSWER = {
    "orders": {"cancelled_at", "paid_at", "coupon_codes", "refunded_amount", "discount_amount", "is_test"},
    "order_lines": {"discount_amount", "vendor_discount_amount", "promotion_id"},
    "refunds": {"order_line_id", "reason"},
    "customers": {"erased_at", "household", "attributes", "age_band", "income_band"},
    "products": {"parent_product_id", "attributes", "is_service"},
    "promotions": {"campaign_id", "location_id", "discount_rate", "display", "mailer", "ends_at"},
    "coupons": {"value", "campaign_id", "product_id"},
    "redemptions": {"order_id", "campaign_id"},
    "exposures": {"campaign_id", "experiment_id", "variant", "position", "is_clicked"},
    "receipts": {"received_at", "ordered_at"},
    "reviews": {"title", "order_id", "customer_id"},
    "tickets": {"order_id", "satisfaction", "intent"},
    "calendar": {"holiday_name", "regressors"},
    "campaigns": {"ends_at"},
}
# Columns that have a value only where another is not 0.
NEEDS_NOT_ZERO = {("order_lines", "unit_price"): "quantity"}
# Which columns an event fills depends on what happened.
NOT_CHECKED = {"events"}


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Columns that some rows lack: a warning where their share is above `quality.missing_rate_limit`, else a
    note.

    A column that is empty in every row is no finding: the source does not supply it, and the
    report's table of columns says so.
    """
    profiled = ProfiledTables.over(tables)
    findings = _events_of_nobody(profiled)
    for name in profiled.loaded():
        if name not in NOT_CHECKED:
            findings += _missing(profiled, name, settings.quality.missing_rate_limit)
    return findings


def _missing(tables: ProfiledTables, name: str, limit: float) -> list[Finding]:
    profile = tables.profile(name)
    answers = NULL_IS_AN_ANSWER.get(name, set())
    columns = [c for c, share in profile.missing.items() if 0.0 < share < 1.0 and c not in answers]
    findings = []
    for column in columns:
        rows, count, total = (
            tables.current(name),
            profile.missing[column] * profile.num_rows,
            profile.num_rows,
        )
        if (name, column) in NEEDS_NOT_ZERO:
            rows = rows.filter(rows[NEEDS_NOT_ZERO[name, column]] != 0)
            counted = read_rows(rows.aggregate(count=rows[column].isnull().sum(), total=rows.count()))[0]
            count, total = counted["count"] or 0, counted["total"]
        if count:
            findings.append(_finding(name, column, rows.filter(rows[column].isnull()), (count, total), limit))
    return findings


def _finding(name: str, column: str, rows: Any, counts: tuple[float, int], limit: float) -> Finding:
    share = counts[0] / counts[1]
    return Finding(
        check="missing",
        table=name,
        column=column,
        severity="warning" if share > limit else "note",
        num_rows=round(counts[0]),
        share=share,
        examples=examples_of(rows, _first_key(name)),
        words=_words(column, share),
        rows=affected(rows, name, column, _first_key(name)),
    )


def _first_key(name: str) -> str:
    from foresell.contracts.tables import TABLES

    return TABLES[name].key[0]


def _words(column: str, share: float) -> Words:
    return Words(
        f"'{column}' is missing in {share_text(share)} of the rows",
        f"Figures by '{column}' leave these rows out. Complete them at the source and import again.",
        f"{share_text(share)} 的行缺少“{column}”",
        f"按“{column}”统计时会漏掉这些行。请在源头补全后重新导入。",
    )


def _events_of_nobody(tables: Tables) -> list[Finding]:
    rows = rows_of(tables, "events")
    if rows is None:
        return []
    nobody = rows.customer_id.isnull() & rows.anonymous_id.isnull() & rows.session_id.isnull()
    words = Words(
        "Events name neither a customer, nor a visitor, nor a session",
        "They cannot be counted as visits. Map a cookie, device or session id in the source.",
        "事件既没有顾客、也没有访客或会话标识",
        "这些事件无法计入访问。请在映射中加入 cookie、设备或会话标识。",
    )
    return find_rows("missing", "events", rows, "event_id", [Rule("customer_id", "warning", nobody, words)])
