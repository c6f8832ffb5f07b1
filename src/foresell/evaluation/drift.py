"""Is what arrives now like what came before? How far apart two samples are, and whether that is chance.

A difference counts when it is large and no chance. How large: the population stability index (PSI) of shares,
0.1 moderate and 0.25 large (Siddiqi, Credit Risk Scorecards, 2006, chapter 8); the standardized difference of
means of numbers, 0.2 and 0.5 (Cohen, Statistical Power Analysis, 1988, section 2.2). No chance: a p-value,
corrected for all that is compared at one look (Holm, 1979) and for a look a day.

Besides: the Jensen-Shannon distance of shares (0–1; Endres and Schindelin, 2003), and the Wasserstein
distance of numbers in standard deviations of the reference, which also sees what leaves the mean as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Size = Literal["none", "moderate", "large"]
Measure = Literal["psi", "standardized_difference", "relative_change"]
# Measure → from which size on it is moderate, and large. Of relative_change no source tells: chosen.
THRESHOLDS: Mapping[Measure, tuple[float, float]] = {
    "psi": (0.1, 0.25),
    "standardized_difference": (0.2, 0.5),
    "relative_change": (0.05, 0.15),
}
# All that is compared in a year of looks a day raises a false alarm with this chance at most.
YEARLY_LEVEL, LOOKS = 0.05, 365
# Fewer tell nothing.
FEWEST = 30
# Of counts, so that a share of 0 has a logarithm.
SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class Shift:
    """`effect` in `measure`, with its sign where it has one; `distance`: Jensen-Shannon or Wasserstein; NaN
    where there is none. `p_value`: Holm's, once `judged`. `units`: independent ones, before and now."""

    name: str
    measure: Measure
    effect: float
    distance: float
    p_value: float
    units: tuple[int, int]
    size: Size = "none"


def shift_of_shares(
    name: str,
    reference: Mapping[str, float],
    now: Mapping[str, float],
    units: tuple[int, int],
) -> Shift | None:
    """`reference`, `now`: value → how often. `units`: how many independent ones these are of (customers do
    many things), by which the chi-squared test of homogeneity counts. None: fewer than FEWEST, or one value
    only."""
    from scipy.stats import chi2_contingency

    values = sorted({*reference, *now})
    if min(units) < FEWEST or len(values) < 2:
        return None
    counts = np.array([[one.get(value, 0.0) for value in values] for one in (reference, now)])
    shares = (counts + SMOOTHING) / (counts + SMOOTHING).sum(axis=1, keepdims=True)
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    middle = shares.mean(axis=0)
    divergence = float((shares * np.log2(shares / middle)).sum() / 2)
    scaled = shares * np.array(units, dtype=np.float64)[:, None]
    p_value = float(chi2_contingency(scaled).pvalue)
    return Shift(name, "psi", psi, sqrt(max(divergence, 0.0)), p_value, units)


def shift_of_numbers(
    name: str, reference: ArrayLike, now: ArrayLike, units: tuple[int, int] | None = None
) -> Shift | None:
    """Two samples; NaN is left out. The p-value is Kolmogorov's and Smirnov's, for as many values as `units`
    (None: as there are). None: fewer than FEWEST, or both are the same number throughout."""
    from scipy.stats import ks_2samp, kstwo, wasserstein_distance

    first, second = _known(reference), _known(now)
    counted = units or (len(first), len(second))
    if min(*counted, len(first), len(second)) < FEWEST:
        return None
    spread = sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    if spread == 0 and first[0] == second[0]:
        return None
    scale = float(first.std(ddof=1)) or spread or 1.0
    difference = float(second.mean() - first.mean()) / (spread or 1.0)
    statistic = float(ks_2samp(first, second, method="asymp").statistic)
    effective = round(counted[0] * counted[1] / sum(counted))
    p_value = float(kstwo.sf(statistic, max(effective, 1)))
    distance = float(wasserstein_distance(first, second)) / scale
    return Shift(name, "standardized_difference", difference, distance, p_value, counted)


def shift_of_pairs(name: str, before: ArrayLike, after: ArrayLike) -> Shift | None:
    """Of the same things, such as products, a positive number each before and after: the median change. The
    p-value is Wilcoxon's. None: fewer than FEWEST pairs, or none has changed."""
    from scipy.stats import wilcoxon

    ratios = np.log(np.asarray(after, np.float64) / np.asarray(before, np.float64))
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < FEWEST or not np.abs(ratios).max() > 1e-9:
        return None
    p_value = float(wilcoxon(ratios).pvalue)
    change = exp(float(np.median(ratios))) - 1
    return Shift(name, "relative_change", change, nan, p_value, (len(ratios), len(ratios)))


def judged(shifts: Sequence[Shift], looks: int = LOOKS, level: float = YEARLY_LEVEL) -> tuple[Shift, ...]:
    """All that one look compares, in their order, with Holm's p-values and how large each is: none where it
    may be chance at level / looks, or is small."""
    order = sorted(range(len(shifts)), key=lambda place: shifts[place].p_value)
    told = list(shifts)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, shifts[place].p_value * (len(shifts) - rank)))
        size = _size(shifts[place]) if highest < level / looks else "none"
        told[place] = replace(shifts[place], p_value=highest, size=size)
    return tuple(told)


def _size(shift: Shift) -> Size:
    moderate, large = THRESHOLDS[shift.measure]
    found = abs(shift.effect)
    if shift.measure == "relative_change":
        # A half and a double are as far.
        found, moderate, large = abs(log(1 + shift.effect)), log(1 + moderate), log(1 + large)
    return "large" if found >= large else "moderate" if found >= moderate else "none"


def _known(values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]
