"""What a series is: the dimensions it is cut by, its period and its measure; and the name of one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.kpis import KPIS
from foresell.kpis.dimensions import DIMENSIONS, Dimension
from foresell.kpis.query import valid_dimensions
from foresell.predict.forecast.panel import EVERY, Period

Measure = Literal["net_sales", "units"]
MEASURES: tuple[Measure, ...] = ("net_sales", "units")
WHOLE_SHOP = "shop"
UNKNOWN = "(unknown)"
SEPARATOR = "|"
PART = re.compile(r"((?:\\.|[^|\\])*)(?:\||$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """A series for each combination of values of the dimensions `by` that was ever sold.

    `by`: names of `kpis.dimensions.DIMENSIONS` that the measure can be cut by (product, category, department,
    brand, location, country, channel, …), each once, in the order of the series' names; "shop" (or nothing):
    the whole shop is one series. `measure`: net_sales, in the store's currency, or units, of goods.

    Raises NotFoundError for an unknown dimension, InputError for what cannot be used, each naming what can.
    """

    by: tuple[str, ...] = (WHOLE_SHOP,)
    period: Period = "week"
    measure: Measure = "net_sales"

    def __post_init__(self) -> None:
        _one_of("measure", self.measure, MEASURES)
        _one_of("period", self.period, tuple(EVERY))
        if len(set(self.by)) < len(self.by):
            raise InputError("A dimension is named twice", received=", ".join(self.by))
        valid = [WHOLE_SHOP, *valid_dimensions(KPIS[self.measure])]
        for name in self.by:
            if name not in valid:
                raise NotFoundError(f"A series cannot be cut by '{name}'", do=did_you_mean(name, valid))

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions without "shop", which cuts nothing."""
        return tuple(name for name in self.by if name != WHOLE_SHOP)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(DIMENSIONS[name] for name in self.names)


def series_ids(values: Sequence[str]) -> pl.Expr:
    """The column `series_id` of rows with these columns of values, one for each dimension, in their order.

    Values are joined by "|"; within a value "|" becomes "\\|" and "\\" becomes "\\\\". A missing value is
    "(unknown)", and a value that reads so begins with a backslash. `values_of` is the inverse. Without a
    dimension: "shop".
    """
    if not values:
        return pl.lit(WHOLE_SHOP).alias("series_id")
    parts = []
    for name in values:
        text = pl.col(name).cast(pl.String)
        escaped = text.str.replace_all("\\", "\\\\", literal=True)
        escaped = escaped.str.replace_all(SEPARATOR, "\\" + SEPARATOR, literal=True)
        escaped = pl.when(text == UNKNOWN).then(pl.lit("\\" + UNKNOWN)).otherwise(escaped)
        parts.append(escaped.fill_null(UNKNOWN))
    return pl.concat_str(parts, separator=SEPARATOR).alias("series_id")


def values_of(series_id: str) -> tuple[str | None, ...]:
    """The values that `series_ids` joined, in the order of the dimensions; None: missing."""
    parts = []
    position = 0
    while True:
        found = PART.match(series_id, position)
        if found is None:
            raise InputError("This is no name of a series", received=series_id)
        text = found.group(1)
        parts.append(None if text == UNKNOWN else re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL))
        if found.end() == found.end(1):
            return tuple(parts)
        position = found.end()


def _one_of(what: str, given: str, valid: Sequence[str]) -> None:
    if given not in valid:
        raise InputError(f"'{given}' is no {what} of a series", do=did_you_mean(given, valid))
