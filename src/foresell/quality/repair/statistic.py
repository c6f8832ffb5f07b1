"""mean, median: a wrong number becomes that of the right ones of its group."""

from collections.abc import Callable
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.fitness import NUMBERS, refuse_argument, require_attribute, require_type
from foresell.quality.repair.groups import group_words, grouped
from foresell.quality.repair.patch import Patch, changes, is_wrong
from foresell.quality.repair.rule import Rule

STATISTICS: dict[str, Callable[[Any], Any]] = {
    "mean": lambda values: values.cast("float64").mean(),
    "median": lambda values: values.cast("float64").median(),
}


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_attribute(rule)
    require_type(rule, NUMBERS, "mode, constant or forward_fill")


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Each group's statistic over its right, known values; a group that has none is left.

    The median of an even number is the mean of the middle two. Money is rounded to 4 decimals and whole
    numbers to whole ones, halves away from zero.
    """
    column = rule.the_column.name
    rows, groups = grouped(tables, settings, rule)
    rows = rows.mutate(_wrong=is_wrong(rows, column, rule.condition))
    right = rows.filter(~rows._wrong, rows[column].notnull())
    measures = {"_value": STATISTICS[rule.repair](right[column]), "_known": right.count()}
    found = (right.group_by(groups) if groups else right).aggregate(**measures)
    wrong = rows.filter(rows._wrong)
    joined = wrong.inner_join(found, groups) if groups else wrong.cross_join(found)
    count = joined._known.cast("string")
    evidence = rule.repair + " of " + count + " known values" + group_words(joined, groups)
    return [changes(joined, rule, {column: joined._value}, evidence)]
