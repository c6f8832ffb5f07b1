"""drop: rows with a wrong value, or that a check has found, are believed no more."""

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.findings import found_rows, require_check
from foresell.quality.repair.fitness import require_wrong_cells
from foresell.quality.repair.patch import Patch, believed, drops, is_wrong
from foresell.quality.repair.rule import Rule


def check(rule: Rule) -> None:
    """The argument is a check; without one, the rule's column and condition say what is wrong."""
    if rule.argument is None:
        require_wrong_cells(rule)
    elif rule.is_asked:
        raise rule.error("names a check and a condition", do="Write two rules.")
    else:
        require_check(rule, rule.argument)


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """With an order go its lines. Other rows that refer to dropped ones stay, and the check `references`
    names them. Of what the check `duplicates` finds the first, by key, stays.
    """
    rows = believed(tables, rule.table)
    if rule.argument is None:
        column = rule.the_column.name
        wrong = rows.filter(is_wrong(rows, column, rule.condition))
        value = wrong[column].cast("string").fill_null("missing")
        dropped = drops(wrong, rule, f"{column} is " + value, [column])
    else:
        found = found_rows(tables, settings, rule.argument, rule.table, rule.column)
        if found is None:
            return []
        joined = rows.inner_join(found, list(rule.contract.key))
        dropped = drops(joined, rule, joined._why)
    return [dropped, *_lines(tables, rule, dropped)]


def _lines(tables: Tables, rule: Rule, dropped: Patch) -> list[Patch]:
    """The lines of dropped orders of which nothing else is believed."""
    if rule.table != "orders":
        return []
    orders, lines = believed(tables, "orders"), believed(tables, "order_lines")
    left = orders.anti_join(
        dropped.rows,
        [orders.order_id == dropped.rows.order_id, orders.valid_from.identical_to(dropped.rows.valid_from)],
    )
    gone = dropped.rows.select("order_id").distinct().anti_join(left, "order_id")
    of_gone = lines.semi_join(gone, "order_id")
    return [drops(of_gone, LINES, "its order " + of_gone.order_id + " is dropped")]


LINES = Rule("", "order_lines", None, None, "drop")
