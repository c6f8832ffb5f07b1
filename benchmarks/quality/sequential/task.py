"""What every model is given and asked, whatever file it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

# Times are made up where a file has none: only their order counts.
FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class BadFileError(Exception):
    """A file of the benchmark cannot be used as it is."""


@dataclass(frozen=True)
class Exam:
    """`histories`, `targets`: INTERACTIONS frames; one target a customer, the product to be foretold from
    that customer's rows of `histories`."""

    histories: pl.DataFrame
    targets: pl.DataFrame


@dataclass(frozen=True)
class Task:
    """`learned`: interactions to fit on. `later`: what comes after them, for models that stop early.

    `everything`: what is fitted again before the test, with what validation chose; None: the model that was
    judged on `validation` is judged on `test`. `masks_history`: a customer's earlier products are not
    recommended. `facts`: of the data, for the record. `cold`: products that nobody is seen to take, the only
    ones that the test asks for; None: there are none.
    """

    learned: pl.DataFrame
    later: pl.DataFrame
    validation: Exam
    test: Exam
    products: pl.DataFrame | None
    masks_history: bool
    everything: pl.DataFrame | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    cold: pl.Series | None = None
