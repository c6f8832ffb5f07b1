"""What a feature is made of: a number over the rows of one fact table, or one number over another.

Declared once and computed twice: as an Ibis expression over all customers (`aggregated`) and on arrays of one
customer's rows (`features.live`); a test holds the two equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from foresell.features.feature import Feature

if TYPE_CHECKING:
    import ibis.expr.types as ir

SECONDS_A_DAY = 86_400
DAYS = "days"
How = Literal["count", "sum", "mean", "min", "max", "median", "sd"]
# Of each condition: a column and the value that it must have.
Where = tuple[tuple[str, str | bool], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number over the rows of a customer in the fact table `fact`.

    how          count of rows; sum, mean, least, largest, median or sample standard deviation of `of`.
                 A count or sum of no rows is 0, any other is null; rows where `of` is null are left out
    of           a number of the fact table; "days": days from the row to the cutoff
    within_days  only rows at most so old, in whole seconds; None: all before the cutoff
    """

    feature: Feature
    fact: str
    how: How
    of: str = ""
    within_days: int | None = None
    where: Where = ()

    @property
    def name(self) -> str:
        return self.feature.name

    @property
    def is_zero_without_rows(self) -> bool:
        return self.how in ("count", "sum")


@dataclass(frozen=True, slots=True)
class Ratio:
    """`top` over `bottom`, each the name of a measure; null where one is null or `bottom` is 0."""

    feature: Feature
    top: str
    bottom: str

    @property
    def name(self) -> str:
        return self.feature.name


@dataclass(frozen=True, slots=True)
class OfCutoff:
    """A category that is the same for all: "month" (1 to 12) or "weekday" (1, Monday, to 7) of the cutoff's
    local day."""

    feature: Feature
    part: Literal["month", "weekday"]

    @property
    def name(self) -> str:
        return self.feature.name


Formula = Measure | Ratio | OfCutoff


def aggregated(rows: "ir.Table", measures: Sequence[Measure], cutoff_second: int) -> "ir.Table":
    """One row a customer of a fact table, in one pass: customer_id and a column a measure."""
    aged = rows.mutate(age=cutoff_second - rows["at"])
    return aged.group_by("customer_id").agg(**{m.name: _expression(aged, m) for m in measures})


def days_of(seconds: Any) -> Any:
    """Seconds (an Ibis column of whole numbers) in days. Spark takes 86400.0 for a decimal and would cut the
    quotient of a whole number."""
    return seconds.cast("float64") / float(SECONDS_A_DAY)


def _expression(rows: "ir.Table", measure: Measure) -> Any:
    condition = _condition(rows, measure)
    if measure.how == "count":
        return rows.count(where=condition)
    values = days_of(rows["age"]) if measure.of == DAYS else rows[measure.of]
    if measure.how == "sd":
        return values.std(where=condition, how="sample")
    return getattr(values, measure.how)(where=condition)


def _condition(rows: "ir.Table", measure: Measure) -> Any:
    import ibis

    tests = [rows[column] if value is True else rows[column] == value for column, value in measure.where]
    if measure.within_days is not None:
        tests.append(rows["age"] <= measure.within_days * SECONDS_A_DAY)
    return ibis.and_(*tests) if tests else None
