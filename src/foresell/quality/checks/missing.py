"""Missing values: columns that are filled for some rows and empty for many, and events of nobody."""

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.finding import Finding, Words
from foresell.quality.profile import ProfiledTables
from foresell.quality.rules import Rule, affected, examples_of, find_rows, rows_of

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
# Which columns an event fills depends on what happened.
NOT_CHECKED = {"events"}


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Columns missing in a larger share than `quality.missing_rate_limit`.

    A column that is empty in every row is no finding: the source does not supply it, and the
    report's table of columns says so.
    """
    profiled = ProfiledTables.over(tables)
    findings = _events_of_nobody(profiled)
    for name in profiled.loaded():
        if name not in NOT_CHECKED:
            findings += _mostly_missing(profiled, name, settings.quality.missing_rate_limit)
    return findings


def _mostly_missing(tables: ProfiledTables, name: str, limit: float) -> list[Finding]:
    profile = tables.profile(name)
    answers = NULL_IS_AN_ANSWER.get(name, set())
    columns = [c for c, share in profile.missing.items() if limit < share < 1.0 and c not in answers]
    rows = tables.current(name)
    return [
        Finding(
            check="missing",
            table=name,
            column=column,
            severity="warning",
            num_rows=round(profile.missing[column] * profile.num_rows),
            share=profile.missing[column],
            examples=examples_of(rows.filter(rows[column].isnull()), _first_key(name)),
            words=_words(column, profile.missing[column]),
            rows=affected(rows.filter(rows[column].isnull()), name, column, _first_key(name)),
        )
        for column in columns
    ]


def _first_key(name: str) -> str:
    from foresell.contracts.tables import TABLES

    return TABLES[name].key[0]


def _words(column: str, share: float) -> Words:
    return Words(
        f"'{column}' is missing in {share:.1%} of the rows",
        f"Figures by '{column}' leave these rows out. Complete them at the source and import again.",
        f"{share:.1%} 的行缺少“{column}”",
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
