"""Segments by rule: declared in TOML, no code.

    name = "care"
    [[segment]]
    name = "lapsed coffee drinkers"
    name_zh = "流失的咖啡顾客"
    where = ["category=COFFEE", "days_since_last_order > 60"]

A customer is in the first segment all of whose conditions hold, else in "everyone else". Conditions are those
of KPI queries: one dimension named twice with = means either value. A dimension that belongs to the customer
(age_band, city, …) is what the customer is; any other (category, channel, …) means having such an order
before the cutoff.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings, read_toml
from foresell.features.feature import Feature
from foresell.kpis.dimensions import DIMENSIONS
from foresell.kpis.order_facts import sold_lines
from foresell.kpis.scope import Scope, cut, make_scope
from foresell.predict.customers.segments.conditions import Condition, is_true, read_condition
from foresell.predict.customers.segments.words import EVERYONE_ELSE, RULE_SENTENCE

if TYPE_CHECKING:
    import ibis.expr.types as ir

KEYS = {"name", "segment"}
SEGMENT_KEYS = {"name", "name_zh", "where"}
MOST_SEGMENTS = 100


@dataclass(frozen=True, slots=True)
class RuleSegment:
    name: str
    name_zh: str
    conditions: tuple[Condition, ...]

    @property
    def sentence(self) -> str:
        return RULE_SENTENCE["en"].format(rule=" and ".join(one.text for one in self.conditions))

    @property
    def sentence_zh(self) -> str:
        return RULE_SENTENCE["zh"].format(rule=" 且 ".join(one.text for one in self.conditions))


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """A segmentation by rule; the order of `segments` decides."""

    name: str
    segments: tuple[RuleSegment, ...]
    described: Mapping[str, Feature]

    @property
    def about_orders(self) -> tuple[Condition, ...]:
        """The conditions that features do not answer: see `with_dimensions`."""
        found = [one for segment in self.segments for one in segment.conditions]
        return tuple(dict.fromkeys(one for one in found if one.name not in self.described))

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """A row a customer, in their order: segment, confidence (null: no chance in it).

        `features`: the described ones that conditions name and, of conditions about orders, a column each
        under the condition's text, as `with_dimensions` adds it.
        """
        chosen = pl.lit(EVERYONE_ELSE[0])
        for segment in reversed(self.segments):
            chosen = pl.when(self._holds(segment)).then(pl.lit(segment.name)).otherwise(chosen)
        return features.select(segment=chosen, confidence=pl.lit(None, pl.Float64))

    def _holds(self, segment: RuleSegment) -> pl.Expr:
        """Alternatives are conditions of one name with =; all else must hold together."""
        either: dict[str, list[pl.Expr]] = {}
        for place, one in enumerate(segment.conditions):
            truth = is_true(one, self.described) if one.name in self.described else pl.col(one.text)
            either.setdefault(one.name if one.sign == "=" else f"{one.name}:{place}", []).append(truth)
        return pl.all_horizontal([pl.any_horizontal(truths) for truths in either.values()])


def read_rules(path: Path, described: Sequence[Feature]) -> SegmentRules:
    """The rules of a TOML file. Raises NotFoundError without the file, InputError for what is no rule, and
    NotFoundError for an unknown feature or dimension, naming the nearest."""
    return make_rules(read_toml(path), described, where=str(path))


def make_rules(
    tree: Mapping[str, Any], described: Sequence[Feature], *, where: str = "rules"
) -> SegmentRules:
    """The rules of a tree as TOML gives it; see `read_rules`."""
    _refuse_unknown(tree, KEYS, where)
    given = tree.get("segment")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_SEGMENTS:
        raise InputError(f"{where} needs 1 to {MOST_SEGMENTS} [[segment]]", do="Add one with name and where.")
    known = {feature.name: feature for feature in described}
    segments = tuple(_segment(one, known, where) for one in given)
    names = [one.name for one in segments]
    if len({*names, EVERYONE_ELSE[0]}) != len(names) + 1:
        raise InputError(f"{where}: segments need names of their own", received=", ".join(names))
    return SegmentRules(_text(tree, "name", where), segments, known)


def with_dimensions(
    past: Tables, settings: Settings, rules: SegmentRules, ids: pl.Series, features: pl.DataFrame
) -> pl.DataFrame:
    """The features with a column (Boolean) for each condition about orders or the customers' own dimensions.

    `past`: the tables as of the cutoff; `ids`: the customers of the rows. Raises InputError for a dimension
    that says nothing of customers and their orders.
    """
    scope = make_scope(past, settings)
    columns = []
    for condition in rules.about_orders:
        having = set(_having(condition, scope)["customer_id"])
        holds = ids.is_in(list(having))
        is_not = condition.sign == "!="
        columns.append((~holds if is_not else holds).alias(condition.text))
    return features.with_columns(columns)


def _having(condition: Condition, scope: Scope) -> pl.DataFrame:
    """Customers with the value, whatever the sign."""
    dimension = DIMENSIONS[condition.name]
    asked = scope.but(where={condition.name: (condition.value,)})
    rows: ir.Table
    if dimension.table == "customers":
        customers = scope.tables.current("customers")
        column = customers[dimension.columns["customer"]]
        rows = customers.filter(column == condition.value if condition.value else column.isnull())
    elif dimension.grains & {"product", "order"}:
        lines = cut(sold_lines(asked), asked, ("product", "order"))
        rows = lines.filter(lines.customer_id.notnull())
    else:
        raise InputError(
            f"Segments cannot be cut by '{condition.name}'",
            received=condition.text,
            do=did_you_mean(condition.name, _valid()),
        )
    found: pl.DataFrame = rows.select("customer_id").distinct().to_polars()
    return found


def _valid() -> list[str]:
    fits = {"product", "order"}
    return [name for name, one in DIMENSIONS.items() if one.table == "customers" or one.grains & fits]


def _segment(tree: object, known: Mapping[str, Feature], where: str) -> RuleSegment:
    if not isinstance(tree, Mapping):
        raise InputError(f"{where}: a segment is a table", received=repr(tree), do="Write [[segment]].")
    _refuse_unknown(tree, SEGMENT_KEYS, where)
    name = _text(tree, "name", where)
    given = tree.get("where")
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise InputError(f"{where}: '{name}' needs a list of conditions", received=repr(given))
    conditions = tuple(read_condition(one, known) for one in given)
    for one in conditions:
        if one.name not in known and one.name not in _valid():
            raise InputError(f"Segments cannot be cut by '{one.name}'", do=did_you_mean(one.name, _valid()))
    chinese = _text(tree, "name_zh", where) if "name_zh" in tree else name
    return RuleSegment(name, chinese, conditions)


def _refuse_unknown(tree: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in tree:
        if key not in keys:
            raise InputError(f"{where}: there is no key '{key}'", do=did_you_mean(str(key), keys))


def _text(tree: Mapping[str, Any], key: str, where: str) -> str:
    value = tree.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: '{key}' must be a text", received=repr(value))
    return value.strip()
