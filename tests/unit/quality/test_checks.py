"""Each check finds the fault planted for it, where it was planted, and nothing in a shop without faults."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality import CHECKS
from foresell.quality.checks import outliers, references
from foresell.quality.finding import MAX_EXAMPLES, SEVERITIES, Finding
from foresell.quality.profile import ProfiledTables

Shop = dict[str, list[dict[str, Any]]]
MakeTables = Callable[[Shop], Any]


@dataclass(frozen=True)
class Fault:
    """`changes` of the row of `table` whose key is `row` (a new row, copied from the first, if None)."""

    check: str
    table: str
    column: str
    changes: dict[str, Any]
    row: str | None
    severity: str
    example: str
    found_at: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.check}-{self.table}.{self.column}-{'-'.join(map(str, self.changes.values()))[:30]}"

    def plant(self, shop: Shop) -> None:
        rows = shop[self.table]
        key = TABLES[self.table].key[0]
        if self.row is None:
            rows.append({**rows[0], **self.changes})
        else:
            next(row for row in rows if row[key] == self.row).update(self.changes)


def changed(
    check: str, row: str, place: str, value: Any, severity: str, example: str = "", **more: Any
) -> Fault:
    """A value of a row changed, found in that very column."""
    table, column = place.split(".")
    return Fault(
        check, table, column, {column: value, **more}, row, severity, example or row, (table, column)
    )


def added(check: str, place: str, severity: str, example: str, **changes: Any) -> Fault:
    """A row added, found in a column of its table."""
    table, column = place.split(".")
    return Fault(check, table, column, changes, None, severity, example, (table, column))


def untracked(row: str, column: str, value: Any, severity: str, example: str, found_in: str) -> Fault:
    """A purchase event changed, found at its order."""
    return Fault(
        "reconciliation", "events", column, {column: value}, row, severity, example, ("orders", found_in)
    )


FAULTS = [
    added(
        "duplicates",
        "events.order_id",
        "warning",
        "o1",
        event_id="e9",
        event_name="purchase",
        order_id="o1",
        product_id=None,
    ),
    added("keys", "orders.order_id", "error", "o1", total_amount=99),
    changed("formats", "o1", "orders.customer_id", "1001.0", "warning"),
    changed("formats", "o1", "orders.customer_id", "4.5E+11", "error"),
    changed("formats", "p1", "products.product_id", "p1 ", "warning", "p1 "),
    changed("formats", "o1", "orders.customer_id", "NULL", "warning"),
    changed("formats", "p1", "products.department", "n/a", "note"),
    changed("formats", "p1", "products.title", "Salt &amp; pepper", "note"),
    changed("formats", "view1", "events.event_name", "viewItem", "warning"),
    changed("formats", "o1", "orders.status", "done", "warning"),
    changed("ranges", "m1", "promotions.discount_rate", 15, "warning"),
    changed("ranges", "c1", "customers.birth_year", 88, "warning"),
    changed("ranges", "c1", "customers.birth_year", 2031, "warning"),
    changed("ranges", "2024-03-01", "ad_spend.clicks", 101, "warning"),
    changed("ranges", "2024-03-01", "exchange_rates.rate_to_store", 0, "error"),
    changed("ranges", "o1-1", "order_lines.quantity", "nan", "error"),
    changed("ranges", "w1", "reviews.rating", -1, "warning"),
    changed("times", "o1", "orders.created_at", "2034-03-01T10:00:00Z", "error"),
    changed("times", "o1", "orders.created_at", "1970-01-01T00:00:00Z", "error"),
    changed("times", "o1", "orders.paid_at", "2024-02-01T10:00:00Z", "warning"),
    changed("times", "m1", "promotions.ends_at", "2024-02-01T00:00:00Z", "error"),
    changed("times", "r1", "refunds.created_at", "2024-02-05T08:00:00Z", "warning"),
    changed("arithmetic", "o1-1", "order_lines.line_amount", 11, "warning"),
    changed("arithmetic", "o1", "orders.total_amount", 35.5, "warning"),
    changed("arithmetic", "o1", "orders.subtotal_amount", 31, "warning"),
    changed("arithmetic", "o1", "orders.discount_amount", 1, "warning"),
    changed("arithmetic", "o1", "orders.discount_amount", 31, "warning"),
    untracked("buy3", "order_id", None, "warning", "o3", "order_id"),
    untracked("buy3", "value", 20, "note", "o3", "total_amount"),
    changed("references", "o1-1", "order_lines.product_id", "p9", "warning", "p9"),
    changed("references", "o1-1", "order_lines.order_id", "o99", "error", "o99"),
    changed("references", "o1", "orders.customer_id", "c9", "warning", "c9"),
    changed("references", "buy1", "events.order_id", "o99", "warning", "o99"),
    changed("references", "m1", "promotions.product_id", "p9", "warning", "p9"),
    added("references", "orders.order_id", "warning", "o99", order_id="o99"),
    changed("signs", "o1-1", "order_lines.quantity", -1, "warning", line_amount=-10),
    changed("signs", "o1-1", "order_lines.line_amount", -10, "warning"),
    changed("signs", "r1", "refunds.amount", -10, "error"),
    changed("signs", "r1", "refunds.amount", 60, "warning", "o1"),
    changed("signs", "o1", "orders.shipping_amount", -5, "warning"),
    changed("signs", "p1", "products.price", 3, "note"),
    changed("quantities", "o1-1", "order_lines.quantity", 0, "note", line_amount=0),
    changed("quantities", "o1-1", "order_lines.quantity", 0, "warning"),
    changed("currency", "o1", "orders.currency", "US$", "error"),
    changed("currency", "o1", "orders.currency", "EUR", "note"),
    changed("currency", "o2", "orders.currency", "EUR", "error"),
    changed("currency", "r1", "refunds.currency", "EUR", "warning"),
    changed("currency", "buy1", "events.currency", None, "note"),
    changed("encoding", "p1", "products.title", "CrÃ¨me brÃ»lÃ©e", "warning"),
    changed("encoding", "p1", "products.title", "Cr\ufffdme", "warning"),
    changed("encoding", "p1", "products.title", "???? 250 g", "note"),
    changed("encoding", "p1", "products.title", "Cr?me br?l?e", "note"),
    changed("encoding", "p1", "products.title", "CAF? au lait", "note"),
    changed("encoding", "p1", "products.title", "²è 250 g", "warning"),
    added("near_duplicates", "products.title", "note", "p9", product_id="p9", title="CRÈME  BRÛLÉE"),
    changed("encoding", "p1", "products.title", "Cr\u0007me", "note"),
]
FAULT_IDS = [f"{position:02}-{fault}" for position, fault in enumerate(FAULTS)]


def run(check: str, tables: Any, settings: Settings) -> list[Finding]:
    return CHECKS[check](ProfiledTables.over(tables), settings)


def run_all(tables: Any) -> list[Finding]:
    profiled = ProfiledTables.over(tables)
    return [finding for check in CHECKS for finding in run(check, profiled, Settings())]


def recorded_later(shop: Shop) -> Shop:
    """The import ran a day after the last sale."""
    return {
        name: [{"recorded_at": "2024-03-09T00:00:00Z", **row} for row in given]
        for name, given in shop.items()
    }


@pytest.mark.parametrize("fault", FAULTS, ids=FAULT_IDS)
def test_a_planted_fault_is_found_where_it_is(fault: Fault, shop: Shop, make_tables: MakeTables) -> None:
    fault.plant(shop)
    findings = run(fault.check, make_tables(recorded_later(shop)), Settings())
    found = [f for f in findings if ((f.table, f.column), f.severity) == (fault.found_at, fault.severity)]
    assert found, [f.as_record() for f in findings]
    assert any(f.examples == (fault.example,) and f.num_rows == 1 for f in found), found
    assert all(0 < f.share <= 1 for f in findings)


def test_a_shop_without_faults_raises_no_alarm(shop: Shop, make_tables: MakeTables) -> None:
    tables = make_tables(recorded_later(shop))
    findings = run_all(tables)
    assert findings == []


def test_an_empty_store_raises_no_alarm(make_tables: MakeTables) -> None:
    tables = make_tables({})
    assert run_all(tables) == []


def test_the_same_event_under_two_keys_is_found(shop: Shop, make_tables: MakeTables) -> None:
    shop["events"].append({**shop["events"][0], "event_id": "view1-again"})
    found = run("duplicates", make_tables(recorded_later(shop)), Settings())
    assert [(f.table, f.num_rows, f.examples) for f in found] == [("events", 1, ("view1",))]


def test_the_same_product_twice_in_a_basket_is_only_worth_knowing(
    shop: Shop, make_tables: MakeTables
) -> None:
    shop["order_lines"].append({**shop["order_lines"][0], "order_line_id": "o1-3"})
    found = run("duplicates", make_tables(recorded_later(shop)), Settings())
    assert [(f.table, f.severity, f.num_rows) for f in found] == [("order_lines", "note", 1)]


def test_a_file_that_says_two_things_of_one_key_is_found(shop: Shop, make_tables: MakeTables) -> None:
    tables = recorded_later(shop)
    aside = {"run_id": "run-1", "source_file": "orders.csv", "target_table": "orders"}
    tables["quarantine"] = [
        {**aside, "quarantine_id": "run-1-7", "row_number": 7, "error_code": "conflicting_rows"},
        {**aside, "quarantine_id": "run-1-9", "row_number": 9, "error_code": "bad_number"},
    ]
    found = run("keys", make_tables(tables), Settings())
    assert [(f.table, f.column, f.severity, f.examples) for f in found] == [
        ("orders", "order_id", "warning", ("run-1-7",))
    ]


def test_a_corrected_order_is_no_fault(shop: Shop, make_tables: MakeTables) -> None:
    before = {**shop["orders"][0], "total_amount": 1, "superseded_at": "2024-03-09T00:00:00Z"}
    shop["orders"].append(before)
    assert run_all(make_tables(recorded_later(shop))) == []


def test_a_column_is_reported_when_more_than_the_limit_is_missing(
    shop: Shop, make_tables: MakeTables
) -> None:
    for order in shop["orders"][:2]:
        order["payment_method"] = None
    tables = make_tables(recorded_later(shop))
    strict, lenient = (Settings.model_validate({"quality": {"missing_rate_limit": r}}) for r in (0.2, 0.25))
    found = run("missing", tables, strict)
    assert [(f.table, f.column, f.num_rows, f.share, f.examples) for f in found] == [
        ("orders", "payment_method", 2, 0.25, ("o1", "o2"))
    ]
    assert [f.severity for f in run("missing", tables, strict)] == ["warning"]
    assert [f.severity for f in run("missing", tables, lenient)] == ["note"]


def test_a_column_that_nobody_fills_is_no_finding(shop: Shop, make_tables: MakeTables) -> None:
    for order in shop["orders"]:
        order["payment_method"] = None
    assert run("missing", make_tables(recorded_later(shop)), Settings()) == []


def test_events_of_nobody_are_found(shop: Shop, make_tables: MakeTables) -> None:
    shop["events"][0].update(customer_id=None, session_id=None)
    found = run("missing", make_tables(recorded_later(shop)), Settings())
    assert [(f.table, f.num_rows, f.examples) for f in found] == [("events", 1, ("view1",))]


def test_an_event_after_its_customer_was_erased_is_found(shop: Shop, make_tables: MakeTables) -> None:
    shop["customers"][1]["erased_at"] = "2024-03-03T00:00:00Z"
    found = run("times", make_tables(recorded_later(shop)), Settings())
    assert {(f.table, f.severity) for f in found} == {("events", "error"), ("orders", "error")}
    assert next(f.examples for f in found if f.table == "orders") == ("o5",)


def test_counter_sales_need_no_purchase_event(shop: Shop, make_tables: MakeTables) -> None:
    shop["orders"][2]["channel"] = "store"
    shop["events"] = [event for event in shop["events"] if event["event_id"] != "buy3"]
    assert run("reconciliation", make_tables(recorded_later(shop)), Settings()) == []


@pytest.mark.parametrize("value", [34.7, 27, 29.7])
def test_a_purchase_event_may_leave_out_tax_and_shipping(
    value: float, shop: Shop, make_tables: MakeTables
) -> None:
    for event in shop["events"]:
        if event["event_name"] == "purchase":
            event["value"] = value
    assert run("reconciliation", make_tables(recorded_later(shop)), Settings()) == []


def test_fuel_is_told_from_goods(shop: Shop, make_tables: MakeTables) -> None:
    shop["products"].append({"product_id": "fuel", "is_service": True})
    fuel = {
        "order_line_id": "o1-3",
        "product_id": "fuel",
        "quantity": 976,
        "unit_price": None,
        "line_amount": 20,
    }
    shop["order_lines"].append({**shop["order_lines"][0], **fuel})
    found = run("quantities", make_tables(recorded_later(shop)), Settings())
    assert len(found) == 1
    assert found[0].message.startswith("976 of 1,000 units are not goods")


def test_a_reference_into_an_empty_table_is_not_looked_at(shop: Shop, make_tables: MakeTables) -> None:
    shop["products"] = []
    assert run("references", make_tables(recorded_later(shop)), Settings()) == []


def test_references_name_columns_that_exist() -> None:
    for reference in references.REFERENCES:
        assert reference.column in TABLES[reference.table].column
        assert reference.target_column in TABLES[reference.target].column


def test_examples_are_few_and_smallest_first(shop: Shop, make_tables: MakeTables) -> None:
    for order in shop["orders"]:
        order["currency"] = "???"
    found = run("currency", make_tables(recorded_later(shop)), Settings())
    assert found[0].examples == tuple(f"o{i}" for i in range(1, MAX_EXAMPLES + 1))
    assert found[0].num_rows == len(shop["orders"])


def prices(values: list[float], product: str = "p1") -> Shop:
    return {
        "order_lines": [
            {
                "order_line_id": f"{product}-{i:04}",
                "order_id": "o1",
                "product_id": product,
                "quantity": 1,
                "unit_price": value,
                "line_amount": value,
            }
            for i, value in enumerate(values)
        ]
    }


def test_a_price_far_from_the_rest_is_flagged_and_kept(make_tables: MakeTables) -> None:
    tables = make_tables(prices([9, 10, 11, 12] * 10 + [9000]))
    found = run("outliers", tables, Settings())
    assert {f.column for f in found} == {"unit_price", "line_amount"}
    assert {f.examples for f in found} == {("p1-0040",)}
    assert {f.severity for f in found} == {"note"}
    assert tables.current("order_lines").count().execute() == 41


def test_equal_values_with_one_exception_are_handled(make_tables: MakeTables) -> None:
    found = run("outliers", make_tables(prices([10.0] * 50 + [5000])), Settings())
    assert {f.examples for f in found} == {("p1-0050",)}
    assert run("outliers", make_tables(prices([10.0] * 50)), Settings()) == []


def test_too_few_values_have_no_outliers(make_tables: MakeTables) -> None:
    values = [1.0, 2.0, 3.0, 4000.0]
    assert run("outliers", make_tables(prices(values)), Settings()) == []
    assert len(values) < outliers.FEWEST_VALUES


@pytest.mark.parametrize("name", CHECKS)
def test_every_finding_is_said_in_both_languages(name: str, shop: Shop, make_tables: MakeTables) -> None:
    for fault in FAULTS:
        if fault.check == name and set(fault.changes) != {TABLES[fault.table].key[0]}:
            fault.plant(shop)
    for finding in run(name, make_tables(recorded_later(shop)), Settings()):
        assert finding.check == name
        assert finding.severity in SEVERITIES
        for language in ("en", "zh"):
            assert all(finding.in_language(language))
        assert finding.in_language("en") != finding.in_language("zh")
