"""The features of customers: one row each, as of a cutoff, from the tables as they were known then.

spec = customer_spec(tables, settings, cutoff)            what the shop has; frozen, JSON-able
customer_features(tables, settings, cutoff, spec)         Ibis: customer_id and a column a feature
described(spec)                                           the same columns, each in plain words
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from math import floor
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.event_features import event_features
from foresell.features.facts import Facts, shop_of
from foresell.features.feature import Feature
from foresell.features.measures import Formula, Measure, OfCutoff, Ratio, aggregated
from foresell.features.purchase_features import purchase_features
from foresell.features.spec import CustomerSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

ID = "customer_id"
CALENDAR = (
    OfCutoff(
        Feature("cutoff_month", "month of the cutoff", "截止日所在月份", "category", "category"), "month"
    ),
    OfCutoff(
        Feature(
            "cutoff_weekday",
            "weekday of the cutoff (1: Monday)",
            "截止日是星期几（1：星期一）",
            "category",
            "category",
        ),
        "weekday",
    ),
)
# Of which facts somebody must have one to have a row.
LEADING = ("orders", "events")


def formulas(spec: CustomerSpec) -> tuple[Formula, ...]:
    """What each feature is made of, in the order of the columns.

    Raises InputError for a shop that has neither orders nor events.
    """
    if not (spec.has_orders or spec.has_events):
        raise InputError("There is nothing to know customers by", do="Import orders or events first.")
    found: list[Formula] = [*(purchase_features(spec) if spec.has_orders else ())]
    found += event_features(spec) if spec.has_events else ()
    found += CALENDAR
    names = {formula.name for formula in found}
    # A ratio is there where both its parts are: a spec may have other windows.
    found = [f for f in found if not isinstance(f, Ratio) or {f.top, f.bottom} <= names]
    assert max(Counter(formula.name for formula in found).values()) == 1  # noqa: S101
    return tuple(found)


def described(spec: CustomerSpec) -> tuple[Feature, ...]:
    """The features of `customer_features`, in the order of its columns."""
    return tuple(formula.feature for formula in formulas(spec))


def customer_features(tables: Tables, settings: Settings, cutoff: datetime, spec: CustomerSpec) -> "ir.Table":
    """One row for each customer who ordered or did something before the cutoff: customer_id and a column for
    each feature of `described(spec)`, in its order: Float64, or String of a category.

    Counts and sums are 0 where there was nothing; what cannot be told is null. Windows reach back whole days
    of 24 hours from the cutoff. Every source is read once; nothing is joined but on a key.

    Raises InputError for a cutoff without a time zone.
    """
    facts = Facts(asof(tables, settings, cutoff), settings, spec, shop_of(tables, settings))
    return combined(facts, cutoff, settings)


def combined(facts: Facts, cutoff: datetime, settings: Settings) -> "ir.Table":
    """The features over fact tables that hold nothing from the cutoff on."""
    import ibis

    found = formulas(facts.spec)
    wide = _wide(facts, [f for f in found if isinstance(f, Measure)], floor(cutoff.timestamp()))
    numbers = {formula.name: _number(wide, formula) for formula in found if isinstance(formula, Measure)}
    columns: dict[str, Any] = {}
    for formula in found:
        if isinstance(formula, Ratio):
            columns[formula.name] = numbers[formula.top] / numbers[formula.bottom].nullif(0.0)
        elif isinstance(formula, OfCutoff):
            columns[formula.name] = ibis.literal(part_of_cutoff(formula, cutoff, settings))
        else:
            columns[formula.name] = numbers[formula.name]
    return wide.select(ID, **columns)


def part_of_cutoff(formula: OfCutoff, cutoff: datetime, settings: Settings) -> str:
    local = cutoff.astimezone(ZoneInfo(settings.store.time_zone))
    return str(local.month if formula.part == "month" else local.isoweekday())


def nothing_known(spec: CustomerSpec, cutoff: datetime, settings: Settings) -> dict[str, float | str | None]:
    """The features of a customer of whom there is nothing: counts and sums of 0, else null."""
    found: dict[str, float | str | None] = {}
    for formula in formulas(spec):
        if isinstance(formula, OfCutoff):
            found[formula.name] = part_of_cutoff(formula, cutoff, settings)
        else:
            is_zero = isinstance(formula, Measure) and formula.is_zero_without_rows
            found[formula.name] = 0.0 if is_zero else None
    return found


def _number(wide: "ir.Table", measure: Measure) -> Any:
    number = wide[measure.name].cast("float64")
    return number.fill_null(0.0) if measure.is_zero_without_rows else number


def _wide(facts: Facts, measures: Sequence[Measure], cutoff_second: int) -> "ir.Table":
    """All measures, a row for each customer of the leading facts."""
    by_fact: dict[str, list[Measure]] = {}
    for measure in measures:
        by_fact.setdefault(measure.fact, []).append(measure)
    made = {name: aggregated(facts.table(name), wanted, cutoff_second) for name, wanted in by_fact.items()}
    leading = [made.pop(name) for name in LEADING if name in made]
    wide = leading[0] if len(leading) == 1 else _of_either(*leading)
    # One chain of joins and one choice of columns: each further step would cost Ibis all columns again.
    for name, table in made.items():
        own = table.rename({f"{name}_{ID}": ID})
        wide = wide.left_join(own, [(ID, f"{name}_{ID}")])
    return wide


def _of_either(left: "ir.Table", right: "ir.Table") -> "ir.Table":
    joined = left.outer_join(right, ID)
    # A computed column of a join cannot be joined on: `mutate` ends the join first.
    return joined.mutate(**{ID: joined[ID].coalesce(joined[f"{ID}_right"])}).drop(f"{ID}_right")
