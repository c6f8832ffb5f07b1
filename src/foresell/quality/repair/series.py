"""Rows as series in time, and the right values next to each wrong one."""

from dataclasses import dataclass
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.groups import grouped, require_time, series_groups
from foresell.quality.repair.patch import is_wrong
from foresell.quality.repair.rule import Rule


@dataclass(frozen=True)
class Series:
    """`rows`: with `_wrong` and `_time`; those of one series share `groups`; `order` puts them in time."""

    rows: Any
    groups: list[str]
    order: list[Any]


def as_series(tables: Tables, settings: Settings, rule: Rule) -> Series:
    """The rows of the rule's table as series; rows with a null in a group's column are in none."""
    rows, currency = grouped(tables, settings, rule)
    groups = list(dict.fromkeys([*series_groups(rule), *currency]))
    if groups:
        rows = rows.filter([rows[name].notnull() for name in groups])
    time = require_time(rule)
    rows = rows.mutate(_wrong=is_wrong(rows, rule.the_column.name, rule.condition), _time=rows[time])
    starts = ["valid_from"] if rule.contract.is_versioned and time != "valid_from" else []
    order = [rows._time.asc(nulls_first=True), *[rows[n].asc(nulls_first=True) for n in starts]]
    return Series(rows, groups, [*order, *[rows[name] for name in rule.contract.key]])


def neighbors(series: Series, column: str) -> Any:
    """The rows with `_before`, `_time_before`, `_after`, `_time_after`: the next right values on both sides.

    A right row's own value is both. Null where there is none.
    """
    import ibis

    rows = series.rows
    known = ~rows._wrong & rows[column].notnull()
    rows = rows.mutate(
        _value=ibis.ifelse(known, rows[column], ibis.null(rows[column].type())),
        _at=ibis.ifelse(known, rows._time, ibis.null(rows._time.type())),
        _known=known.cast("int64"),
    )
    past = ibis.window(group_by=series.groups, order_by=series.order, preceding=None, following=0)
    future = ibis.window(group_by=series.groups, order_by=series.order, preceding=0, following=None)
    rows = rows.mutate(_block=rows._known.sum().over(past), _rest=rows._known.sum().over(future))
    from_known = ibis.window(group_by=[*series.groups, "_block"])
    until_known = ibis.window(group_by=[*series.groups, "_rest"])
    return rows.mutate(
        _before=rows._value.max().over(from_known),
        _time_before=rows._at.max().over(from_known),
        _after=rows._value.max().over(until_known),
        _time_after=rows._at.max().over(until_known),
    )
