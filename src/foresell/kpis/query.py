"""One form of question for every KPI."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis import KPIS
from foresell.kpis.answer import KpiAnswer, Unavailable
from foresell.kpis.catalog import Kpi, Measures, ratio
from foresell.kpis.dimensions import DIMENSIONS, Dimension
from foresell.kpis.measures import CellKey, Cells, complete, grains_of, read_measures
from foresell.kpis.scope import Scope, Where, make_scope


def query_kpi(
    tables: Tables,
    settings: Settings,
    kpi: str,
    *,
    by: str | None = None,
    period: str | None = None,
    start: date | None = None,
    end: date | None = None,
    where: Where = (),
) -> KpiAnswer:
    """A KPI over the local dates `start` to `end`, both inclusive; None: from the first, to the last.

    `period`: day, week or month; a row's `period` is the first local date of it, even where that
    lies before `start`. `by`: a name in DIMENSIONS. `where`: {"dimension": "value"} or
    ["dimension=value", …]; a dimension named twice means either value. Rows are sorted by period
    and value of the dimension, null last; a period in which nothing happened has no row.

    Errors: NotFoundError for an unknown KPI or dimension, and for a KPI or dimension whose table
    or column is empty, naming it; InputError for a cut that would count twice, naming the valid
    dimensions, for wrong dates, periods and conditions, and for a missing exchange rate.
    """
    if kpi not in KPIS:
        raise NotFoundError(f"There is no KPI '{kpi}'", do=did_you_mean(kpi, KPIS))
    definition = KPIS[kpi]
    scope = make_scope(tables, settings, by=by, period=period, start=start, end=end, where=where)
    scope = _with_default_split(definition, scope)
    check_scope(definition, scope)
    if definition.read_rows:
        return KpiAnswer(kpi, _unit(definition, scope), definition.read_rows(scope))
    return _answer(definition, scope, read_measures(scope, definition.measures))


def all_kpis(
    tables: Tables,
    settings: Settings,
    *,
    by: str | None = None,
    period: str | None = None,
    start: date | None = None,
    end: date | None = None,
    where: Where = (),
    kpis: Iterable[str] | None = None,
) -> dict[str, KpiAnswer | Unavailable]:
    """The whole catalog (or the `kpis` named), each fact read once; arguments as `query_kpi`.

    A KPI that lacks a table, or cannot be cut so, answers `Unavailable` with the reason. KPIs with
    a dimension of their own (`default_by`) keep it where `by` is None.
    """
    asked = make_scope(tables, settings, by=by, period=period, start=start, end=end, where=where)
    answers: dict[str, KpiAnswer | Unavailable] = {}
    batches: dict[str | None, list[tuple[Kpi, Scope]]] = {}
    for name in KPIS if kpis is None else kpis:
        if name not in KPIS:
            raise NotFoundError(f"There is no KPI '{name}'", do=did_you_mean(name, KPIS))
        kpi = KPIS[name]
        scope = _with_default_split(kpi, asked)
        try:
            check_scope(kpi, scope)
        except (InputError, NotFoundError) as error:
            answers[name] = Unavailable(name, error.message, lacking(kpi, scope))
            continue
        if kpi.read_rows:
            answers[name] = KpiAnswer(name, _unit(kpi, scope), kpi.read_rows(scope))
        else:
            batches.setdefault(scope.by.id if scope.by else None, []).append((kpi, scope))
    for batch in batches.values():
        cells = read_measures(batch[0][1], [name for kpi, _ in batch for name in kpi.measures])
        answers |= {kpi.id: _answer(kpi, scope, cells) for kpi, scope in batch}
    return {name: answers[name] for name in KPIS if name in answers}


def check_scope(kpi: Kpi, scope: Scope) -> None:
    """Raise what `query_kpi` would, without reading the KPI."""
    lacks = lacking(kpi, scope)
    if lacks:
        missing = " and ".join(need.replace("|", " or ") for need in lacks)
        raise NotFoundError(
            f"'{kpi.id}' needs {missing}, of which the store has nothing", do="Import a file that has it."
        )
    if scope.period and kpi.refused_periods:
        raise InputError(f"'{kpi.id}' has no periods: {kpi.refused_periods}", received=scope.period)
    if kpi.read_rows and scope.by and scope.by.id not in kpi.row_splits:
        raise InputError(
            f"'{kpi.id}' cannot be split by '{scope.by.id}': its rows are {kpi.grain}",
            do=f"Valid splits: {', '.join(kpi.row_splits) or 'none'}.",
        )
    for dimension in scope.dimensions:
        reason = _why_not(kpi, dimension)
        if reason:
            raise InputError(
                f"'{kpi.id}' cannot be cut by '{dimension.id}': {reason}",
                do=f"Valid: {', '.join(valid_dimensions(kpi))}.",
            )
        if dimension.table and not scope.has_rows(dimension.table):
            raise NotFoundError(
                f"The dimension '{dimension.id}' needs {dimension.table}, of which the store has nothing",
                do="Import a file that has it.",
            )


def lacking(kpi: Kpi, scope: Scope) -> tuple[str, ...]:
    """What of the KPI's `requires` holds nothing."""
    return tuple(need for need in kpi.requires if not any(_has(scope, one) for one in need.split("|")))


