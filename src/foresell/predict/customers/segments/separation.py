"""What segments are worth telling apart for: how they differ in business terms, from everyone else."""

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.evaluation.groups import group_gaps

# The measures of the customers' facts that are summed over a segment to its share of the whole.
ADDED = ("monetary_value", "orders")


def separation(segments: pl.Series, facts: pl.DataFrame) -> pl.DataFrame:
    """A row a measure and segment, measures in the order of the columns, segments by name:

        measure, segment, num_customers, share
        value, lower, upper          the segment's mean and its 95% interval
        rest                         the mean of everyone else
        gap, gap_lower, gap_upper    the difference; the intervals of all segments hold together
        is_apart                     the gap's interval leaves out 0, and the segment has 30 customers or more
        share_of_total               of the sum over all customers; null for what does not add up
        explained                    share of the customers' variance (of ranks) that lies between segments,
                                     the same in all rows of a measure

    `facts`: numbers of the customers of `segments`, in their order, such as recency_days, orders and
    monetary_value (`rfm.rfm_customers`); what is not known is left out. Raises InputError where the lengths
    differ.
    """
    if len(segments) != len(facts):
        raise InputError(
            "Segments and facts must be of the same customers",
            received=f"{len(segments)} and {len(facts)} rows",
        )
    parts = [_of_measure(segments, facts[name]) for name in facts.columns if facts[name].dtype.is_numeric()]
    return pl.concat(parts)


def _of_measure(segments: pl.Series, values: pl.Series) -> pl.DataFrame:
    known = pl.DataFrame({"group": segments, "value": values.cast(pl.Float64)})
    gaps = group_gaps(known, "value")
    total = known["value"].sum()
    sums = known.group_by("group").agg(sum=pl.col("value").sum())
    share = pl.col("sum") / total if values.name in ADDED and total else pl.lit(None, pl.Float64)
    return (
        gaps.join(sums, on="group", how="left", nulls_equal=True)
        .sort("group", nulls_last=False)
        .select(
            pl.lit(values.name).alias("measure"),
            pl.col("group").alias("segment"),
            "num_customers",
            (pl.col("num_customers") / pl.col("num_customers").sum()).alias("share"),
            "value",
            "lower",
            "upper",
            (pl.col("value") - pl.col("gap")).alias("rest"),
            "gap",
            "gap_lower",
            "gap_upper",
            "is_apart",
            share.alias("share_of_total"),
            pl.lit(explained_share(segments, values)).alias("explained"),
        )
    )


def explained_share(segments: pl.Series, values: pl.Series) -> float:
    """Eta squared of the ranks: 0 where segments say nothing of the value, 1 where they say all."""
    known = pl.DataFrame({"group": segments, "value": values}).drop_nulls("value")
    ranks = known["value"].rank("average").to_numpy()
    whole = float(((ranks - ranks.mean()) ** 2).sum()) if len(ranks) else 0.0
    if whole == 0:
        return 0.0
    means = known.select("group", rank=ranks).group_by("group").agg(pl.col("rank").mean(), count=pl.len())
    between = (means["count"].to_numpy() * (means["rank"].to_numpy() - ranks.mean()) ** 2).sum()
    return float(np.clip(between / whole, 0.0, 1.0))
