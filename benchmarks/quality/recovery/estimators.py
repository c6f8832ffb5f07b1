"""Four estimates from a shop's own tables, each with its standard error. None of them knows the world."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.stats import poisson

Z_95 = 1.959964


@dataclass(frozen=True)
class Estimate:
    value: float
    standard_error: float

    def covers(self, truth: float) -> bool:
        return abs(self.value - truth) <= Z_95 * self.standard_error


def price_elasticity(events: pl.DataFrame) -> Estimate:
    """−d log(carts) / d log(price) from prices that were set by chance.

    Carts of a view, by product and price: within a product they fall on its prices in proportion to views ×
    price^−elasticity (conditional Poisson regression: Hausman, Hall and Griliches, Econometrica 1984).
    Events without a list, and the favorites, follow no view.
    """
    counted = (
        events.filter(
            pl.col("event_name").is_in(["view_item", "add_to_cart"])
            & pl.col("list_id").is_not_null()
            & (pl.col("list_id") != "favorites")
        )
        .group_by("product_id", "price")
        .agg(
            views=(pl.col("event_name") == "view_item").sum(),
            carts=(pl.col("event_name") == "add_to_cart").sum(),
        )
    )
    slope = conditional_poisson(
        counted["product_id"].rank("dense").to_numpy() - 1,
        np.log(counted["price"].to_numpy()),
        counted["views"].to_numpy(),
        counted["carts"].to_numpy(),
    )
    return Estimate(-slope.value, slope.standard_error)


def position_power(exposures: pl.DataFrame) -> Estimate:
    """How fast clicks fall with the place, from recommendations in random order: clicks of a product fall on
    its places in proportion to times shown × place^−power."""
    counted = exposures.group_by("action", "position").agg(shown=pl.len(), clicks=pl.col("is_clicked").sum())
    slope = conditional_poisson(
        counted["action"].rank("dense").to_numpy() - 1,
        np.log(counted["position"].to_numpy().astype(float)),
        counted["shown"].to_numpy(),
        counted["clicks"].to_numpy(),
    )
    return Estimate(-slope.value, slope.standard_error)


def conditional_poisson(
    group: np.ndarray, x: np.ndarray, exposure: np.ndarray, count: np.ndarray
) -> Estimate:
    """The slope b of E[count] = exposure · exp(a_group + b·x), with the intercepts conditioned away."""
    group = group.astype(np.int64)
    keep = exposure > 0
    group, x, exposure, count = group[keep], x[keep], exposure[keep], count[keep]
    number = group.max() + 1
    totals = np.bincount(group, weights=count, minlength=number)
    slope = 0.0
    for _ in range(50):
        weight = exposure * np.exp(slope * x)
        mass = np.bincount(group, weights=weight, minlength=number)
        mean = np.bincount(group, weights=weight * x, minlength=number) / mass
        square = np.bincount(group, weights=weight * x * x, minlength=number) / mass
        information = float((totals * (square - mean**2)).sum())
        step = float((count * x).sum() - (totals * mean).sum()) / information
        slope += step
        if abs(step) < 1e-9:
            break
    return Estimate(slope, information**-0.5)


def leaving_hazard(visit_days: pl.DataFrame, num_days: int) -> Estimate:
    """Chance a day that a customer leaves for good, from visits alone.

    `visit_days`: customer_id and day (from 0), of customers there are from the start; one that never visits
    is unknown to the data, and the likelihood is conditional on a first visit. Everybody visits on a day with
    the same chance while they stay (the likelihood of BG/BB without its mixing: Fader, Hardie and Shang,
    Marketing Science 2010).
    """
    seen = visit_days.group_by("customer_id").agg(
        first=pl.col("day").min(), last=pl.col("day").max(), visits=pl.col("day").n_unique()
    )
    # From the day after the first visit on: x visits in n days, the last on day t of them.
    n = num_days - 1 - seen["first"].to_numpy()
    x = seen["visits"].to_numpy() - 1
    t = seen["last"].to_numpy() - seen["first"].to_numpy()

    def loss(theta: np.ndarray) -> float:
        p, q = 1 / (1 + np.exp(-theta))
        stays = n * np.log1p(-q) + (n - x) * np.log1p(-p)
        # Left i days after the last visit, i = 0 … n − t − 1: a geometric sum.
        r = (1 - p) * (1 - q)
        gone = t * np.log1p(-q) + (t - x) * np.log1p(-p) + np.log(q) + _log_geometric(r, n - t)
        return -float((x * np.log(p) + np.logaddexp(stays, gone)).sum())

    found = minimize(loss, np.array([-2.0, -4.0]), method="BFGS")
    hazard = 1 / (1 + np.exp(-found.x[1]))
    spread = float(np.sqrt(np.linalg.inv(_hessian(loss, found.x))[1, 1]))
    return Estimate(float(hazard), float(hazard * (1 - hazard) * spread))


def _log_geometric(ratio: float, terms: np.ndarray) -> np.ndarray:
    """log(1 + r + … + r^(terms − 1)); −inf for no term."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(-(ratio ** terms.astype(float))) - np.log1p(-ratio))


