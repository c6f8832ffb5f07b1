"""Four estimates from a shop's own tables, each with its standard error. None of them knows the world."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.stats import poisson

Z_95 = 1.959964
NUM_RATES = 60
NUM_STOCK_GROUPS = 4
# Of the expectation and maximization that finds the distribution of rates.
MIXING_STEPS = 200


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

    `daily`: product_id, sold, is_out (nothing was left at the end of the day, or nothing there at all) and
    first_stock (units on the first morning); one row a product and day. A day that ran out says only that
    demand was at least what was sold: a censored Poisson by product (Conrad, 1976). The rates of products
    come from one unknown distribution, estimated with them (Kiefer and Wolfowitz, 1956): what sells well by
    chance runs out and is then watched no longer, which would bias each product's own maximum likelihood up.
    A shop lays in more of what it expects to sell, so the distribution is that of products with as much first
    stock, in NUM_STOCK_GROUPS groups.
    """
    products = daily.select("product_id", "first_stock").unique().sort("first_stock", "product_id")
    place = pl.int_range(pl.len()) * NUM_STOCK_GROUPS // pl.len()
    grouped = daily.join(products.select("product_id", group=place), on="product_id", maintain_order="left")
    groups = grouped.partition_by("group", maintain_order=True)
    parts = [_group_demand(part) for part in groups]
    return Estimate(sum(p.value for p in parts), sum(p.standard_error**2 for p in parts) ** 0.5)


def _group_demand(daily: pl.DataFrame) -> Estimate:
    days = [
        (one["sold"].to_numpy().astype(float), one["is_out"].to_numpy())
        for _, one in daily.group_by(["product_id"], maintain_order=True)
    ]
    rates = np.exp(np.linspace(np.log(1e-3), np.log(daily["sold"].max() + 2.0), NUM_RATES))
    posterior = _posterior(np.array([_log_likelihood(rates, *one) for one in days]))
    dispersion = _dispersion(daily)
    value, variance = 0.0, 0.0
    for (sold, out), weight in zip(days, posterior, strict=True):
        beyond = [_beyond(rate, sold[out]) for rate in rates]
        expected = np.array([mean.sum() for mean, _ in beyond])
        spread = np.array([one.sum() for _, one in beyond])
        mean = float(weight @ expected)
        value += float(sold[~out].sum()) + mean
        variance += dispersion * float(weight @ spread) + float(weight @ (expected - mean) ** 2)
    return Estimate(value, variance**0.5)


def _log_likelihood(rates: np.ndarray, sold: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Of a product's days, at each rate."""
    whole = poisson.logpmf(sold[~out][:, None], rates).sum(axis=0)
    return np.asarray(whole + poisson.logsf(sold[out][:, None] - 1, rates).sum(axis=0))


def _posterior(log_likelihood: np.ndarray) -> np.ndarray:
    """(products, rates) probabilities under the mixing distribution that makes all products likeliest."""
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    mixing = np.full(likelihood.shape[1], 1 / likelihood.shape[1])
    for _ in range(MIXING_STEPS):
        posterior = likelihood * mixing
        posterior /= posterior.sum(axis=1, keepdims=True)
        mixing = posterior.mean(axis=0)
    return posterior


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
