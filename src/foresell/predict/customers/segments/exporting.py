"""What of segments may leave the shop: never a group of fewer than ten people.

`exportable` decides which segments (and which values of other columns within them) are named; `activation`
makes the lists of mail and ad tools, of those who allowed it. Pure functions: files are written elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from foresell.contracts.errors import InputError, did_you_mean
from foresell.predict.customers.segments.suppression import LEAST_PEOPLE
from foresell.predict.customers.segments.words import OTHER

Small = Literal["other", "leave_out"]


@dataclass(frozen=True, slots=True)
class Exportable:
    """`frame`: the rows that may leave, every group of `by` in it at least k people. `num_left_out` rows are
    not in it; `merged`: the segments that are not named in it. Both are for the shop's eyes: a file with them
    beside it would tell what was hidden."""

    frame: pl.DataFrame
    num_left_out: int
    merged: tuple[str, ...]


def exportable(
    segments: pl.DataFrame,
    k: int = LEAST_PEOPLE,
    *,
    small: Small = "other",
    by: Sequence[str] = (),
) -> Exportable:
    """`segments`: customer_id, segment, and other columns, one row a customer; `by`: other columns that go
    with it, such as country: groups are then of people with one segment and one value of each.

    A segment of fewer than k people becomes "other" (`small="other"`), or its rows are left out; where that
    "other" has fewer than k, it is left out too. Within a segment a value that fewer than k have becomes
    "other", and so does the smallest other value while "other" there stays below k: nothing can be told back
    from the segment's size. Columns beside customer_id, segment and `by` are dropped: k says nothing of them.

    Raises InputError for k below 10 people, a column that is missing, and a customer with two rows.
    """
    if k < LEAST_PEOPLE:
        raise InputError(
            f"Groups of fewer than {LEAST_PEOPLE} people are never exported", received=f"k = {k}"
        )
    columns = ["customer_id", "segment", *by]
    for name in columns:
        if name not in segments.columns:
            raise InputError(f"There is no column '{name}'", do=did_you_mean(name, segments.columns))
    rows = segments.select("customer_id", pl.col("segment", *by).cast(pl.String).fill_null("unknown"))
    if rows["customer_id"].n_unique() != len(rows):
        raise InputError("Each customer must have one row", received=f"{len(rows)} rows")
    kept, merged = _named_segments(rows, k, small)
    for place, name in enumerate(by):
        kept = _merged_values(kept, ["segment", *by[:place]], name, k)
    return Exportable(kept.sort("segment", *by, "customer_id"), len(rows) - len(kept), merged)


def _named_segments(rows: pl.DataFrame, k: int, small: Small) -> tuple[pl.DataFrame, tuple[str, ...]]:
    # A segment that is itself called "other" takes in the small ones.
    counts = rows["segment"].value_counts()
    few = counts.filter(pl.col("count") < k)["segment"].to_list()
    merged = tuple(sorted(one for one in few if one != OTHER[0]))
    if small == "leave_out":
        return rows.filter(~pl.col("segment").is_in(few)), merged
    told = rows.with_columns(segment=_renamed("segment", merged))
    is_enough = pl.len().over("segment") >= k
    return told.filter(is_enough), merged


def _renamed(column: str, names: Sequence[str]) -> pl.Expr:
    return pl.when(pl.col(column).is_in(list(names))).then(pl.lit(OTHER[0])).otherwise(pl.col(column))


def _merged_values(rows: pl.DataFrame, groups: list[str], column: str, k: int) -> pl.DataFrame:
    """Within each group, the values from the smallest up are "other" until all that stand alone, and "other",
    have k people; a group has k, so it never fails."""
    sizes = rows.group_by(*groups, column).len().sort(*groups, "len", column)
    is_other = (pl.col(column) == OTHER[0]).cast(pl.Int64)
    sizes = sizes.with_columns(is_other=is_other).sort(*groups, -pl.col("is_other"), "len", column)
    before = pl.col("len").cum_sum().over(groups) - pl.col("len")
    is_small = (pl.col("len") < k) | (pl.col("is_other") == 1)
    has_small = is_small.any().over(groups)
    sizes = sizes.with_columns(joins=is_small | (has_small & (before < k)))
    told = rows.join(sizes.select(*groups, column, "joins"), on=[*groups, column])
    value = pl.when("joins").then(pl.lit(OTHER[0])).otherwise(pl.col(column))
    return told.with_columns(value.alias(column)).drop("joins")


def counts(exported: Exportable, by: Sequence[str] = ()) -> pl.DataFrame:
    """The groups of what may leave, with num_customers."""
    groups = ["segment", *by]
    return exported.frame.group_by(groups).agg(num_customers=pl.len()).sort(groups)
