"""What a customer's order is worth: the Gamma-Gamma model of spend.

Each order of a customer is worth Gamma(p, ν), and ν ~ Gamma(q, v) over customers; how often they order says
nothing of how much (`correlation` says whether that holds). Used is the mean value z̄ of x orders.

Source: Fader and Hardie, The Gamma-Gamma model of monetary value, note of 2013. As there, only orders after
the first are in z̄.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from foresell.contracts.errors import InputError
from foresell.predict.customers.value.history import History
from foresell.predict.customers.value.likelihood import Estimate, LogLikelihood, maximize

Floats = NDArray[np.float64]
FEWEST = 10


@dataclass(frozen=True)
class GammaGamma:
    """A fitted model. v is in the money of the history that it was fitted on.

    `correlation`: Pearson's, of the number and the mean value of orders; the model takes it for 0. NaN where
    all ordered equally often.
    """

    estimate: Estimate
    correlation: float

    @property
    def parameters(self) -> Floats:
        return self.estimate.values

    @property
    def mean_value(self) -> float:
        """Of an order of somebody of whom nothing is known."""
        p, q, v = self.parameters
        return float(p * v / (q - 1))

    def expected_value(self, history: History) -> Floats:
        """(n,) mean value of the customer's next orders."""
        return expected_value(self.parameters, history)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        table = self.estimate.to_table().with_columns(correlation=pl.lit(self.correlation))
        return {"gamma_gamma": table}

    @classmethod
    def from_tables(cls, tables: dict[str, pl.DataFrame]) -> "GammaGamma":
        table = tables["gamma_gamma"]
        return cls(Estimate.from_table(table), float(table["correlation"][0]))


def fit_gamma_gamma(history: History, *, penalty: float = 0.0) -> GammaGamma:
    """By maximum likelihood over those with orders after the first. `penalty`: see `likelihood.maximize`; its
    pull is on v measured in the median of the values.

    Raises InputError where fewer than 10 came back, a value is 0 or less or not known, all values are the
    same, the likelihood has no clear maximum, or the mean value of an order would be infinite (q ≤ 1).
    """
    x, mean = _of_repeats(history)
    # Not the mean, which a few giants can move beyond where the search looks.
    unit = float(np.median(mean))
    starts = [{"p": 4.0, "q": 4.0, "v": 0.75}, {"p": 1.0, "q": 2.0, "v": 1.0}]
    found = maximize("Gamma-Gamma", _log_likelihood(x, mean / unit), starts, len(x), penalty=penalty)
    values = found.values * np.array([1.0, 1.0, unit])
    log_likelihood = found.log_likelihood - len(x) * np.log(unit)
    if values[1] <= 1:
        raise InputError(
            "Order values are spread so widely that they have no mean",
            received=f"q {values[1]:.3g} of the Gamma-Gamma model",
            do="Leave out the few largest customers, or give a penalty such as 0.001.",
        )
    same = x.std() == 0 or mean.std() == 0
    correlation = float("nan") if same else float(np.corrcoef(x, mean)[0, 1])
    return GammaGamma(replace(found, values=values, log_likelihood=float(log_likelihood)), correlation)


def _of_repeats(history: History) -> tuple[Floats, Floats]:
    if not len(history.money):
        raise InputError("The history has no money in it", do="Give the mean value of repeat orders.")
    again = history.frequency > 0
    x, mean = history.frequency[again], history.money[again]
    if len(x) < FEWEST:
        raise InputError(
            "Too few customers came back to learn what an order is worth",
            received=f"{len(x)} customers",
            do=f"It takes {FEWEST}: choose a later cutoff, or import a longer history.",
        )
    if not (np.isfinite(mean).all() and (mean > 0).all()):
        bad = ~(mean > 0) | ~np.isfinite(mean)
        raise InputError(
            "The mean value of a customer's orders must be above 0",
            received=f"{int(bad.sum())} of {len(x)} customers, such as {mean[bad][0]:g}",
            do="Leave out customers whose orders were all refunded or free.",
        )
    if mean.min() == mean.max():
        raise InputError("All orders are worth the same", received=mean[0], do="Multiply by that value.")
    return x, mean


def _log_likelihood(x: Floats, mean: Floats) -> LogLikelihood:
    log_total = np.log(x) + np.log(mean)
    log_mean, total = np.log(mean), x * mean

    def of_customer(logs: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(logs)
        both = np.log(v + total)
        value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * logs[2]
        value += p * x * log_total - log_mean - (p * x + q) * both
        common = digamma(p * x + q)
        slopes = (
            x * (common - digamma(p * x) + log_total - both),
            common - digamma(q) + logs[2] - both,
            q / v - (p * x + q) / (v + total),
        )
        return float(value.mean()), np.array([slope.mean() for slope in slopes]) * np.exp(logs)

    return of_customer


def expected_value(parameters: Sequence[float] | Floats, history: History) -> Floats:
    """(n,) by parameters (p, q, v): between the customer's own mean and that of all. Whose own mean is not
    known, or not above 0, is expected to be like all."""
    p, q, v = parameters
    x, total = _known(history)
    return np.asarray(p * (v + total) / (p * x + q - 1))


def drawn_value(
    parameters: Sequence[float] | Floats, history: History, orders: Floats, random: np.random.Generator
) -> Floats:
    """(n,) what these numbers of orders are worth together, one draw for each customer."""
    p, q, v = parameters
    x, total = _known(history)
    worth = np.zeros(len(history))
    rows = np.flatnonzero(orders > 0)
    rate = random.standard_gamma(q + p * x[rows]) / (v + total[rows])
    worth[rows] = random.standard_gamma(p * orders[rows]) / rate
    return worth


def _known(history: History) -> tuple[Floats, Floats]:
    if not len(history.money):
        return np.zeros(len(history)), np.zeros(len(history))
    is_known = (history.frequency > 0) & np.isfinite(history.money) & (history.money > 0)
    x = np.where(is_known, history.frequency, 0.0)
    return x, np.where(is_known, x * history.money, 0.0)
