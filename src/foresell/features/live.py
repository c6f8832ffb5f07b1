"""Features of a customer now, in a millisecond or two: the same measures over arrays of that customer's rows.

    known = LiveCustomers.load(tables, settings, spec, until)      once
    known = known.renewed(tables, ["c17", …], until)               when there is news of these
    known.features(["c17"], now)

Equal to `customer_features` at the same cutoff where nothing has happened between `until` and the cutoff.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.customer import ID, formulas, nothing_known, part_of_cutoff
from foresell.features.facts import Facts, shop_of
from foresell.features.measures import DAYS, SECONDS_A_DAY, Measure, OfCutoff, Ratio
from foresell.features.spec import CustomerSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

Floats = NDArray[np.float64]
Value = float | str | None
REDUCED: Mapping[str, Callable[[Floats], Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
    "median": np.median,
}


@dataclass(frozen=True)
class FactRows:
    """One fact table, a customer's rows beside each other.

    `at`: (N,) seconds. `numbers`: (N,) by column, NaN where null. `codes`: (N,) by column that conditions are
    on, the place of the value among `values`; −1: another, or null.
    """

    at: NDArray[np.int64]
    numbers: Mapping[str, Floats]
    codes: Mapping[str, NDArray[np.int16]]
    values: Mapping[str, Mapping[str | bool, int]]


class LiveCustomers:
    """What is known of every customer until a moment, in memory; made by `load`."""

    def __init__(
        self,
        spec: CustomerSpec,
        settings: Settings,
        until: datetime,
        places: Mapping[str, int],
        offsets: Mapping[str, NDArray[np.int64]],
        rows: Mapping[str, FactRows],
        newer: "Mapping[str, LiveCustomers] | None" = None,
    ) -> None:
        self.spec = spec
        self.settings = settings
        self.until = until
        self._places = places
        self._offsets = offsets
        self._rows = rows
        self._newer = newer or {}
        self._formulas = formulas(spec)
        kinds = {f.name: pl.String if isinstance(f, OfCutoff) else pl.Float64 for f in self._formulas}
        self._schema = pl.Schema({ID: pl.String, **kinds})

    @classmethod
    def load(
        cls,
        tables: Tables,
        settings: Settings,
        spec: CustomerSpec,
        until: datetime,
        customers: Sequence[str] | None = None,
    ) -> "LiveCustomers":
        """Everything that the spec's features are made of, before `until`; of everybody, or of these."""
        past = asof(tables, settings, until)
        wanted = past if customers is None else OfCustomers(past, customers)
        facts = Facts(wanted, settings, spec, shop_of(tables, settings))
        measures = [formula for formula in formulas(spec) if isinstance(formula, Measure)]
        frames = {name: _read(facts, name, measures) for name in dict.fromkeys(m.fact for m in measures)}
        leading = [frames[name][ID] for name in ("orders", "events") if name in frames]
        known = pl.concat([*leading, pl.Series(ID, customers or [], pl.String)]).unique().sort()
        offsets = {}
        rows = {}
        for name, frame in frames.items():
            own = frame.join(pl.DataFrame({ID: known}).with_row_index("place"), on=ID).sort("place")
            counts = np.bincount(own["place"].to_numpy(), minlength=len(known))
            offsets[name] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
            rows[name] = _rows(own, name, measures)
        places = {customer: place for place, customer in enumerate(known)}
        return cls(spec, settings, until, places, offsets, rows)

    def renewed(self, tables: Tables, customers: Sequence[str], until: datetime) -> "LiveCustomers":
        """These customers as of `until`, everybody else as before; the one it is asked of stays as it is.

        Of whoever is not named nothing may have happened since, or it is not known.
        """
        fresh = LiveCustomers.load(tables, self.settings, self.spec, until, customers)
        newer = {**self._newer, **dict.fromkeys(customers, fresh)}
        return LiveCustomers(
            self.spec, self.settings, max(until, self.until), self._places, self._offsets, self._rows, newer
        )

    def knows(self, customer: str) -> bool:
        """Whether an order or an event of theirs is known."""
        return customer in self._places or customer in self._newer

    def features(self, customers: Sequence[str], cutoff: datetime) -> pl.DataFrame:
        """A row a customer, in their order: customer_id and the columns of `described(spec)`.

        Of a customer of whom nothing is known counts and sums are 0, and everything else is null.
        Raises InputError for a cutoff without a time zone, or before `until`.
        """
        if cutoff.tzinfo is None or cutoff < self.until:
            raise InputError(
                "Live features are of now: what happened after an earlier cutoff is already in them",
                received=cutoff,
                do=f"Give a time from {self.until.isoformat()} on, or load them as of the earlier one.",
            )
        known = [self._newer.get(one, self) for one in customers]
        rows = [(one, *its.of(one, cutoff).values()) for one, its in zip(customers, known, strict=True)]
        return pl.DataFrame(rows, schema=self._schema, orient="row")

    def of(self, customer: str, cutoff: datetime) -> Mapping[str, Value]:
        """The features of one, by name, in the order of the columns; of those read together with it."""
        place = self._places.get(customer)
        if place is None:
            return nothing_known(self.spec, cutoff, self.settings)
        now = floor(cutoff.timestamp())
        told: dict[str, Value] = {}
        views: dict[str, _View] = {}
        for formula in self._formulas:
            if isinstance(formula, Measure):
                if formula.fact not in views:
                    offsets = self._offsets[formula.fact]
                    views[formula.fact] = _View(
                        self._rows[formula.fact], int(offsets[place]), int(offsets[place + 1]), now
                    )
                told[formula.name] = views[formula.fact].measured(formula)
            elif isinstance(formula, Ratio):
                told[formula.name] = _ratio(told[formula.top], told[formula.bottom])
            else:
                told[formula.name] = part_of_cutoff(formula, cutoff, self.settings)
        return told


