"""What the models of buying know of a customer: how often again, when last, for how long, how much."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError

Floats = NDArray[np.float64]
# The columns that a History is made of: x, t_x, T and z̄ of the literature.
FREQUENCY, RECENCY, AGE, MONEY = (
    "repeat_order_days",
    "days_first_to_last",
    "days_since_first",
    "repeat_day_value",
)
SLACK = 1e-9


@dataclass(frozen=True)
class History:
    """n customers, each with a first order.

    frequency   (n,) x: orders after the first; several on one local day count once
    recency     (n,) t_x: from the first order to the last, 0 without another
    age         (n,) T: from the first order to the end of what is known
    money       (n,) z̄: mean value of the orders after the first; NaN where there is none; (0,): not known

    Times in one unit of the caller's (days in this project; the literature has weeks), money in one currency.
    Raises InputError where this cannot be so.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    money: Floats

    def __post_init__(self) -> None:
        numbers = (self.frequency, self.recency, self.age)
        if len({len(column) for column in numbers}) != 1 or len(self.money) not in (0, len(self.age)):
            raise InputError(
                "The columns of a history must have the same number of rows",
                received=", ".join(str(len(column)) for column in (*numbers, self.money)),
            )
        if not all(np.isfinite(column).all() for column in numbers):
            raise InputError("Frequency, recency and age must be known of every customer")
        is_wrong = (
            (self.frequency < 0)
            | (self.recency < 0)
            | (self.recency > self.age + SLACK)
            | ((self.frequency == 0) & (self.recency > 0))
        )
        if is_wrong.any():
            place = int(np.flatnonzero(is_wrong)[0])
            raise InputError(
                "A history contradicts itself",
                received=f"row {place}: frequency {self.frequency[place]:g}, "
                f"recency {self.recency[place]:g}, age {self.age[place]:g}",
                do="0 ≤ recency ≤ age must hold, and recency be 0 where frequency is.",
            )

    def __len__(self) -> int:
        return len(self.frequency)

    def take(self, rows: slice | NDArray[np.bool_] | NDArray[np.int64]) -> "History":
        money = self.money[rows] if len(self.money) else self.money
        return History(self.frequency[rows], self.recency[rows], self.age[rows], money)


def make_history(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, money: ArrayLike | None = None
) -> History:
    """A History of anything like arrays."""
    x, last, until = (np.asarray(column, np.float64) for column in (frequency, recency, age))
    return History(x, last, until, np.empty(0) if money is None else np.asarray(money, np.float64))


def history_of(features: pl.DataFrame) -> History:
    """Of a frame with the columns FREQUENCY, RECENCY, AGE and MONEY (null: NaN).

    Raises InputError naming a column that is missing.
    """
    columns = (FREQUENCY, RECENCY, AGE, MONEY)
    if missing := [name for name in columns if name not in features.columns]:
        raise InputError(
            "A history of orders needs other columns",
            received=", ".join(features.columns) or "no columns",
            do=f"Add {', '.join(missing)}; `value.summary` makes them.",
        )
    return History(*(_numbers(features[name]) for name in columns))


def _numbers(column: pl.Series) -> Floats:
    return np.asarray(column.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.float64)


def refuse_one_class(history: History) -> None:
    """Raises InputError where nobody, or everybody, came back: then there is nothing to tell apart."""
    if not len(history):
        raise InputError(
            "There are no customers to learn from", do="Import orders, or choose a later cutoff."
        )
    again = int((history.frequency > 0).sum())
    if again in (0, len(history)):
        raise InputError(
            "Nobody ordered on a second day" if not again else "Every customer ordered on a second day",
            received=f"{again} of {len(history)} customers",
            do="A model of coming back needs both kinds: choose another cutoff, or import a longer history.",
        )


def grouped(numbers: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
    """The distinct numbers, and what spreads values of those over all rows: few people have a number of
    orders of their own, so special functions are computed once for each."""
    distinct, which = np.unique(numbers, return_inverse=True)
    return distinct, lambda values: np.asarray(values[which])
