"""Impossible times: the future, the distant past, and effects before their causes."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import Finding, Severity, Words
from foresell.quality.rules import Rule, find_rows, rows_of

EARLIEST_YEAR = 1990
# Clocks of phones and tills go wrong by hours; a day is a wrong date.
CLOCK_SKEW_HOURS = 24
# Times that are recorded after the fact, beyond the main times of the tables.
PAST_TIMES: tuple[tuple[str, str], ...] = (
    ("orders", "paid_at"),
    ("orders", "cancelled_at"),
    ("customers", "created_at"),
    ("products", "created_at"),
    ("receipts", "ordered_at"),
    ("receipts", "received_at"),
)
# (table, column, must not be before, severity, what it would mean in English and Chinese)
SEQUENCES: tuple[tuple[str, str, str, Severity, str, str], ...] = (
    (
        "orders",
        "paid_at",
        "created_at",
        "warning",
        "Orders were paid before they were made",
        "订单付款早于下单",
    ),
    (
        "orders",
        "cancelled_at",
        "created_at",
        "warning",
        "Orders were cancelled before they were made",
        "订单取消早于下单",
    ),
    (
        "receipts",
        "received_at",
        "ordered_at",
        "warning",
        "Deliveries arrived before they were ordered",
        "到货早于订货",
    ),
    ("promotions", "ends_at", "starts_at", "error", "Promotions end before they start", "促销结束早于开始"),
    ("campaigns", "ends_at", "starts_at", "error", "Campaigns end before they start", "活动结束早于开始"),
)


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """A time is in the future when it lies a day or more after the row was recorded."""
    findings: list[Finding] = []
    for name in TABLES:
        columns = _past_columns(name)
        sequences = [entry for entry in SEQUENCES if entry[0] == name]
        rows = rows_of(tables, name) if columns or sequences else None
        if rows is not None:
            rules = _past_rules(rows, columns) + [_sequence_rule(rows, *entry[1:]) for entry in sequences]
            findings += find_rows("times", name, rows, TABLES[name].key[0], rules)
    return findings + _refunds_before_orders(tables) + _after_erasure(tables)


def _past_columns(name: str) -> list[str]:
    main = TABLES[name].time_column
    columns = [column for table, column in PAST_TIMES if table == name]
    return [main, *columns] if main else columns


def _past_rules(rows: Any, columns: list[str]) -> list[Rule]:
    import ibis

    rules = []
    for column in columns:
        future = rows[column] > rows.recorded_at + ibis.interval(hours=CLOCK_SKEW_HOURS)
        rules.append(Rule(column, "error", future, _future(column)))
        rules.append(Rule(column, "error", rows[column].year() < EARLIEST_YEAR, _distant(column)))
    return rules


def _sequence_rule(
    rows: Any, column: str, earlier: str, severity: Severity, english: str, chinese: str
) -> Rule:
    words = Words(
        f"{english} ('{column}' is before '{earlier}')",
        "The columns may be swapped, or given in different time zones: check the mapping.",
        f"{chinese}（“{column}”早于“{earlier}”）",
        "两列可能对调了，或使用了不同的时区：请检查映射。",
    )
    return Rule(column, severity, rows[column] < rows[earlier], words)


def _refunds_before_orders(tables: Tables) -> list[Finding]:
    refunds, orders = rows_of(tables, "refunds"), rows_of(tables, "orders")
    if refunds is None or orders is None:
        return []
    made = orders.select("order_id", ordered_at=orders.created_at)
    paired = refunds.inner_join(made, "order_id")
    words = Words(
        "Refunds were given before their orders were made",
        "They are matched to the wrong order, or dates were read as month/day for day/month.",
        "退款早于其订单",
        "可能对应了错误的订单，或把日/月读成了月/日。",
    )
    rule = Rule("created_at", "warning", paired.created_at < paired.ordered_at, words)
    return find_rows("times", "refunds", paired, "refund_id", [rule])


def _after_erasure(tables: Tables) -> list[Finding]:
    customers = rows_of(tables, "customers")
    if customers is None:
        return []
    erased = customers.filter(customers.erased_at.notnull()).select("customer_id", "erased_at")
    words = Words(
        "A customer who was erased appears again afterwards",
        "The source still sends this person's data: erase it there too, then run `foresell erase` again.",
        "已被删除的顾客之后又出现了",
        "数据源仍在发送此人的数据：请在源头删除，然后再次运行 `foresell erase`。",
    )
    findings: list[Finding] = []
    for name in ("events", "orders", "redemptions"):
        rows = rows_of(tables, name)
        if rows is not None:
            time_column = TABLES[name].time_column or ""
            paired = rows.inner_join(erased, "customer_id")
            rule = Rule(time_column, "error", paired[time_column] > paired.erased_at, words)
            findings += find_rows("times", name, paired, TABLES[name].key[0], [rule])
    return findings


def _future(column: str) -> Words:
    return Words(
        f"'{column}' lies after the day on which the row was imported",
        "Check the date format (month/day or day/month), the century and the time zone.",
        f"“{column}”晚于导入当天",
        "请检查日期格式（月/日还是日/月）、世纪和时区。",
    )


def _distant(column: str) -> Words:
    return Words(
        f"'{column}' lies before {EARLIEST_YEAR}",
        "Such dates are mostly a program's way to say 'none' (1970-01-01, 1900-01-01): map them to missing.",
        f"“{column}”早于 {EARLIEST_YEAR} 年",
        "这类日期多半是程序表示“无”的方式（1970-01-01、1900-01-01）：请映射为缺失。",
    )
