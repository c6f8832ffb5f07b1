"""A linear model of many columns with a squared penalty: logistic for what happens, Tweedie for amounts.

Sources: McCullagh and Nelder, Generalized Linear Models, 1989; Jørgensen, JRSS B 49, 1987 (Tweedie, of which
power 1.5 is a sum of gamma amounts over a Poisson number of purchases); Zhu et al., ACM TOMS 23, 1997
(L-BFGS-B), as SciPy has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from foresell.evaluation.classification import log_losses
from foresell.predict.customers.examples import Floats
from foresell.predict.customers.model import Target

TWEEDIE_POWER = 1.5
# From strong to weak: each start is where the one before it ended.
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)
PATIENCE = 3
MOST_STEPS = 300


@dataclass(frozen=True, eq=False)
class Linear:
    """`unit`: what a prediction of 1 stands for: 1, or the mean amount. `highest`: no amount above it is
    told, since an exponential runs away outside of what was seen."""

    weights: Floats
    intercept: float
    target: Target
    penalty: float
    unit: float = 1.0
    highest: float = np.inf

    def predict(self, columns: Floats) -> Floats:
        """(n,) probabilities or amounts."""
        sums = columns @ self.weights + self.intercept
        if self.target == "happens":
            return np.asarray(expit(sums), np.float64)
        return np.asarray(np.minimum(np.exp(np.minimum(sums, 50.0)) * self.unit, self.highest), np.float64)


def fit_linear(
    columns: Floats, labels: Floats, row_weights: Floats, target: Target, penalty: float
) -> Linear:
    """Mean loss + penalty / 2 · Σ weights². `columns`: (n, F), of like spread; the intercept is free."""
    return _fitted(columns, labels, row_weights, target, penalty, None)


def fit_path(
    train: tuple[Floats, Floats, Floats],
    judges: tuple[Floats, Floats, Floats],
    target: Target,
    penalties: Sequence[float] = PENALTIES,
) -> Linear:
    """Of ever weaker penalties, the one with the least loss on `judges`; it stops once PATIENCE more have not
    helped. `train`, `judges`: columns, labels, weights of rows."""
    best: Linear | None = None
    least, waited, start = np.inf, 0, None
    for penalty in penalties:
        found = _fitted(*train, target, penalty, start)
        start = found
        loss = mean_loss(judges[1], found.predict(judges[0]), judges[2], target)
        if best is None or loss < least:
            best, least, waited = found, loss, 0
        else:
            waited += 1
        if waited == PATIENCE:
            break
    assert best is not None  # noqa: S101 - there is a penalty
    return best


def mean_loss(labels: Floats, predicted: Floats, row_weights: Floats, target: Target) -> float:
    """Log-loss, or that of `tweedie_losses`."""
    losses = (log_losses if target == "happens" else tweedie_losses)(labels, predicted)
    return float(row_weights @ losses / row_weights.sum())


def tweedie_losses(labels: Floats, predicted: Floats) -> Floats:
    """(n,) half the Tweedie deviance of power 1.5 up to a constant, in the unit of √amount."""
    amount, p = np.maximum(predicted, 1e-12), TWEEDIE_POWER
    return np.asarray(amount ** (2 - p) / (2 - p) - labels * amount ** (1 - p) / (1 - p), np.float64)


def _fitted(
    columns: Floats, labels: Floats, row_weights: Floats, target: Target, penalty: float, start: Linear | None
) -> Linear:
    total = row_weights.sum()
    mean = float(row_weights @ labels / total)
    unit = 1.0 if target == "happens" else mean
    goal, share = labels / unit, row_weights / total

    def loss(x: Floats) -> tuple[float, Floats]:
        sums = columns @ x[1:] + x[0]
        losses, slopes = _logistic(sums, goal) if target == "happens" else _tweedie(sums, goal)
        slopes = slopes * share
        gradient = np.r_[slopes.sum(), columns.T @ slopes + penalty * x[1:]]
        return float(share @ losses + penalty / 2 * x[1:] @ x[1:]), gradient

    first = np.zeros(columns.shape[1] + 1)
    if start is not None:
        first = np.r_[start.intercept, start.weights]
    elif target == "happens":
        first[0] = np.log(mean / (1 - mean))
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS}).x
    highest = np.inf if target == "happens" else float(labels.max())
    return Linear(found[1:], float(found[0]), target, penalty, unit, highest)


def _logistic(sums: Floats, labels: Floats) -> tuple[Floats, Floats]:
    losses = -(labels * log_expit(sums) + (1 - labels) * log_expit(-sums))
    return losses, expit(sums) - labels


def _tweedie(sums: Floats, labels: Floats) -> tuple[Floats, Floats]:
    p = TWEEDIE_POWER
    bounded = np.clip(sums, -50.0, 50.0)
    less, more = np.exp((1 - p) * bounded), np.exp((2 - p) * bounded)
    return more / (2 - p) - labels * less / (1 - p), more - labels * less