def valid_dimensions(kpi: Kpi) -> list[str]:
    """The dimensions that the KPI can be cut by without counting twice."""
    if kpi.read_rows:
        return sorted(kpi.row_splits)
    return sorted(name for name, dimension in DIMENSIONS.items() if not _why_not(kpi, dimension))


def _with_default_split(kpi: Kpi, scope: Scope) -> Scope:
    if scope.by is None and kpi.default_by is not None:
        return scope.but(by=DIMENSIONS[kpi.default_by])
    return scope


def _has(scope: Scope, need: str) -> bool:
    table, _, column = need.partition(".")
    return scope.has_values(table, column) if column else scope.has_rows(table)


def _why_not(kpi: Kpi, dimension: Dimension) -> str:
    for grain, reason in kpi.refused_grains.items():
        if grain in dimension.grains:
            return reason
    facts = grains_of(kpi.measures) if kpi.measures else {"its rows": kpi.row_grains}
    for fact, grains in facts.items():
        if not dimension.grains & set(grains):
            return f"{fact} have none"
    return ""


def _unit(kpi: Kpi, scope: Scope) -> str:
    return scope.currency if kpi.unit == "money" else kpi.unit


def _answer(kpi: Kpi, scope: Scope, cells: Cells) -> KpiAnswer:
    rows = [
        {**_key_columns(key, scope), "value": _number(kpi, value)}
        for key, value in _values(kpi, scope, cells)
    ]
    return KpiAnswer(kpi.id, _unit(kpi, scope), rows)


def _values(kpi: Kpi, scope: Scope, cells: Cells) -> Iterator[tuple[CellKey, Any]]:
    if kpi.compute is None:
        raise AssertionError(f"{kpi.id} has neither compute nor read_rows")
    values: dict[CellKey, Any] = {}
    for key, measures in _own_cells(kpi, scope, cells):
        values[key] = kpi.compute(measures)
    if kpi.is_share:
        totals: dict[date | None, Decimal] = {}
        for (period, _), value in values.items():
            totals[period] = totals.get(period, Decimal(0)) + value
        values = {key: ratio(value, totals[key[0]]) for key, value in values.items()}
    for key in sorted(values, key=_order):
        yield key, values[key]


def _own_cells(kpi: Kpi, scope: Scope, cells: Cells) -> Iterator[tuple[CellKey, Measures]]:
    """The cells in which anything of the KPI happened: others' measures were read with it."""
    for key, measures in cells.items():
        if not scope.keys or any(name in measures for name in kpi.measures):
            yield key, complete(measures, kpi.measures)


def _order(key: CellKey) -> tuple[date, bool, str]:
    period, value = key
    return (period or date.min, value is None, value or "")


def _key_columns(key: CellKey, scope: Scope) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if scope.period and key[0] is not None:
        columns["period"] = key[0].isoformat()
    if scope.by:
        columns[scope.by.id] = key[1]
    return columns


def _number(kpi: Kpi, value: Any) -> int | float | None:
    """JSON's numbers: money to 4 decimals, counts as whole numbers where they are whole."""
    if value is None:
        return None
    if kpi.unit == "money":
        return float(round(Decimal(str(value)), 4))
    if isinstance(value, float) and kpi.unit == "units" and value.is_integer():
        return int(value)
    return float(value) if isinstance(value, Decimal) else value
