"""What a KPI is: its formula, its unit, and the words a shop owner reads about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from foresell.kpis.scope import Scope

Number = Decimal | int | float
Measures = Mapping[str, Number]
Cell = dict[str, Any]

Unit = Literal[
    "money",
    "orders",
    "units",
    "customers",
    "visits",
    "rate",
    "days",
    "redemptions",
    "times",
    "units/order",
    "table",
]
Direction = Literal["higher", "lower", "neutral"]
Compute = Callable[[Measures], Number | None]
ReadRows = Callable[["Scope"], list[Cell]]


@dataclass(frozen=True, slots=True)
class Words:
    """A KPI in one language: its name, what is counted, and what it tells the owner."""

    name: str
    definition: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """One business measure.

    `requires`: "table" or "table.column", each of which must hold values; "a|b" means either.
    A KPI is either `compute`, a function of the `measures` of one cell (a period and a value of
    the dimension), or `read_rows`, which makes rows with named columns of its own.
    `refused_grains`: grains of dimensions that would count twice, each with the reason.
    `default_by`: the split taken where the caller names none.
    `is_share`: each value is divided by the sum over its period.
    Of a KPI with `read_rows`: `columns` of its rows, `row_splits` the dimensions it can be split
    by, `row_grains` the grains of those that a condition may name.
    """

    id: str
    formula: str
    unit: Unit
    grain: str
    direction: Direction
    requires: tuple[str, ...]
    english: Words
    chinese: Words
    measures: tuple[str, ...] = ()
    compute: Compute | None = None
    read_rows: ReadRows | None = None
    refused_grains: Mapping[str, str] = field(default_factory=dict)
    refused_periods: str = ""
    default_by: str | None = None
    is_share: bool = False
    row_grains: tuple[str, ...] = ()
    row_splits: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def words(self, language: str) -> Words:
        return self.chinese if language == "zh" else self.english


def count(value: Number) -> int:
    """A measure that counts rows."""
    return int(value)


def ratio(numerator: Number, denominator: Number) -> float | None:
    """The quotient; None where the denominator is 0, for then it is undefined."""
    return float(numerator) / float(denominator) if denominator else None


def money(value: Number) -> Decimal:
    """Exact money; a float (a share of an order-level discount) joins it rounded to 8 decimals."""
    return value if isinstance(value, Decimal) else Decimal(str(round(value, 8)))
