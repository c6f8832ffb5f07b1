"""Maximum likelihood of models with a few positive parameters, on their logarithms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize

from foresell.contracts.errors import InputError

Floats = NDArray[np.float64]
# Log-parameters → the mean log-likelihood of a customer, and its gradient by them.
LogLikelihood = Callable[[Floats], tuple[float, Floats]]
# Beyond e^±15 a parameter only says that the likelihood rises for ever.
FARTHEST = 15.0
STEP = 1e-4
# Of the mean log-likelihood of a customer.
LARGEST_GRADIENT = 1e-5
NEWTON_STEPS = 5
# A parameter whose logarithm is known no better than this is not known.
LARGEST_ERROR = 5.0


@dataclass(frozen=True)
class Estimate:
    """`values`: (K,) of the parameters `names`; `covariance`: (K, K) of their logarithms, the inverse of the
    observed information; `log_likelihood` of all `num_customers`, without the penalty that was used."""

    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    log_likelihood: float
    num_customers: int
    penalty: float = 0.0

    @property
    def by_name(self) -> dict[str, float]:
        return dict(zip(self.names, self.values.tolist(), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of the parameters themselves, by the delta method: value × error of the logarithm."""
        errors = self.values * np.sqrt(np.diag(self.covariance))
        return dict(zip(self.names, errors.tolist(), strict=True))

    def drawn(self, number: int, random: np.random.Generator) -> Floats:
        """(number, K): what the parameters may also be, normal on their logarithms."""
        center = np.log(self.values)
        drawn = random.multivariate_normal(center, self.covariance, size=number, method="eigh")
        return np.exp(np.clip(drawn, -FARTHEST, FARTHEST))

    def to_table(self) -> pl.DataFrame:
        """A row a parameter: parameter, value, covariance (a list), and what is of all of them."""
        return pl.DataFrame(
            {
                "parameter": self.names,
                "value": self.values,
                "covariance": self.covariance.tolist(),
                "log_likelihood": [self.log_likelihood] * len(self.names),
                "num_customers": [self.num_customers] * len(self.names),
                "penalty": [self.penalty] * len(self.names),
            }
        )

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> "Estimate":
        return cls(
            tuple(table["parameter"]),
            table["value"].to_numpy().copy(),
            np.array(table["covariance"].to_list()),
            float(table["log_likelihood"][0]),
            int(table["num_customers"][0]),
            float(table["penalty"][0]),
        )


def maximize(
    model: str,
    log_likelihood: LogLikelihood,
    starts: Sequence[Mapping[str, float]],
    num_customers: int,
    *,
    penalty: float = 0.0,
) -> Estimate:
    """The parameters of the highest likelihood found from any of `starts`; the first of equals.

    `penalty` × Σ log² of the parameters is taken off the mean log-likelihood of a customer: a weak pull to 1
    for data that alone do not fix them. Errors are then those of the penalized likelihood.

    Raises InputError where it has no maximum, or one that leaves a parameter unknown.
    """

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, gradient = log_likelihood(logs)
        return penalty * float(logs @ logs) - value, 2 * penalty * logs - gradient

    names = tuple(starts[0])
    found = [_descended(loss, np.log([start[name] for name in names])) for start in starts]
    best = min(found, key=lambda logs: loss(logs)[0])
    information = _hessian(loss, best)
    _refuse_no_maximum(model, names, best, loss(best)[1], information * num_customers)
    return Estimate(
        names,
        np.exp(best),
        np.asarray(np.linalg.inv(information * num_customers), np.float64),
        log_likelihood(best)[0] * num_customers,
        num_customers,
        penalty,
    )


def _descended(loss: LogLikelihood, start: Floats) -> Floats:
    bounds = [(-FARTHEST, FARTHEST)] * len(start)
    options = {"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-9}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return _polished(loss, np.asarray(found.x, np.float64))


def _polished(loss: LogLikelihood, logs: Floats) -> Floats:
    """A few steps of Newton: L-BFGS-B stops where the value, not the place, is known to the last digit."""
    for _ in range(NEWTON_STEPS):
        value, gradient = loss(logs)
        information = _hessian(loss, logs)
        if np.linalg.eigvalsh(information).min() <= 0:
            return logs
        moved = logs - np.linalg.solve(information, gradient)
        if not (np.abs(moved) < FARTHEST).all() or not loss(moved)[0] <= value:
            return logs
        logs = moved
    return logs


def _hessian(loss: LogLikelihood, logs: Floats) -> Floats:
    rows = []
    for step in STEP * np.eye(len(logs)):
        rows.append((loss(logs + step)[1] - loss(logs - step)[1]) / (2 * STEP))
    return np.asarray((np.array(rows) + np.array(rows).T) / 2)


def _refuse_no_maximum(
    model: str, names: Sequence[str], logs: Floats, gradient: Floats, information: Floats
) -> None:
    place = ", ".join(f"{name} {value:.4g}" for name, value in zip(names, np.exp(logs), strict=True))
    is_flat = np.linalg.eigvalsh(information).min() <= 0
    is_far = bool((np.abs(logs) > FARTHEST - 1).any()) or bool((np.abs(gradient) > LARGEST_GRADIENT).any())
    is_vague = not is_flat and bool((np.diag(np.linalg.inv(information)) > LARGEST_ERROR**2).any())
    if is_flat or is_far or is_vague:
        raise InputError(
            f"The likelihood of the {model} model has no clear maximum on these customers",
            received=f"at the end of the search {place}",
            do="Give more customers or a longer history, or a penalty such as 0.001.",
        )
