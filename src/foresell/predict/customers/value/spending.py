"""BG/NBD and Gamma-Gamma together: what customers will order and spend, as means and as what may happen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.value.bg_nbd import (
    BgNbd,
    at_least,
    checked_time,
    drawn_orders,
    fit_bg_nbd,
    order_quantile,
)
from foresell.predict.customers.value.gamma_gamma import GammaGamma, drawn_value, fit_gamma_gamma
from foresell.predict.customers.value.history import History, refuse_one_class
from foresell.predict.customers.value.likelihood import Estimate

Floats = NDArray[np.float64]
Fitted = TypeVar("Fitted", BgNbd, GammaGamma)
DAYS_OF_YEAR = 365.25
# Draws of the parameters for numbers of orders, whose distribution given them is exact.
PARAMETER_DRAWS = 16
ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Spending:
    """Both models, fitted on the same customers; times in days."""

    orders: BgNbd
    value: GammaGamma | None

    def expected_spend(self, history: History, days: ArrayLike) -> Floats:
        """(n,) money expected within `days`."""
        return self.orders.expected_orders(history, days) * self.worth.expected_value(history)

    @property
    def worth(self) -> GammaGamma:
        if self.value is None:
            raise InputError("This model was fitted without money", do="Fit it for spend.")
        return self.value

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return self.orders.to_tables() | (self.value.to_tables() if self.value else {})

    @classmethod
    def from_tables(cls, tables: dict[str, pl.DataFrame]) -> "Spending":
        value = GammaGamma.from_tables(tables) if "gamma_gamma" in tables else None
        return cls(BgNbd.from_tables(tables), value)


def fit_spending(history: History, *, with_money: bool = True, fallback: float = 0.0) -> Spending:
    """Both models by maximum likelihood; with the penalty `fallback`, if it is above 0, where the likelihood
    alone has no clear maximum. Customers whose repeat orders are worth nothing (all refunded) teach the first
    how often, not the second how much. Raises InputError as both do."""
    refuse_one_class(history)
    value = None
    if with_money:
        is_worth = (history.frequency > 0) & (np.nan_to_num(history.money) > 0)
        value = _with_fallback(fit_gamma_gamma, history.take(is_worth), fallback)
    return Spending(_with_fallback(fit_bg_nbd, history, fallback), value)


def _with_fallback(fit: Callable[..., Fitted], history: History, fallback: float) -> Fitted:
    try:
        return fit(history)
    except InputError:
        if not fallback:
            raise
    return fit(history, penalty=fallback)


def lifetime_value(
    spending: Spending,
    history: History,
    horizon_days: float,
    *,
    yearly_discount: float = 0.1,
    margin: float = 1.0,
    step_days: float = 30.0,
) -> Floats:
    """(n,) what customers will spend within the horizon, × `margin`, at today's value.

    Money of a step of `step_days` is discounted from the middle of the step, by `yearly_discount` a year
    (0.1: a tenth), as in Fader, Hardie and Lee, RFM and CLV, JMR 42, 2005, section on residual value.
    """
    checked_time(horizon_days)
    if not yearly_discount > -1 or not step_days > 0:
        raise InputError(
            "A discount is above −1 and a step above 0 days", received=f"{yearly_discount}, {step_days}"
        )
    ends = np.append(np.arange(step_days, horizon_days, step_days), horizon_days)
    total, before, begin = np.zeros(len(history)), np.zeros(len(history)), 0.0
    for end in ends:
        until = spending.orders.expected_orders(history, float(end))
        years = (begin + float(end)) / 2 / DAYS_OF_YEAR
        total += (until - before) * (1 + yearly_discount) ** -years
        before, begin = until, float(end)
    return np.asarray(total * spending.worth.expected_value(history) * margin)


def order_quantiles(
    spending: Spending, history: History, days: ArrayLike, levels: ArrayLike, *, seed: int
) -> list[Floats]:
    """Of each level (n,): numbers of order days within `days` (one, or (n,)); parameters are unsure too."""
    draws = _parameters(spending.orders.estimate, seed)
    ahead = np.broadcast_to(np.asarray(days, np.float64), len(history))
    # Customers who ordered once are alike but for their age.
    rows, which = np.unique(
        np.column_stack([history.frequency, history.recency, history.age, ahead]), axis=0, return_inverse=True
    )
    alike = History(rows[:, 0], rows[:, 1], rows[:, 2], np.empty(0))
    return [
        order_quantile(draws, alike, rows[:, 3], level)[which] for level in np.asarray(levels, np.float64)
    ]


def order_ranks(
    spending: Spending, history: History, days: ArrayLike, actual: Floats, *, seed: int
) -> tuple[Floats, Floats]:
    """(n,) P(Y < actual) and (n,) P(Y ≤ actual) of the numbers of order days that came."""
    draws = _parameters(spending.orders.estimate, seed)
    reached = np.mean(
        [np.where(actual > 0, at_least(one, history, days, np.maximum(actual, 1)), 1.0) for one in draws],
        axis=0,
    )
    passed = np.mean([at_least(one, history, days, actual + 1) for one in draws], axis=0)
    return 1 - reached, 1 - passed


def spend_quantiles(
    spending: Spending, history: History, days: ArrayLike, levels: ArrayLike, *, draws: int, seed: int
) -> list[Floats]:
    """As `order_quantiles`, of money, by `draws` draws of each customer, each with parameters of its own."""
    wanted = np.asarray(levels, np.float64)
    found = _simulated(
        spending,
        history,
        days,
        draws,
        seed,
        lambda drawn, _: np.quantile(drawn, wanted, axis=0, method="lower"),
    )
    return list(found)


def spend_ranks(
    spending: Spending, history: History, days: ArrayLike, actual: Floats, *, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """As `order_ranks`, of money."""

    def ranks(drawn: Floats, rows: slice) -> Floats:
        return np.array([(drawn < actual[rows]).mean(axis=0), (drawn <= actual[rows]).mean(axis=0)])

    below, until = _simulated(spending, history, days, draws, seed, ranks)
    return below, until


def _parameters(estimate: Estimate, seed: int) -> Floats:
    return estimate.drawn(PARAMETER_DRAWS, np.random.default_rng(seed))


def _simulated(
    spending: Spending,
    history: History,
    days: ArrayLike,
    draws: int,
    seed: int,
    reduce: Callable[[Floats, slice], Floats],
) -> Floats:
    """What `reduce` makes of (draws, rows) of money, (K, rows), for all rows; some rows at once."""
    ahead = np.broadcast_to(np.asarray(days, np.float64), len(history))
    random = np.random.default_rng(seed)
    of_orders = spending.orders.estimate.drawn(draws, random)
    of_value = spending.worth.estimate.drawn(draws, random)
    parts = []
    for start in range(0, max(len(history), 1), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        some, until = history.take(rows), ahead[rows]
        drawn = np.empty((draws, len(some)))
        for place in range(draws):
            orders = drawn_orders(of_orders[place], some, until, random)
            drawn[place] = drawn_value(of_value[place], some, orders, random)
        parts.append(reduce(drawn, rows))
    return np.concatenate(parts, axis=1)
