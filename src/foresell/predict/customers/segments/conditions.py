"""Conditions of segments by rule: `category=COFFEE` as KPI queries write it, and `days_since_last_order >
60`.

They are split at the first comparison sign and never executed.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.features.feature import Feature
from foresell.kpis.dimensions import DIMENSIONS

Sign = Literal["=", "!=", "<", "<=", ">", ">="]
WRITTEN = re.compile(r"^\s*(?P<name>[^<>=!]+?)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>.*?)\s*$")
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Condition:
    """`name` of a feature or a dimension of the KPIs; `value` as written ("" with = or !=: not known)."""

    name: str
    sign: Sign
    value: str

    @property
    def text(self) -> str:
        return f"{self.name} {self.sign} {self.value}" if self.sign != "=" else f"{self.name}={self.value}"


def read_condition(text: str, described: Mapping[str, Feature]) -> Condition:
    """A condition, its name and value checked.

    Raises InputError for what is no condition, or compares a category by size or a number with no number;
    NotFoundError for a name that is neither a feature nor a dimension, naming the nearest.
    """
    found = WRITTEN.match(text) if len(text) <= LONGEST else None
    if found is None:
        raise InputError(
            "A condition is written dimension=value or number > value",
            received=repr(text[:LONGEST]),
            do="Such as category=COFFEE, or days_since_last_order > 60.",
        )
    condition = Condition(found["name"], found["sign"], found["value"])  # type: ignore[arg-type]
    if condition.name not in described and condition.name not in DIMENSIONS:
        raise NotFoundError(
            f"There is no feature or dimension '{condition.name}'",
            received=text,
            do=did_you_mean(condition.name, {*described, *DIMENSIONS}),
        )
    is_number = condition.name in described and described[condition.name].kind == "number"
    if is_number and condition.value and _number(condition.value) is None:
        raise InputError(f"'{condition.name}' is compared with a number", received=text, do="Such as 60.")
    if condition.sign not in ("=", "!=") and (not is_number or not condition.value):
        raise InputError(
            f"'{condition.name}' cannot be compared by size here", received=text, do="Use = or !=."
        )
    return condition


def is_true(condition: Condition, described: Mapping[str, Feature]) -> pl.Expr:
    """Whether it holds, over a frame of features; what is not known meets only `name=` and `name!=value`."""
    column = pl.col(condition.name)
    if not condition.value:
        return column.is_null() if condition.sign == "=" else column.is_not_null()
    is_number = described[condition.name].kind == "number"
    value = pl.lit(_number(condition.value) if is_number else condition.value)
    compared = {
        "=": column == value,
        "!=": column.ne_missing(value),
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
    }[condition.sign]
    return compared.fill_null(False)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
