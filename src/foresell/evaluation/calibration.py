"""Is a probability true: of those given 30%, does it happen to 30%?

Source of the debiased error: Kumar, Liang and Ma, Verified uncertainty calibration, NeurIPS 2019, definition
5.1: in bins of equal mass, what the squared gap has by chance alone is taken off, so that a perfect model is
at 0 in the mean, however few rows it is asked of. Without that, its error grows with the number of bins.
"""

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from foresell.evaluation.resampled import Weighted

Floats = NDArray[np.float64]
BINS = 15


def calibration_error(labels: ArrayLike, predicted: ArrayLike, *, bins: int = BINS) -> float:
    """√max(0, Σ_b share_b · ((mean predicted_b − rate_b)² − rate_b (1 − rate_b) / (n_b − 1))).

    At most `bins` bins of equal mass; equal predictions share a bin. 0: no gap beyond chance is seen. Rows
    are taken as independent: where a customer has several that go together, more is chance than is taken
    off, and the error is overstated.
    """
    happens, chance = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    return calibration_error_of(happens, chance, bins=bins)(np.ones(len(happens)))


def calibration_error_of(
    labels: Floats, predicted: Floats, *, bins: int = BINS, times_freed: int = 1
) -> Weighted:
    """As `calibration_error`, by weights of rows (how often each counts). `times_freed`: how often the part
    of chance is taken off; 2 on a bootstrap draw."""
    which = equal_mass_bins(predicted, bins)
    number = int(which.max(initial=-1)) + 1

    def score(weights: Floats) -> float:
        size = np.bincount(which, weights, number)
        kept = size > 1
        if not kept.any():
            return np.nan
        size = size[kept]
        rate = np.bincount(which, weights * labels, number)[kept] / size
        mean = np.bincount(which, weights * predicted, number)[kept] / size
        squared = (mean - rate) ** 2 - times_freed * rate * (1 - rate) / (size - 1)
        return float(np.sqrt(max(0.0, (size * squared).sum() / size.sum())))

    return score


def equal_mass_bins(predicted: Floats, bins: int) -> NDArray[np.int64]:
    """(n,) the bin of each row, from 0 for the lowest; as equal as ties allow, none empty."""
    number = len(predicted)
    order = np.argsort(predicted, kind="stable")
    ordered = predicted[order]
    _, starts, sizes = np.unique(ordered, return_index=True, return_counts=True)
    # A run of ties lies where its middle lies.
    at = np.floor((starts + (sizes - 1) / 2) * min(bins, number) / max(number, 1)).astype(np.int64)
    dense = np.unique(at, return_inverse=True)[1]
    found = np.empty(number, np.int64)
    found[order] = np.repeat(dense, sizes)
    return found


def reliability(
    labels: ArrayLike, predicted: ArrayLike, *, bins: int = 10, level: float = 0.95
) -> pl.DataFrame:
    """A row a bin of equal mass, from the lowest predictions:

        bin, num_rows, predicted, rate, lower, upper

    `predicted`: the mean; `rate`: the share to whom it happened, with Wilson's interval (JASA 22, 1927),
    which takes rows as independent.
    """
    frame = pl.DataFrame(
        {"happens": np.asarray(labels, np.float64), "predicted": np.asarray(predicted, np.float64)}
    )
    which = equal_mass_bins(frame["predicted"].to_numpy(), bins)
    found = (
        frame.with_columns(bin=pl.Series(which) + 1)
        .group_by("bin")
        .agg(
            num_rows=pl.len().cast(pl.Int64),
            predicted=pl.col("predicted").mean(),
            rate=pl.col("happens").mean(),
        )
        .sort("bin")
    )
    z = float(ndtri((1 + level) / 2))
    rate, number = pl.col("rate"), pl.col("num_rows")
    middle = (rate + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * (rate * (1 - rate) / number + z**2 / (4 * number**2)).sqrt()
    return found.with_columns(lower=(middle - half).clip(0.0), upper=(middle + half).clip(upper_bound=1.0))
