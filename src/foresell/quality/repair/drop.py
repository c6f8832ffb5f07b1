"""drop: rows with a wrong value are believed no more."""

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.fitness import refuse_argument, require_wrong_cells
from foresell.quality.repair.patch import Patch, believed, drops, is_wrong
from foresell.quality.repair.rule import Rule


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_wrong_cells(rule)


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Rows that refer to dropped ones stay, and the check `references` names them."""
    column = rule.the_column.name
    rows = believed(tables, rule.table)
    wrong = rows.filter(is_wrong(rows, column, rule.condition))
    value = wrong[column].cast("string").fill_null("missing")
    return [drops(wrong, rule, f"{column} is " + value, [column])]
