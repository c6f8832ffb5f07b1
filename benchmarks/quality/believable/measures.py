"""What is compared, defined once for worlds and real shops.

Order lines are a frame of `customer`, `order`, `product` and `day` (from 0, the first day of a window of
NUM_DAYS days that begins on a Monday). Distances are of Kolmogorov and Smirnov: the largest difference
between two empirical distribution functions.
"""

import numpy as np
import polars as pl
from scipy.stats import ks_2samp

NUM_DAYS = 180
DAYS_OF_WEEK = 7


def basket_sizes(lines: pl.DataFrame) -> np.ndarray:
    """Distinct products of each order."""
    return lines.group_by("order").agg(pl.col("product").n_unique())["product"].to_numpy()


def days_between(lines: pl.DataFrame) -> np.ndarray:
    """Days from each day on which a customer bought to the next one, both in the window."""
    days = _purchase_days(lines).sort("customer", "day")
    return days.select(pl.col("day").diff().over("customer")).drop_nulls()["day"].to_numpy()


def popularity(lines: pl.DataFrame) -> np.ndarray:
    """Of each line: the rank of its product by number of lines, over the number of products that were sold;
    so 0.1 stands for the tenth of the products that sells most. Ties by product."""
    sold = lines.group_by("product").len().sort(["len", "product"], descending=[True, False])
    ranks = np.arange(1, len(sold) + 1) / len(sold)
    return np.repeat(ranks, sold["len"].to_numpy())


def clicks(sessions: pl.DataFrame) -> np.ndarray:
    """Product views of each session that has two and more: of shorter ones there is no record to compare."""
    return sessions.filter(pl.col("clicks") > 1)["clicks"].to_numpy()


def repeat_rate(lines: pl.DataFrame) -> np.ndarray:
    """(1,) of those who bought in the window: the share that did so on two days or more."""
    days = _purchase_days(lines).group_by("customer").len()["len"].to_numpy()
    return np.array([(days > 1).mean()])


def weekday_shares(lines: pl.DataFrame) -> np.ndarray:
    """(7,) shares of the orders, from Monday; whole weeks only."""
    days = lines.group_by("order").agg(pl.col("day").first())["day"].to_numpy()
    whole = days[days < NUM_DAYS // DAYS_OF_WEEK * DAYS_OF_WEEK]
    return np.bincount(whole % DAYS_OF_WEEK, minlength=DAYS_OF_WEEK) / len(whole)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(ks_2samp(one, other, method="asymp").statistic)


def _purchase_days(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select("customer", "day").unique()
