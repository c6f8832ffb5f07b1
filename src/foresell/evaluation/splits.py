"""Splits in time: a model never learns from what lies after the moment that it is judged on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from foresell.contracts.errors import InputError

Split = Literal["validation", "test"]


@dataclass(frozen=True, slots=True)
class Fold:
    """Learn from everything before `cutoff`; be judged on [cutoff, until)."""

    split: Split
    cutoff: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """One global split: train | validation | test, each ending where the next begins. Times are UTC.

    Models are chosen on the validation window and reported on the test window, for which they learn
    again from everything before it, the validation window included.
    """

    validation_from: datetime
    test_from: datetime
    until: datetime

    def __post_init__(self) -> None:
        if not self.validation_from < self.test_from < self.until:
            raise InputError(
                "The times of a split must rise",
                received=f"{self.validation_from}, {self.test_from}, {self.until}",
                do="Give the start of validation, the start of the test and its end, in this order.",
            )

    def folds(self) -> tuple[Fold, Fold]:
        return (
            Fold("validation", self.validation_from, self.test_from),
            Fold("test", self.test_from, self.until),
        )


def split_at_end(first: datetime, last: datetime, window: timedelta) -> TimeSplit:
    """The last `window` for the test, the one before for validation; the newest row is inside.

    Where the history is shorter than four windows, a window is a quarter of it.
    Raises InputError for a history of no length.
    """
    until = last + timedelta(microseconds=1)
    length = min(window, (until - first) / 4)
    if length < timedelta(microseconds=4):
        raise InputError(
            "The history is too short to hold any of it back",
            received=f"{first} to {last}",
            do="Import more.",
        )
    return TimeSplit(until - 2 * length, until - length, until)


@dataclass(frozen=True, slots=True)
class Origin:
    """A rolling origin: learn from the first `num_train` periods, be judged on the `horizon` after them."""

    split: Split
    num_train: int
    horizon: int


def rolling_origins(num_periods: int, horizon: int, folds: int, min_train: int) -> Iterator[Origin]:
    """One test origin at the end, and before it up to `folds` validation origins, the newest first.

    The test is the last `horizon` periods; no validation window reaches into it. Validation origins lie
    half a horizon apart. Origins with fewer than `min_train` periods to learn from are left out, so a
    short history gives fewer; without any validation origin, the caller must not choose between models.
    Raises InputError where not even the test origin fits.
    """
    test = num_periods - horizon
    if horizon < 1 or test < min_train:
        raise InputError(
            f"The history is too short to test a horizon of {horizon}",
            received=f"{num_periods} full periods",
            do=f"It takes {min_train + max(horizon, 1)}: shorten the horizon or import more.",
        )
    yield Origin("test", test, horizon)
    step = max(1, horizon // 2)
    for fold in range(folds):
        num_train = test - horizon - fold * step
        if num_train < min_train:
            return
        yield Origin("validation", num_train, horizon)