def _hessian(loss: object, at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """By central differences."""
    size = len(at)
    hessian = np.empty((size, size))
    unit = np.eye(size) * step
    for i in range(size):
        for j in range(size):
            corners = [at + a * unit[i] + b * unit[j] for a in (1, -1) for b in (1, -1)]
            values = [loss(corner) for corner in corners]  # type: ignore[operator]
            hessian[i, j] = (values[0] - values[1] - values[2] + values[3]) / (4 * step**2)
    return hessian


def uncensored_demand(daily: pl.DataFrame) -> Estimate:
    """Units that would have been sold, had nothing run out.

    `daily`: product_id, sold, is_out (nothing was left at the end of the day, or nothing there at all); one
    row a product and day. A day that ran out says only that demand was at least what was sold: maximum
    likelihood of a censored Poisson by product (Conrad, 1976), over-dispersed by what the other days show.
    """
    value, variance = float(daily["sold"].sum()), 0.0
    dispersion = _dispersion(daily)
    for (_,), days in daily.group_by(["product_id"]):
        sold, out = days["sold"].to_numpy().astype(float), days["is_out"].to_numpy()
        if not out.any() or not (~out).any():
            continue
        rate = _censored_rate(sold, out)
        expected, spread = _beyond(rate, sold[out])
        information = max((~out).sum() / max(rate, 1e-9), 1e-9)
        slope = (_beyond(rate * 1.01 + 1e-6, sold[out])[0].sum() - expected.sum()) / (rate * 0.01 + 1e-6)
        value += float(expected.sum() - sold[out].sum())
        variance += dispersion * (float(spread.sum()) + slope**2 / information)
    return Estimate(value, variance**0.5)


def _censored_rate(sold: np.ndarray, out: np.ndarray) -> float:
    """Expectation and maximization: demand of the days that ran out is replaced by its expectation."""
    rate = max(sold[~out].mean(), 1e-3)
    for _ in range(200):
        demand = sold.copy()
        demand[out] = _beyond(rate, sold[out])[0]
        if abs(demand.mean() - rate) < 1e-7:
            break
        rate = max(demand.mean(), 1e-9)
    return float(rate)


def _beyond(rate: float, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a Poisson that is at least `least`."""
    tail = np.maximum(poisson.sf(least - 1, rate), 1e-300)
    mean = rate * np.maximum(poisson.sf(least - 2, rate), 1e-300) / tail
    second = rate**2 * np.maximum(poisson.sf(least - 3, rate), 1e-300) / tail + mean
    return np.maximum(mean, least), np.maximum(second - mean**2, 0.0)


def _dispersion(daily: pl.DataFrame) -> float:
    """Variance over mean of the days that did not run out, pooled; at least 1."""
    whole = (
        daily.filter(~pl.col("is_out"))
        .group_by("product_id")
        .agg(mean=pl.col("sold").mean(), variance=pl.col("sold").var(), n=pl.len())
    )
    whole = whole.filter((pl.col("n") > 10) & (pl.col("mean") > 0))
    ratio = (whole["variance"] * whole["n"]).sum() / max((whole["mean"] * whole["n"]).sum(), 1e-9)
    return max(float(ratio), 1.0)
