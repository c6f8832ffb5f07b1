"""forward_fill: a wrong value becomes the last right one before it in its series."""

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.fitness import VALUES, refuse_argument, require_attribute, require_type
from foresell.quality.repair.groups import require_time, series_groups
from foresell.quality.repair.patch import Patch, changes
from foresell.quality.repair.rule import Rule
from foresell.quality.repair.series import as_series, neighbors


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_attribute(rule)
    require_type(rule, VALUES, "constant")
    require_time(rule)
    series_groups(rule)


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Only earlier values are carried, never later ones; what comes before the first right one is left.

    Rows of the same time are in the order of their keys. Without `by`, a series is one of its key but its
    date (inventory: product and location), else one customer's or product's rows; rows of nobody are left.
    """
    column = rule.the_column.name
    rows = neighbors(as_series(tables, settings, rule), column)
    wrong = rows.filter(rows._wrong, rows._before.notnull())
    since = wrong._time_before.cast("string").fill_null("the beginning")
    return [changes(wrong, rule, {column: wrong._before}, "carried forward from " + since)]
