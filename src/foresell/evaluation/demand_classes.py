"""Classes of series by how much is sold (ABC) and how evenly (XYZ).

abc   sorted by volume, the series that make up the first 80% are A, the next 15% B, the rest C
xyz   standard deviation over mean of the periods: X up to .5, Y up to 1, Z above
"""

import polars as pl

A_SHARE, B_SHARE = 0.8, 0.95
X_VARIATION, Y_VARIATION = 0.5, 1.0


def demand_classes(history: pl.DataFrame) -> pl.DataFrame:
    """series_id, abc, xyz; sorted. `history`: series_id, date, value (null: unknown, left out).

    The series within which a share is passed belongs to the class before; equal volumes go by their id. A
    series without any volume, or with less than nothing, is C and Z."""
    of_each = history.group_by("series_id").agg(
        volume=pl.col("value").sum(), mean=pl.col("value").mean(), deviation=pl.col("value").std(ddof=0)
    )
    volume = pl.col("volume").clip(lower_bound=0)
    sold = of_each.sort("volume", "series_id", descending=[True, False]).with_columns(
        before=(volume.cum_sum() - volume) / volume.sum(), variation=pl.col("deviation") / pl.col("mean")
    )
    is_sold = pl.col("volume") > 0
    return sold.select(
        "series_id",
        abc=pl.when(is_sold & (pl.col("before") < A_SHARE))
        .then(pl.lit("A"))
        .when(is_sold & (pl.col("before") < B_SHARE))
        .then(pl.lit("B"))
        .otherwise(pl.lit("C")),
        xyz=pl.when(is_sold & (pl.col("variation") <= X_VARIATION))
        .then(pl.lit("X"))
        .when(is_sold & (pl.col("variation") <= Y_VARIATION))
        .then(pl.lit("Y"))
        .otherwise(pl.lit("Z")),
    ).sort("series_id")