@dataclass(frozen=True, slots=True)
class OfCustomers:
    """`Tables` with the facts of these customers alone; a refund may name its order and not its customer."""

    tables: Tables
    customers: Sequence[str]

    def current(self, name: str) -> "ir.Table":
        return self._theirs(self.tables.current(name), name)

    def history(self, name: str) -> "ir.Table":
        return self._theirs(self.tables.history(name), name)

    def has_rows(self, name: str) -> bool:
        return self.tables.has_rows(name)

    def _theirs(self, rows: "ir.Table", name: str) -> "ir.Table":
        import ibis

        if ID not in rows.columns:
            return rows
        wanted = ibis.memtable({ID: list(self.customers)}, schema={ID: "string"})
        theirs = rows.semi_join(wanted, ID)
        return theirs.union(rows.filter(rows[ID].isnull())) if name == "refunds" else theirs


class _View:
    """One customer's rows of a fact table at a cutoff. Conditions are told once for all measures."""

    def __init__(self, rows: FactRows, begin: int, end: int, now: int) -> None:
        self.rows = rows
        self.part = slice(begin, end)
        self.size = end - begin
        self.age = now - rows.at[self.part]
        self._conditions: dict[object, NDArray[np.bool_] | None] = {}

    def measured(self, measure: Measure) -> float | None:
        meets = self._all_meet(measure)
        if measure.how == "count":
            return float(self.size if meets is None else np.count_nonzero(meets))
        if measure.of == DAYS:
            values = self.age / float(SECONDS_A_DAY)
        else:
            values = self.rows.numbers[measure.of][self.part]
        if meets is not None:
            values = values[meets]
        values = values[~np.isnan(values)]
        if not len(values):
            return 0.0 if measure.is_zero_without_rows else None
        if measure.how == "sd":
            return float(np.std(values, ddof=1)) if len(values) > 1 else None
        return float(REDUCED[measure.how](values))

    def _all_meet(self, measure: Measure) -> NDArray[np.bool_] | None:
        key = (measure.where, measure.within_days)
        if key not in self._conditions:
            found: NDArray[np.bool_] | None = None
            for condition in measure.where:
                met = self._meets(condition)
                found = met if found is None else found & met
            if measure.within_days is not None:
                recent = self._within(measure.within_days)
                found = recent if found is None else found & recent
            self._conditions[key] = found
        return self._conditions[key]

    def _within(self, days: int) -> NDArray[np.bool_]:
        if days not in self._conditions:
            self._conditions[days] = self.age <= days * SECONDS_A_DAY
        return self._conditions[days]  # type: ignore[return-value]

    def _meets(self, condition: tuple[str, str | bool]) -> NDArray[np.bool_]:
        if condition not in self._conditions:
            column, value = condition
            self._conditions[condition] = (
                self.rows.codes[column][self.part] == self.rows.values[column][value]
            )
        return self._conditions[condition]  # type: ignore[return-value]


def _ratio(top: Value, bottom: Value) -> float | None:
    return None if top is None or not bottom else float(top) / float(bottom)


def _read(facts: Facts, name: str, measures: Sequence[Measure]) -> pl.DataFrame:
    own = [measure for measure in measures if measure.fact == name]
    numbers = {m.of for m in own if m.of not in ("", DAYS)}
    conditions = {column for m in own for column, _ in m.where}
    frame: pl.DataFrame = facts.table(name).select(ID, "at", *sorted(numbers | conditions)).to_polars()
    return frame


def _rows(frame: pl.DataFrame, name: str, measures: Sequence[Measure]) -> FactRows:
    own = [measure for measure in measures if measure.fact == name]
    numbers = {m.of for m in own if m.of not in ("", DAYS)}
    conditions: dict[str, dict[str | bool, int]] = {}
    for measure in own:
        for column, value in measure.where:
            known = conditions.setdefault(column, {})
            known.setdefault(value, len(known))
    return FactRows(
        frame["at"].to_numpy().astype(np.int64),
        {column: frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy() for column in numbers},
        {column: _codes(frame[column], known) for column, known in conditions.items()},
        conditions,
    )


def _codes(column: pl.Series, known: Mapping[str | bool, int]) -> NDArray[np.int16]:
    replaced = column.replace_strict(list(known), list(known.values()), default=-1, return_dtype=pl.Int16)
    return replaced.fill_null(-1).to_numpy()
