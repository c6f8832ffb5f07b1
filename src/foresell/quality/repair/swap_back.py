"""swap_back: values that the check `swapped_columns` finds in each other's column are exchanged."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.checks.swapped_columns import PAIRS
from foresell.quality.repair.findings import found_rows
from foresell.quality.repair.patch import Patch, believed, changes
from foresell.quality.repair.rule import Rule

LINE_PAIRS = (("order_lines", "quantity", "unit_price"), ("order_lines", "quantity", "line_amount"))


def check(rule: Rule) -> None:
    """The rule's column and its argument are a pair that the check looks at, and neither is a key."""
    pairs = {
        (table, first, second)
        for table, first, second in (*PAIRS, *LINE_PAIRS)
        if not {first, second} & set(TABLES[table].key)
    }
    if rule.is_asked or (rule.table, rule.the_column.name, rule.argument) not in pairs:
        known = sorted(f"{table}.{first}: swap_back {second}" for table, first, second in pairs)
        raise rule.error("names no columns that can be exchanged", do=f"Valid: {'; '.join(known)}.")


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Where quantity and amount were exchanged, a unit price that there is follows from both."""
    first, second = rule.the_column.name, str(rule.argument)
    found = found_rows(tables, settings, "swapped_columns", rule.table, first)
    if found is None:
        return []
    rows = believed(tables, rule.table).inner_join(found, list(rule.contract.key))
    rows = rows.filter(_says(rows[second], rows._suggested))
    new = {first: rows[second], second: rows[first]}
    if rule.argument == "line_amount":
        price = (rows.quantity + rows.discount_amount.cast("float64").fill_null(0)) / rows.line_amount.cast(
            "float64"
        ).nullif(0)
        new["unit_price"] = rows.unit_price.notnull().ifelse(price, None)
    return [changes(rows, rule, new, rows._why)]


def _says(values: Any, text: Any) -> Any:
    """Whether a value is the one that a text means."""
    if values.type().is_numeric():
        return values.cast("float64") == text.cast("float64")
    return values == text
