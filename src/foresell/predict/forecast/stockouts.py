"""What would have been sold, had nothing run out: demand that empty shelves hid, from what was seen.

A day that began with stock and ended without shows that demand was at least what was sold; a day without
stock shows nothing. Rates are a product of a level (of a product at a place, changing slowly), a factor of
the day (of the whole shop) and a lift of promotions, fitted by expectation and maximization over the days
that show something.

Sources: Conrad, Sales data and the estimation of demand, 1976 (censored counts); Dempster, Laird and Rubin,
1977 (EM); Vulcano, van Ryzin and Ratliff, Estimating primary demand for substitutable products, 2012 (EM with
days of no stock); Robbins, 1956 (levels shrunk to their common distribution, without which those that ran
out because they sold well by chance would be overestimated). What a buyer took instead of a missing product
is not taken off: sums over substitutes are too high by as much.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import betainc, gammainc

StockOuts = Literal["recover", "leave_out", "as_sold"]
Floats = NDArray[np.float64]
# State of a product at a place on a day.
IN_STOCK, RAN_OUT, OUT, NOT_SOLD = 0, 1, 2, 3
ROUNDS = 40
# Rounds end where the hidden demand changes by less than this share of it.
CONVERGED = 1e-4
# A level follows what was sold around: a day this far off counts half.
HALF_LIFE_DAYS = 28.0
# The whole history counts in it as so many usual days.
WHOLE_DAYS = 14.0
# A day's factor counts its day of the week as so many units.
WEEKDAY_UNITS = 20.0
# Rows that the factors of days are fitted on; the rest take them as they are.
ROWS_AT_ONCE = 2_000
# Of variance ÷ mean; below the first, counts are Poisson's.
LEAST_DISPERSION, MOST_DISPERSION = 1.02, 20.0
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Sales:
    """N products (at a place) and T days. `sold` (N, T) units ≥ 0; `state` (N, T) of the four above;
    `weekday` (T,) 0 to 6; `is_promoted` (N, T)."""

    sold: Floats
    state: NDArray[np.int8]
    weekday: NDArray[np.int64]
    is_promoted: NDArray[np.bool_]

    def take(self, rows: slice | NDArray[np.intp]) -> "Sales":
        return Sales(self.sold[rows], self.state[rows], self.weekday, self.is_promoted[rows])


def recovered(sales: Sales) -> Floats:
    """(N, T) expected demand: as sold where the product was in stock (0 where it was not on sale), at least
    as sold where it ran out, the fitted rate where there was none."""
    first = sales.take(_spread_rows(len(sales.sold)))
    factors = _fit(first, None)
    chunks = [slice(at, at + ROWS_AT_ONCE) for at in range(0, len(sales.sold), ROWS_AT_ONCE)]
    return np.vstack([_demand(part, _fit(part, factors)) for part in map(sales.take, chunks)])


def beyond(mean: Floats, least: Floats, dispersion: float) -> Floats:
    """E[D | D ≥ least] of negative binomial counts of that mean and variance = dispersion × mean (Poisson
    up to LEAST_DISPERSION); `least` whole numbers ≥ 0."""
    mean, least = np.maximum(mean, TINY), np.asarray(least, np.float64)
    some, more = np.maximum(least, 1.0), np.maximum(least - 1.0, 1.0)
    if dispersion <= LEAST_DISPERSION:
        tail, shifted = gammainc(some, mean), gammainc(more, mean)
    else:
        size, chance = mean / (dispersion - 1.0), 1.0 - 1.0 / dispersion
        tail, shifted = betainc(some, size, chance), betainc(more, size + 1.0, chance)
    shifted = np.where(least >= 2, shifted, 1.0)
    tail = np.where(least >= 1, tail, 1.0)
    # Far in the tail both vanish: demand is then what was sold, and a little.
    return np.asarray(
        np.where(tail > 1e-200, np.maximum(mean * shifted / np.maximum(tail, 1e-300), least), least)
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    """`rate` (N, T) units a day with stock; `day` (T,) the factor of each day; `lift` of a promotion."""

    rate: Floats
    day: Floats
    lift: float
    dispersion: float


def _fit(sales: Sales, known: "_Fit | None") -> _Fit:
    """By EM; `known`: its factors of days and promotions and its dispersion are kept."""
    shows = sales.state <= RAN_OUT
    ran_out = sales.state == RAN_OUT
    demand = np.where(shows, sales.sold, 0.0)
    day = known.day if known else np.ones(sales.sold.shape[1])
    lift = known.lift if known else 1.0
    dispersion = known.dispersion if known else 1.0
    rate = np.empty_like(demand)
    for round_number in range(ROUNDS):
        effect = day * np.where(sales.is_promoted, lift, 1.0)
        level = _levels(demand, effect * shows)
        rate = level * effect
        if not known:
            day = _day_factors(demand, np.where(shows, rate / day, 0.0), sales.weekday)
            lift = _lift(demand, np.where(shows, rate, 0.0), sales.is_promoted, lift)
            if round_number % 10 == 9:
                dispersion = _dispersion(sales, rate)
        found = beyond(rate[ran_out], sales.sold[ran_out], dispersion)
        change = np.abs(found - demand[ran_out]).sum()
        demand[ran_out] = found
        if known and change <= CONVERGED * found.sum():
            break
    return _Fit(rate, day, lift, dispersion)


def _demand(sales: Sales, fit: _Fit) -> Floats:
    demand = np.where(sales.state == NOT_SOLD, 0.0, sales.sold)
    ran_out, out = sales.state == RAN_OUT, sales.state == OUT
    demand[ran_out] = beyond(fit.rate[ran_out], sales.sold[ran_out], fit.dispersion)
    demand[out] = np.maximum(fit.rate[out], sales.sold[out])
    return np.asarray(demand)


def _levels(demand: Floats, exposure: Floats) -> Floats:
    """(N, T) units on a day of effect 1: what was wanted around ÷ the exposure around, shrunk to the row's
    own level of all days, and that to the levels of all rows (gamma prior by its moments)."""
    whole, exposed = demand.sum(axis=1), exposure.sum(axis=1)
    shape, rate = _prior(whole, exposed)
    level = (whole + shape) / (exposed + rate)
    near = _around(demand), _around(exposure)
    return np.asarray((near[0] + WHOLE_DAYS * level[:, None]) / (near[1] + WHOLE_DAYS))


def _prior(whole: Floats, exposed: Floats) -> tuple[float, float]:
    """Shape and rate of the gamma distribution of levels: its moments less the counts' own noise."""
    some = exposed > 0
    if some.sum() < 2 or whole[some].sum() <= 0:
        return 0.5, 1.0
    level, weight = whole[some] / exposed[some], exposed[some] / exposed[some].sum()
    mean = float((level * weight).sum())
    noise = mean * float((weight / exposed[some]).sum())
    variance = max(float((weight * (level - mean) ** 2).sum()) - noise, 0.05 * mean**2)
    return mean**2 / variance, mean / variance


