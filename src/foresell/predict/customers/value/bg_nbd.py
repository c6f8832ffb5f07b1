"""How often a customer will come back, and whether they still will: the BG/NBD model.

While alive, a customer orders by a Poisson process of rate λ; after each order but the first they leave for
good with probability p; λ ~ Gamma(r, α) and p ~ Beta(a, b) over customers, independent. The first order only
starts the clock; who has no second one is alive for sure.

Source: Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24, 2005. The
conditional expectation is theirs after Euler's transformation of ₂F₁, which neither overflows nor cancels for
customers with thousands of orders. That of a number of orders given λ, p and being alive, min(Poisson(λt),
Geometric(p)), gives the whole distribution: P(Y ≥ k) = P(N ≥ k) · P(not left after k − 1 orders).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln, digamma, expit, gammaln, hyp2f1

from foresell.contracts.errors import InputError
from foresell.predict.customers.value.history import History, grouped, refuse_one_class
from foresell.predict.customers.value.likelihood import Estimate, LogLikelihood, maximize

Floats = NDArray[np.float64]
# So near to a singular point of the formula, the middle of the values around it is taken.
SINGULAR, AROUND = 1e-6, 1e-4
MOST_ORDERS = 100_000


@dataclass(frozen=True)
class BgNbd:
    """A fitted model. α is in the unit of time of the history that it was fitted on; so is every `time`."""

    estimate: Estimate

    @property
    def parameters(self) -> Floats:
        return self.estimate.values

    def expected_orders(self, history: History, time: ArrayLike) -> Floats:
        """(n,) order days expected within `time` (one number, or (n,)) from now on."""
        return expected_orders(self.parameters, history, time)

    def probability_alive(self, history: History) -> Floats:
        """(n,) that the customer has not left for good."""
        return probability_alive(self.parameters, history)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"bg_nbd": self.estimate.to_table()}

    @classmethod
    def from_tables(cls, tables: dict[str, pl.DataFrame]) -> "BgNbd":
        return cls(Estimate.from_table(tables["bg_nbd"]))


def fit_bg_nbd(history: History, *, penalty: float = 0.0) -> BgNbd:
    """By maximum likelihood. `penalty`: see `likelihood.maximize`; its pull is on α measured in mean ages.

    Raises InputError where nobody or everybody came back, where no time has passed, and where the likelihood
    has no clear maximum.
    """
    refuse_one_class(history)
    unit = float(history.age.mean())
    rate = max(float(history.frequency.mean()), 1e-3)
    starts = [{"r": r, "alpha": r / rate, "a": a, "b": b} for r, a, b in ((0.5, 0.8, 2.5), (2.0, 0.2, 4.0))]
    scaled = History(history.frequency, history.recency / unit, history.age / unit, np.empty(0))
    found = maximize("BG/NBD", _log_likelihood(scaled), starts, len(history), penalty=penalty)
    values = found.values * np.array([1.0, unit, 1.0, 1.0])
    log_likelihood = found.log_likelihood - float(history.frequency.sum()) * np.log(unit)
    return BgNbd(replace(found, values=values, log_likelihood=float(log_likelihood)))


def _log_likelihood(history: History) -> LogLikelihood:
    rows, counts = np.unique(
        np.column_stack([history.frequency, history.recency, history.age]), axis=0, return_counts=True
    )
    x, last, age = rows.T
    is_repeat = x > 0
    weights = counts / counts.sum()
    distinct, spread = grouped(x)

    def mean(logs: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(logs)
        to_age, to_last = np.log(alpha + age), np.log(alpha + last)
        stayed = -(r + x) * to_age
        after = np.where(is_repeat, b + x - 1, 1.0)
        left = np.where(is_repeat, logs[2] - np.log(after) - (r + x) * to_last, -np.inf)
        either = np.logaddexp(stayed, left)
        gone = np.exp(left - either)
        constant = gammaln(distinct + r) - gammaln(r) + r * logs[1]
        constant += betaln(a, b + distinct) - betaln(a, b)
        value = weights @ (spread(constant) + either)
        both = digamma(a + b) - digamma(a + b + distinct)
        slopes = (
            spread(digamma(r + distinct)) - digamma(r) + logs[1] - (1 - gone) * to_age - gone * to_last,
            r / alpha - (r + x) * ((1 - gone) / (alpha + age) + gone / (alpha + last)),
            spread(both) + gone / a,
            spread(both + digamma(b + distinct) - digamma(b)) - gone / after,
        )
        return float(value), np.array([weights @ slope for slope in slopes]) * np.exp(logs)

    return mean


def probability_alive(parameters: Sequence[float] | Floats, history: History) -> Floats:
    """(n,) of the customers, by parameters (r, α, a, b)."""
    r, alpha, a, b = parameters
    x = history.frequency
    after = np.where(x > 0, b + x - 1, 1.0)
    left = np.log(a / after) + (r + x) * np.log((alpha + history.age) / (alpha + history.recency))
    return np.where(x > 0, expit(-left), 1.0)


def expected_orders(parameters: Sequence[float] | Floats, history: History, time: ArrayLike) -> Floats:
    """(n,) by parameters (r, α, a, b). Raises InputError for a time that is not 0 or more."""
    ahead = checked_time(time)
    r, alpha, a, b = (float(one) for one in parameters)
    if abs(a - 1) < SINGULAR or abs(a + b - 1) < SINGULAR:
        sides = [_expected_if_alive((r, alpha, a * (1 + d), b), history, ahead) for d in (-AROUND, AROUND)]
        expected = (sides[0] + sides[1]) / 2
    else:
        expected = _expected_if_alive((r, alpha, a, b), history, ahead)
    return np.asarray(np.maximum(expected, 0.0) * probability_alive(parameters, history))


def _expected_if_alive(parameters: Sequence[float], history: History, time: Floats) -> Floats:
    r, alpha, a, b = parameters
    part = time / (alpha + history.age + time)
    third = a + b + history.frequency - 1
    ratio = np.exp((a - 1) * np.log1p(-part)) * hyp2f1(a + b - 1 - r, a - 1, third, part)
    return np.asarray(third / (a - 1) * (1 - ratio))


def at_least(
    parameters: Sequence[float] | Floats, history: History, time: ArrayLike, number: ArrayLike
) -> Floats:
    """(n,) the chance of `number` orders or more within `time`; `number` ≥ 1, one or (n,)."""
    ahead, least = checked_time(time), np.asarray(number, np.float64)
    r, alpha, a, b = parameters
    x = history.frequency
    start = alpha + history.age
    # A negative binomial number of orders if nobody ever left: more than `number` − 1.
    many = betainc(least, r + x, ahead / (start + ahead))
    stays = np.exp(betaln(a, b + x + least - 1) - betaln(a, b + x))
    return np.asarray(probability_alive(parameters, history) * many * stays)


def order_quantile(draws: Floats, history: History, time: ArrayLike, level: ArrayLike) -> Floats:
    """(n,) the least number of orders within `time` that is not exceeded with a chance of `level` (one, or
    (n,)); `draws`: (m, 4) parameters, each as likely as the others."""
    ahead = np.broadcast_to(checked_time(time), len(history))
    share = np.broadcast_to(np.asarray(level, np.float64), len(history))

    def is_exceeded(number: Floats, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        some = history.take(rows)
        chance = np.mean([at_least(one, some, ahead[rows], number + 1) for one in draws], axis=0)
        return np.asarray(chance > 1 - share[rows])

    low, high = np.full(len(history), -1.0), np.zeros(len(history))
    open_rows = np.arange(len(history))
    while len(open_rows):
        open_rows = open_rows[is_exceeded(high[open_rows], open_rows) & (high[open_rows] < MOST_ORDERS)]
        low[open_rows] = high[open_rows]
        high[open_rows] = 2 * high[open_rows] + 1
    while len(open_rows := np.flatnonzero(high - low > 1)):
        middle = np.floor((low[open_rows] + high[open_rows]) / 2)
        more = is_exceeded(middle, open_rows)
        low[open_rows] = np.where(more, middle, low[open_rows])
        high[open_rows] = np.where(more, high[open_rows], middle)
    return high


def drawn_orders(
    parameters: Sequence[float] | Floats, history: History, time: ArrayLike, random: np.random.Generator
) -> Floats:
    """(n,) order days within `time`, one draw for each customer from what their history leaves open: whether
    alive, λ ~ Gamma(r + x, α + T) and p ~ Beta(a, b + x), which are independent of those alive."""
    ahead = np.broadcast_to(checked_time(time), len(history))
    r, alpha, a, b = parameters
    number = np.zeros(len(history))
    rows = np.flatnonzero(random.random(len(history)) < probability_alive(parameters, history))
    x = history.frequency[rows]
    rate = random.standard_gamma(r + x) / (alpha + history.age[rows])
    leaves = random.beta(a, b + x)
    orders = random.poisson(rate * ahead[rows]).astype(np.float64)
    # The order after which the customer leaves, by inversion: a chance near 0 stays a number.
    last = np.floor(np.log1p(-random.random(len(rows))) / np.log1p(-np.clip(leaves, 1e-300, 1 - 1e-16))) + 1
    number[rows] = np.minimum(orders, last)
    return number


def checked_time(time: ArrayLike) -> Floats:
    ahead = np.asarray(time, np.float64)
    if not (np.isfinite(ahead).all() and (ahead >= 0).all()):
        raise InputError("A time ahead must be 0 or more", received=time)
    return ahead
