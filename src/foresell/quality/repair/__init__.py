"""Repairs: what can be done about wrong cells and rows, one a file.

A repair takes the tables, the settings and a rule, and gives patches (see `patch.py`); it changes nothing
itself. To add one: a file with `check` (which rules it refuses) and `find`, and a line here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair import (
    constant,
    drop,
    encodings,
    forward_fill,
    interpolate,
    merge_same_key,
    merge_similar,
    merging,
    mode,
    seasonal,
    shift_times,
    statistic,
    swap_back,
    units,
)
from foresell.quality.repair.patch import Patch
from foresell.quality.repair.rule import Rule, parse_rule


@dataclass(frozen=True, slots=True)
class Repair:
    """`check` raises InputError for a rule that it refuses; `meaning`: what it does, for those who choose.

    `follow(tables, rule, pairs)`: of repairs that merge records, what makes rows that name records merged
    before (`_gone`, `_kept`, `_why`) name those that stay: such rows may come later.
    """

    check: Callable[[Rule], None]
    find: Callable[[Tables, Settings, Rule], list[Patch]]
    meaning: str
    follow: Callable[[Tables, Rule, Any], list[Patch]] | None = None


REPAIRS: dict[str, Repair] = {
    "drop": Repair(drop.check, drop.find, "the row goes (or: drop CHECK, all rows that a check finds)"),
    "mean": Repair(statistic.check, statistic.find, "the mean of the group's right values"),
    "median": Repair(statistic.check, statistic.find, "their median"),
    "mode": Repair(mode.check, mode.find, "the most frequent of them"),
    "constant": Repair(constant.check, constant.find, "a value that the rule names"),
    "forward_fill": Repair(forward_fill.check, forward_fill.find, "the last right value before it"),
    "interpolate": Repair(interpolate.check, interpolate.find, "on the line between its neighbors in time"),
    "interpolate_seasonal": Repair(
        seasonal.check, seasonal.find, "the same, with what its weekday (or month: yearly) adds"
    ),
    "unit": Repair(units.check, units.find, "the measure in the unit that the rule names"),
    "fix_encoding": Repair(encodings.check, encodings.find, "the text before it was read wrongly"),
    "swap_back": Repair(swap_back.check, swap_back.find, "the value that stands in the column named"),
    "shift_times": Repair(shift_times.check, shift_times.find, "the time on the shop's clock"),
    "merge_same_key": Repair(
        merge_same_key.check,
        merge_same_key.find,
        "records whose keys differ in case, spaces or leading zeros become one",
        merging.follow,
    ),
    "merge_similar": Repair(
        merge_similar.check,
        merge_similar.find,
        "products become one that a check finds, or whose titles are alike (title: merge_similar 0.9)",
        merging.follow,
    ),
}


def read_rules(texts: Iterable[str]) -> list[Rule]:
    """The rules of these texts; InputError for the first that cannot be read, or that its repair refuses."""
    rules = [parse_rule(text, sorted(REPAIRS)) for text in texts]
    for rule in rules:
        REPAIRS[rule.repair].check(rule)
    return rules
