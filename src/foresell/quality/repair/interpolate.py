"""interpolate: a wrong number becomes that of the line between the right ones around it."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.fitness import NUMBERS, refuse_argument, require_attribute, require_type
from foresell.quality.repair.groups import require_time, series_groups
from foresell.quality.repair.patch import Patch, changes
from foresell.quality.repair.rule import Rule
from foresell.quality.repair.series import as_series, neighbors


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_series(rule)


def require_series(rule: Rule) -> None:
    require_attribute(rule)
    require_type(rule, NUMBERS, "forward_fill")
    require_time(rule)
    series_groups(rule)


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Linear in time. Nothing is drawn beyond the first and last right values: those cells are left.

    Series as in `forward_fill`. Rows without a time are left.
    """
    column = rule.the_column.name
    rows = neighbors(as_series(tables, settings, rule), column)
    wrong = rows.filter(rows._wrong, rows._time_before.notnull(), rows._time_after.notnull())
    evidence = "on the line from " + _point(wrong, "before") + " to " + _point(wrong, "after")
    return [changes(wrong, rule, {column: on_line(wrong)}, evidence)]


def on_line(rows: Any) -> Any:
    """The value at `_time` on the line from the right value before to the one after it."""
    before, after = rows._before.cast("float64"), rows._after.cast("float64")
    passed, whole = seconds(rows._time, rows._time_before), seconds(rows._time_after, rows._time_before)
    return before + (after - before) * (passed / whole.nullif(0)).fill_null(0)


def seconds(later: Any, earlier: Any) -> Any:
    """How far apart two columns of times or dates lie."""
    end, start = (value.cast("timestamp('UTC')").epoch_seconds() for value in (later, earlier))
    return (end - start).cast("float64")


def _point(rows: Any, side: str) -> Any:
    return rows[f"_{side}"].cast("string") + " at " + rows[f"_time_{side}"].cast("string")
