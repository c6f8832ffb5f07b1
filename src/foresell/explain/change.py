"""Why did a KPI change? By what drives it, by dimension, and by unusual days."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.explain.change_parts import ChangeExplanation, GroupEffect, Part
from foresell.explain.effects import Factor, quotient, round_to_total, shapley_effects, to_step
from foresell.explain.unusual_days import HALF_WINDOW, UnusualDay, find_unusual_days
from foresell.kpis import KPIS
from foresell.kpis.catalog import Compute, Measures
from foresell.kpis.dimensions import DIMENSIONS
from foresell.kpis.kept_facts import KeptFacts
from foresell.kpis.measures import complete, read_measures
from foresell.kpis.query import check_scope, query_kpi, valid_dimensions
from foresell.kpis.sales import SOLD, gross_sales, sold
from foresell.kpis.scope import Scope, Where, make_scope

# What an order is worth in each KPI that can be explained; net_sales loses its refunds besides.
EXPLAINED: Mapping[str, Compute] = {
    "net_sales": sold,
    "gross_sales": gross_sales,
    "orders": lambda m: m["orders"],
}
DEFAULT_DIMENSIONS = ("department", "category", "brand", "location", "channel")
MOST_GROUPS = 20
HISTORY = timedelta(days=365)
MONEY = (*SOLD, "refunded")
COUNTS = ("orders", "customers", "guest_orders")


def explain_change(
    tables: Tables,
    settings: Settings,
    kpi: str = "net_sales",
    *,
    start: date,
    end: date,
    baseline_start: date | None = None,
    baseline_end: date | None = None,
    dimensions: Sequence[str] | None = None,
    where: Where = (),
) -> ChangeExplanation:
    """The change of a KPI from the baseline days to the days `start` to `end`, both inclusive.

    Baseline: as many days just before `start`, unless both its days are given. `parts` split the
    change into traffic × conversion × order value; where visits are unknown in either span, into
    customers × orders per customer × order value (said in `notes`). `dimensions` splits it into
    the volume, mix and rate effects of each value; default: those of DEFAULT_DIMENSIONS that the
    store can give. `unusual_days` lie within either span, against up to a year of history.

    All parts, and all effects of a dimension, add up exactly to `change` (Decimal, 4 places).

    Errors: as `query_kpi`; InputError also for a KPI that cannot be split so (see EXPLAINED), half
    a baseline, or spans that overlap.
    """
    if kpi in KPIS and kpi not in EXPLAINED:
        raise InputError(f"The change of '{kpi}' cannot be split", do=f"Valid: {', '.join(EXPLAINED)}.")
    if kpi not in KPIS:
        raise NotFoundError(f"There is no KPI '{kpi}'", do=did_you_mean(kpi, EXPLAINED))
    spans = _spans(start, end, baseline_start, baseline_end)
    tables = KeptFacts.of(tables, spans)
    scope = make_scope(tables, settings, start=start, end=end, where=where)
    check_scope(KPIS[kpi], scope)
    before_scope, after_scope = (scope.but(start=first, end=last) for first, last in spans)
    before, after = _drivers(kpi, before_scope), _drivers(kpi, after_scope)
    values = to_step(_value(kpi, before)), to_step(_value(kpi, after))
    parts, notes = _parts(kpi, before, after, values[1] - values[0])
    if not before["orders"]:
        notes = (*notes, "empty_baseline")
    unusual_days = _unusual_days(kpi, scope, spans, where)
    if unusual_days is None:
        notes = (*notes, "no_unusual_days")
    return ChangeExplanation(
        kpi=kpi,
        unit=scope.currency if KPIS[kpi].unit == "money" else KPIS[kpi].unit,
        span=spans[1],
        baseline=spans[0],
        before=values[0],
        after=values[1],
        parts=parts,
        dimensions={
            name: _groups(kpi, name, before_scope, after_scope, values)
            for name in _usable_dimensions(kpi, scope, dimensions)
        },
        unusual_days=unusual_days or [],
        notes=notes,
    )


def _spans(
    start: date, end: date, baseline_start: date | None, baseline_end: date | None
) -> tuple[tuple[date, date], tuple[date, date]]:
    if (baseline_start is None) != (baseline_end is None):
        raise InputError("A baseline needs both its first and its last day", do="Give both, or neither.")
    if baseline_start is None or baseline_end is None:
        baseline_end = start - timedelta(days=1)
        baseline_start = baseline_end - (end - start)
    if baseline_start > baseline_end:
        raise InputError(
            "The baseline's first day is after its last", received=f"{baseline_start} to {baseline_end}"
        )
    if baseline_start <= end and start <= baseline_end:
        raise InputError(
            "The baseline overlaps the days to explain",
            received=f"{baseline_start} to {baseline_end}, {start} to {end}",
        )
    return (baseline_start, baseline_end), (start, end)


def _drivers(kpi: str, scope: Scope) -> dict[str, Fraction]:
    """The measures behind the parts, exact; visits are 0 where they cannot be known."""
    names = [*_money_of(kpi), *COUNTS]
    visits_of = valid_dimensions(KPIS["visits"])
    if scope.has_rows("events") and all(dimension.id in visits_of for dimension in scope.dimensions):
        names.append("visits")
    cells = read_measures(scope, names)
    measures = complete(cells[None, None], [*MONEY, *COUNTS, "visits"])
    return {name: Fraction(str(value)) for name, value in measures.items()}


def _money_of(kpi: str) -> tuple[str, ...]:
    """The sums of money that it is made of: a count needs no exchange rates."""
    return () if kpi == "orders" else MONEY


def _as_measures(drivers: Mapping[str, Fraction]) -> Measures:
    return {name: _decimal(value) for name, value in drivers.items()}


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _earned(kpi: str, measures: Measures) -> Fraction:
    """The KPI before refunds: what its orders brought."""
    return Fraction(str(EXPLAINED[kpi](measures)))


def _refunded(kpi: str, measures: Measures) -> Fraction:
    return Fraction(str(measures["refunded"])) if kpi == "net_sales" else Fraction(0)


def _value(kpi: str, drivers: Mapping[str, Fraction]) -> Fraction:
    measures = _as_measures(drivers)
    return _earned(kpi, measures) - _refunded(kpi, measures)


def _parts(
    kpi: str, before: Mapping[str, Fraction], after: Mapping[str, Fraction], change: Decimal
) -> tuple[list[Part], tuple[str, ...]]:
    has_visits = bool(before["visits"] and after["visits"])
    names = ["traffic", "conversion"] if has_visits else ["customers", "orders_per_customer"]
    if kpi != "orders":
        names.append("order_value")
    old, new = (_factors(kpi, drivers, has_visits)[: len(names)] for drivers in (before, after))
    effects = shapley_effects(old, new)
    refunds = [_refunded(kpi, _as_measures(drivers)) for drivers in (before, after)]
    if any(refunds):
        names.append("refunds")
        old, new = [*old, refunds[0]], [*new, refunds[1]]
        effects.append(refunds[0] - refunds[1])
    rounded = round_to_total(effects, change)
    parts = [Part(*fields) for fields in zip(names, old, new, rounded, strict=True)]
    return parts, () if has_visits else ("no_visits",)


def _factors(kpi: str, drivers: Mapping[str, Fraction], has_visits: bool) -> list[Factor]:
    orders = drivers["orders"]
    # A guest cannot be recognized, so every order of a guest is a customer.
    people = drivers["visits"] if has_visits else drivers["customers"] + drivers["guest_orders"]
    return [people, quotient(orders, people), quotient(_earned(kpi, _as_measures(drivers)), orders)]


def _usable_dimensions(kpi: str, scope: Scope, asked: Sequence[str] | None) -> list[str]:
    """Those asked for, or the default ones that the store can give."""
    valid = valid_dimensions(KPIS[kpi])
    if kpi == "orders":
        # An order of two categories would count in both, and the groups not add up.
        valid = [name for name in valid if "product" not in DIMENSIONS[name].grains]
    if asked is None:
        tables = {name: DIMENSIONS[name].table for name in DEFAULT_DIMENSIONS if name in valid}
        return [name for name, table in tables.items() if table is None or scope.has_rows(table)]
    for name in asked:
        make_scope(scope.tables, scope.settings, by=name)
        if name not in valid:
            raise InputError(f"'{kpi}' does not add up over '{name}'", do=f"Valid: {', '.join(valid)}.")
    return list(asked)


def _groups(
    kpi: str, name: str, before_scope: Scope, after_scope: Scope, values: tuple[Decimal, Decimal]
) -> list[GroupEffect]:
    """Each value's volume, mix and rate effects, the greatest change first; beyond MOST_GROUPS
    the rest are one group.

    A value's sales are the volume of the whole shop (order lines for a product's dimension, else
    orders) × its share of the volume × its money per unit of volume, less its refunds.
    """
    volume = "lines" if "product" in DIMENSIONS[name].grains else "orders"
    needed = (*_money_of(kpi), volume)
    old, new = (_cells(scope.but(by=DIMENSIONS[name]), needed) for scope in (before_scope, after_scope))
    keys = sorted({*old, *new}, key=lambda key: (key is None, key or ""))
    nothing: Measures = complete({}, needed)
    olds, news = ([cells.get(key, nothing) for key in keys] for cells in (old, new))
    totals = [Fraction(str(sum(m[volume] for m in side))) for side in (olds, news)]
    befores, afters = (
        round_to_total([_earned(kpi, m) - _refunded(kpi, m) for m in side], value)
        for side, value in zip((olds, news), values, strict=True)
    )
    groups = []
    for key, one, other, before, after in zip(keys, olds, news, befores, afters, strict=True):
        factors = [
            _group_factors(kpi, m, volume, total) for m, total in zip((one, other), totals, strict=True)
        ]
        effects = [*shapley_effects(*factors), _refunded(kpi, one) - _refunded(kpi, other)]
        groups.append(GroupEffect(key, before, after, *round_to_total(effects, after - before)))
    groups.sort(key=lambda group: -abs(group.change))
    return _with_the_rest_as_one(groups)


def _cells(scope: Scope, needed: Sequence[str]) -> dict[str | None, Measures]:
    return {key[1]: complete(cell, needed) for key, cell in read_measures(scope, needed).items()}


def _group_factors(kpi: str, m: Measures, volume: str, total: Fraction) -> list[Factor]:
    amount = Fraction(str(m[volume]))
    return [total, quotient(amount, total), quotient(_earned(kpi, m), amount)]


def _with_the_rest_as_one(groups: list[GroupEffect]) -> list[GroupEffect]:
    if len(groups) <= MOST_GROUPS:
        return groups
    kept, rest = groups[: MOST_GROUPS - 1], groups[MOST_GROUPS - 1 :]
    sums = [sum((getattr(g, field) for g in rest), Decimal(0)) for field in GroupEffect.amounts()]
    return [*kept, GroupEffect("(other)", *sums)]


def _unusual_days(
    kpi: str, scope: Scope, spans: tuple[tuple[date, date], tuple[date, date]], where: Where
) -> list[UnusualDay] | None:
    """None where the days before and between the spans cannot be counted: money lacks a rate there."""
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    # Two weeks more, where they are known: the trend of a span's last days needs what came after.
    until = last + timedelta(days=HALF_WINDOW)
    try:
        daily = query_kpi(
            scope.tables, scope.settings, kpi, period="day", start=first - HISTORY, end=until, where=where
        )
    except InputError:
        return None
    values = {date.fromisoformat(row["period"]): float(row["value"]) for row in daily.rows}
    return [day for day in find_unusual_days(values) if any(a <= day.day <= b for a, b in spans)]
