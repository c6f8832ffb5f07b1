"""The sessions of the file as examples: its columns, and shares and means that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.features.feature import Feature
from foresell.predict.customers.examples import Examples

MONTHS = ("Feb", "Mar", "May", "June", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# In the calendar; the file has no year, and neither January nor April.
CALENDAR = (2, 3, 5, 6, 7, 8, 9, 10, 11, 12)
Floats = NDArray[np.float64]
LAST_TRAINING = MONTHS.index("Oct")
# The analytics tool computes it from the purchases themselves.
LEAK = "PageValues"
NUMBERS = (
    "Administrative",
    "Administrative_Duration",
    "Informational",
    "Informational_Duration",
    "ProductRelated",
    "ProductRelated_Duration",
    "BounceRates",
    "ExitRates",
    "PageValues",
    "SpecialDay",
)
# Numbers in the file that stand for something without an order.
CODES = ("OperatingSystems", "Browser", "Region", "TrafficType")
CATEGORIES = ("VisitorType", *CODES)


@dataclass(frozen=True)
class Sessions:
    """`months`: (n,) the place of each session's month in MONTHS. `derived`: names of what follows from the
    file's own columns."""

    examples: Examples
    months: NDArray[np.int64]
    derived: tuple[str, ...]

    def of(self, months: Sequence[int], *, without: Sequence[str] = ()) -> Examples:
        """The sessions of these months, without these features."""
        return narrowed(self.examples.take(np.isin(self.months, months)), without)


def with_codes_as_numbers(examples: Examples) -> Examples:
    described = tuple(replace(one, kind="number") if one.name in CODES else one for one in examples.described)
    features = examples.features.with_columns(pl.col(CODES).cast(pl.Float64))
    return Examples(examples.keys, features, examples.labels, described)


def narrowed(examples: Examples, without: Sequence[str]) -> Examples:
    kept = tuple(feature for feature in examples.described if feature.name not in without)
    return Examples(examples.keys, examples.features.select(one.name for one in kept), examples.labels, kept)


def read_sessions(path: Path) -> Sessions:
    """Of `online_shoppers_intention.csv`; each session is its own entity, its month the cutoff."""
    rows = pl.read_csv(path)
    months = np.array([MONTHS.index(name) for name in rows["Month"]])
    numbers = rows.select(pl.col(NUMBERS).cast(pl.Float64))
    others = rows.select(
        pl.col(CATEGORIES).cast(pl.String),
        weekend=pl.col("Weekend").cast(pl.String).str.to_lowercase().eq("true").cast(pl.Float64),
        month=pl.Series(np.array(CALENDAR)[months]).cast(pl.Float64),
    )
    derived = numbers.select(**_derived())
    features = pl.concat([numbers, others, derived], how="horizontal")
    described = tuple(
        Feature(
            name,
            name,
            name,
            "category" if name in CATEGORIES else "as in the file",
            "category" if name in CATEGORIES else "number",
        )
        for name in features.columns
    )
    when = pl.datetime(2018, pl.Series(np.array(CALENDAR)[months]), 1, time_zone="UTC")
    keys = pl.DataFrame({"entity_id": [f"session {row}" for row in range(rows.height)]}).with_columns(
        cutoff_at=pl.select(when.cast(pl.Datetime("us", "UTC"))).to_series()
    )
    labels = rows["Revenue"].cast(pl.String).str.to_lowercase().eq("true").cast(pl.Float64).to_numpy()
    return Sessions(Examples(keys, features, labels, described), months, tuple(derived.columns))


def _derived() -> dict[str, pl.Expr]:
    """Means and shares: what a session is like, whatever its length."""
    pages = pl.col("Administrative") + pl.col("Informational") + pl.col("ProductRelated")
    seconds = (
        pl.col("Administrative_Duration")
        + pl.col("Informational_Duration")
        + pl.col("ProductRelated_Duration")
    )
    bounce, leave = pl.col("BounceRates"), pl.col("ExitRates")
    kinds = ("Administrative", "Informational", "ProductRelated")
    return {
        **{f"seconds_a_page_{kind}": pl.col(f"{kind}_Duration") / _some(pl.col(kind)) for kind in kinds},
        "pages": pages,
        "seconds": seconds,
        "seconds_a_page": seconds / _some(pages),
        "product_share": pl.col("ProductRelated") / _some(pages),
        "product_seconds_share": pl.col("ProductRelated_Duration") / _some(seconds),
        "administrative_share": pl.col("Administrative") / _some(pages),
        "exit_less_bounce": leave - bounce,
        "exit_over_bounce": leave / pl.max_horizontal(bounce, pl.lit(1e-3)),
        "exits": leave * pages,
        "bounces": bounce * pages,
    }


def _some(amount: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(amount, pl.lit(1.0))
