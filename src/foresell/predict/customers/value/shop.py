"""A shop's model of value from its tables: examples, backtest, the chosen model for the customers of now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.evaluation.intervals import SAMPLES
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.value import NEEDS, VALUE_MODELS
from foresell.predict.customers.value.backtest import (
    Cutoffs,
    ValueBacktest,
    backtest,
    cutoffs_for,
    fit_for_now,
)
from foresell.predict.customers.value.examples import history, value_examples, value_features
from foresell.predict.customers.value.model import FittedValueModel, Measure


@dataclass(frozen=True)
class ShopValue:
    """`fitted`: the model `backtest.chosen`, learned from everything before `until`. `customers`, `outlook`:
    everybody with an order before it, a row each, by customer_id."""

    backtest: ValueBacktest
    cutoffs: Cutoffs
    until: datetime
    fitted: FittedValueModel
    customers: pl.Series
    outlook: pl.DataFrame


def competing() -> tuple[str, ...]:
    """The models whose libraries are installed, in the order of VALUE_MODELS."""
    return tuple(name for name in VALUE_MODELS if name not in NEEDS or find_spec(NEEDS[name]))


def fit_shop_value(
    tables: Tables,
    settings: Settings,
    *,
    horizon_days: float = 90.0,
    measure: Measure = "spend",
    models: Sequence[str] = (),
    changes: Mapping[str, Mapping[str, Any]] = {},
    seed: int = 0,
    samples: int = SAMPLES,
) -> ShopValue:
    """`models`: none: all of `competing`. `changes`: model → fields of its config, in the place of its grid.

    Raises InputError for a history shorter than three horizons and 45 days, a shop where nobody or everybody
    came back, and amounts that are all the same.
    """
    first, until = history(tables, settings)
    cutoffs = cutoffs_for(first, until, horizon_days)

    def at(moments: Sequence[datetime]) -> Examples:
        return value_examples(tables, settings, moments, horizon_days, measure)

    train, validation, test = at(cutoffs.train), at([cutoffs.validation]), at([cutoffs.test])
    found = backtest(
        train,
        validation,
        test,
        measure=measure,
        horizon_days=horizon_days,
        models=models or competing(),
        settings=changes,
        seed=seed,
        samples=samples,
    )
    now = value_features(tables, settings, until, horizon_days)
    known = together([train, validation])
    fitted = fit_for_now(found.chosen, known, test, now, found.configs[found.chosen])
    return ShopValue(found, cutoffs, until, fitted, now["customer_id"], fitted.outlook(now))


def outlook_of_customers(
    fitted: FittedValueModel,
    tables: Tables,
    settings: Settings,
    cutoff: datetime,
    customers: Sequence[str] | None = None,
) -> tuple[pl.Series, pl.DataFrame]:
    """customer_id and OUTLOOK by what was known at `cutoff`: of everybody with an order before it, or of
    `customers`, in their order.

    Raises InputError where `cutoff` is before the first order or after the last day with one, and where a
    customer has no order before it.
    """
    first, until = history(tables, settings)
    if not first < cutoff <= until:
        raise InputError(
            "There are no orders of that moment",
            received=cutoff.isoformat(),
            do=f"Choose one after {first:%Y-%m-%d}, until {until:%Y-%m-%d}.",
        )
    features = value_features(tables, settings, cutoff, fitted.config.horizon_days)
    if customers is not None:
        wanted = pl.DataFrame({"customer_id": list(customers)}, {"customer_id": pl.String})
        known = features["customer_id"]
        if unknown := [one for one in customers if one not in set(known)]:
            raise InputError(
                "A customer has no order before the cutoff",
                received=f"{unknown[0]}, {cutoff.isoformat()}",
                do="What somebody is worth who never ordered is not known: leave them out.",
            )
        features = wanted.join(features, on="customer_id", how="left", maintain_order="left")
    return features["customer_id"], fitted.outlook(features)