def _around(values: Floats) -> Floats:
    """Along the days: sums in which a day HALF_LIFE_DAYS off counts half, on both sides."""
    kept = 0.5 ** (1.0 / HALF_LIFE_DAYS)
    before = lfilter([1.0], [1.0, -kept], values, axis=1)
    after = lfilter([1.0], [1.0, -kept], values[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(before + after - values)


def _day_factors(demand: Floats, expected: Floats, weekday: NDArray[np.int64]) -> Floats:
    """(T,) what was wanted on a day ÷ what its levels let expect, shrunk to its day of the week; mean 1."""
    wanted, usual = demand.sum(axis=0), expected.sum(axis=0)
    by_weekday = np.bincount(weekday, wanted, 7) / np.maximum(np.bincount(weekday, usual, 7), TINY)
    factor = (wanted + WEEKDAY_UNITS * by_weekday[weekday]) / (usual + WEEKDAY_UNITS)
    return np.asarray(np.maximum(factor / max(float(factor.mean()), TINY), TINY))


def _lift(demand: Floats, expected: Floats, is_promoted: NDArray[np.bool_], lift: float) -> float:
    usual = float(expected[is_promoted].sum())
    return lift * (float(demand[is_promoted].sum()) + 10.0) / (usual + 10.0)


def _dispersion(sales: Sales, rate: Floats) -> float:
    """Variance ÷ mean of the days in stock, pooled (Pearson's statistic, weighted by the mean)."""
    whole = sales.state == IN_STOCK
    squares = float(((sales.sold[whole] - rate[whole]) ** 2).sum())
    return float(np.clip(squares / max(float(rate[whole].sum()), TINY), 1.0, MOST_DISPERSION))


def _spread_rows(number: int) -> NDArray[np.intp]:
    """At most ROWS_AT_ONCE rows, evenly from all."""
    return np.unique(np.linspace(0, number - 1, min(number, ROWS_AT_ONCE)).round().astype(np.intp))
