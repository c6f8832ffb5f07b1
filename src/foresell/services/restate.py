"""Restatement: a KPI as it was reported on some day, beside what is known of the same days now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.measure import Question, measure_tables
from foresell.services.shop import Engine, Shop

if TYPE_CHECKING:
    from foresell.kpis.answer import KpiAnswer
    from foresell.kpis.catalog import Kpi
    from foresell.matching.resolve import MatchedTables

# The columns that name a row, of KPIs whose rows have named columns; the others are measures.
ROW_NAMES: dict[str, tuple[str, ...]] = {
    "retention": ("cohort", "age"),
    "lifetime_value": ("cohort",),
    "rfm": ("segment",),
}
# The same where such a KPI is split.
SPLIT_ROW_NAMES: dict[str, tuple[str, ...]] = {"rfm": ("customer",)}
# KPIs that cannot be restated → why.
REFUSED: dict[str, str] = {
    "basket_affinity": "its rows are the pairs above a threshold: one that is missing has no value",
}
# Below this a difference of two floats is their rounding.
DIGITS = 10


@dataclass(frozen=True, slots=True)
class Restated:
    """`as_reported`: the day, at whose end (`reported_until`, UTC) the store is looked at.

    `rows`: the KPI's naming columns (period, dimension, cohort, …), `measure` where the KPI has several,
    `value` as known now, `value_as_reported`, and `difference`, the first less the second. A count or an
    amount of money of which one side has no row is 0 there; any other is null, and so is its difference.
    """

    kpi: str
    unit: str
    as_reported: date
    reported_until: datetime
    rows: list[dict[str, Any]]

    def as_record(self) -> dict[str, object]:
        record = asdict(self)
        record["as_reported"] = self.as_reported.isoformat()
        return {**record, "reported_until": self.reported_until.isoformat()}


def restate(shop: Shop, kpi: str, question: Question, day: date, engine: Engine = "duckdb") -> Restated:
    """A KPI as known now, and as it was reported at the end of a local day.

    Errors: as `query_kpi`, also where the KPI could not be given then; InputError for a day that has not
    come, or a KPI that cannot be restated; NotFoundError for a day before the store's first run.
    """
    from foresell.kpis import KPIS

    if kpi in REFUSED:
        raise InputError(
            f"'{kpi}' cannot be restated: {REFUSED[kpi]}",
            do="Choose another KPI; `foresell kpi --about` lists them.",
        )
    until = _end_of(shop, day)
    with shop.reading_matched(engine) as tables:
        now = measure_tables(tables, shop.settings, kpi, question)
        reported = _measure_then(shop, tables, kpi, question, day, until)
    rows = _named_rows(KPIS[kpi], question, now, reported)
    return Restated(kpi, now.unit, day, until, rows)


def _end_of(shop: Shop, day: date) -> datetime:
    """The first moment after a local day, if the store has records of that day."""
    zone = ZoneInfo(shop.settings.store.time_zone)
    runs = [run.recorded_at for run in shop.folder.raw.runs() if run.kind != "duplicate"]
    if day > datetime.now(zone).date():
        raise InputError("What will be reported is not known yet", received=day, do="Name a past day.")
    if not runs or runs[0].astimezone(zone).date() > day:
        since = f"its first is of {runs[0].astimezone(zone):%Y-%m-%d %H:%M}" if runs else "it has none"
        raise NotFoundError(
            f"The store had no records on {day} ({since})",
            do="Name that day or a later one. Which days the KPI is of is said by --from and --to.",
        )
    following = day + timedelta(days=1)
    start = datetime(following.year, following.month, following.day, tzinfo=zone)
    return start.astimezone(UTC)


def _measure_then(
    shop: Shop, tables: "MatchedTables", kpi: str, question: Question, day: date, until: datetime
) -> "KpiAnswer":
    from foresell.store.as_reported import AsReportedTables

    then = tables.over(lambda beneath: AsReportedTables(beneath, until))
    try:
        return measure_tables(then, shop.settings, kpi, question)
    except NotFoundError as error:
        raise NotFoundError(
            f"As reported on {day}: {error.message}", do="Choose a day after that was imported."
        ) from error


def _named_rows(
    kpi: "Kpi", question: Question, now: "KpiAnswer", reported: "KpiAnswer"
) -> list[dict[str, Any]]:
    """The rows of both answers, joined on what names them, in the order of their names, null last."""
    if kpi.read_rows:
        names = (SPLIT_ROW_NAMES if question.by else ROW_NAMES)[kpi.id]
        return _joined(_melted(now.rows, names), _melted(reported.rows, names), None)
    return _joined(now.rows, reported.rows, _nothing(kpi))


def _melted(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row a measure: the naming columns, `measure`, `value`."""
    return [
        {**{name: row[name] for name in names}, "measure": measure, "value": value}
        for row in rows
        for measure, value in row.items()
        if measure not in names
    ]


def _joined(
    now: Sequence[Mapping[str, Any]], reported: Sequence[Mapping[str, Any]], nothing: float | None
) -> list[dict[str, Any]]:
    names = [name for name in {**(now or reported or [{}])[0]} if name != "value"]
    values: list[dict[tuple[Any, ...], Any]] = [
        {tuple(row[name] for name in names): row["value"] for row in rows} for rows in (now, reported)
    ]
    keys = dict.fromkeys([*values[0], *values[1]])
    measures = {key: place for place, key in enumerate(keys)}
    ordered = sorted(keys, key=lambda key: _order(key, names, measures[key]))
    return [
        {
            **dict(zip(names, key, strict=True)),
            "value": (value := values[0].get(key, nothing)),
            "value_as_reported": (earlier := values[1].get(key, nothing)),
            "difference": _difference(value, earlier),
        }
        for key in ordered
    ]


def _order(key: tuple[Any, ...], names: Sequence[str], place: int) -> tuple[Any, ...]:
    """By the naming columns; the measures of one row stay in the order in which the KPI gives them."""
    named = [(value is None, value) for name, value in zip(names, key, strict=True) if name != "measure"]
    return (*((is_null, "" if is_null else value) for is_null, value in named), place)


def _difference(value: object, earlier: object) -> float | None:
    """Null where either is, or is no number."""
    if not isinstance(value, int | float) or not isinstance(earlier, int | float):
        return None
    if isinstance(value, int) and isinstance(earlier, int):
        return value - earlier
    return float(round(Decimal(str(value)) - Decimal(str(earlier)), DIGITS))


def _nothing(kpi: "Kpi") -> float | None:
    """What the KPI is where nothing happened: 0 of money and counts, null of what is then undefined."""
    from foresell.kpis.measures import complete

    if kpi.compute is None or kpi.is_share:
        return None
    value = kpi.compute(complete({}, kpi.measures))
    return None if value is None else 0
