"""What customers will be worth: fit the models of value, score everybody, with intervals."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.canary import MOST_PROBED, Judged, require_sane
from foresell.services.customers.fit import FittedSummary
from foresell.services.customers.predict import Scored, refuse_unknown
from foresell.services.leaderboards import VALUE
from foresell.services.production import in_production, put_to_work, scores_of
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.value.backtest import ValueBacktest
    from foresell.predict.customers.value.model import FittedValueModel
    from foresell.predict.customers.value.shop import ShopValue
    from foresell.store.models import Artifact

QUESTION = "how much will the customer spend within the horizon"
# As far ahead as this, or as far as three horizons fit into the history.
LONGEST_DAYS, SHORTEST_DAYS = 90.0, 14.0
WARM_UP = timedelta(days=60)
# What a model of value says: what is spent, and whether a customer has not left for good.
TASKS = (VALUE, "alive")
CARD = (
    "Chosen by Gini, absolute error and error by tenths together on validation; test scores are reported, "
    "not used to choose. What serves learned from the training and validation windows, and its intervals "
    "held on the newest."
)


def fit_value(shop: Shop, horizon_days: float | None = None, progress: Progress = silent) -> FittedSummary:
    """Judge the models of value on held-out time, put the best to work, and score everybody.

    `horizon_days`: None: 90, or what three times fits into the history. Errors: InputError where the history
    is too short, no order has a customer, or nobody or everybody came back.
    """
    from foresell.predict.customers.value.examples import history
    from foresell.predict.customers.value.shop import fit_shop_value

    with writing(shop, f"fit {VALUE}", progress), shop.reading_matched() as tables:
        days = horizon_days or suggested_days(*history(tables, shop.settings))
        progress("value: models against each other", 0, None)
        found = fit_shop_value(tables, shop.settings, horizon_days=days)
        label = _save(shop, tables, found)
        write_results(shop, "leaderboard", _board(found.backtest), replaces={"task": VALUE})
        _write(shop, _rows(shop, found.customers, found.outlook, label, found.until, days))
    return FittedSummary(
        task=VALUE,
        question=QUESTION,
        model=found.backtest.chosen,
        version=label,
        horizon_days=days,
        threshold=None,
        differences=tuple(found.backtest.differences.to_dicts()),
        findings=(),
    )


def suggested_days(first: datetime, until: datetime) -> float:
    """Whole weeks, so that three horizons and a warm-up fit in; InputError for too short a history."""
    room = (until - first - WARM_UP) / timedelta(days=1) / 3
    days = min(LONGEST_DAYS, room // 7 * 7)
    if days < SHORTEST_DAYS:
        raise InputError(
            "The history is too short to judge what customers are worth",
            received=f"{(until - first).days} days",
            do=f"Import {3 * SHORTEST_DAYS + WARM_UP.days:.0f} days of orders.",
        )
    return days


def predict_value(
    shop: Shop,
    *,
    as_of: datetime | None = None,
    customers: Sequence[str] = (),
    progress: Progress = silent,
) -> Scored:
    """As `predict_customers`, of everyone who ever ordered.

    Errors: NotFoundError where nothing was fitted, and for a customer who never ordered.
    """
    from foresell.predict.customers.value.examples import history
    from foresell.predict.customers.value.shop import outlook_of_customers

    fitted, label = load_value(shop)
    days = float(fitted.config.horizon_days)

    def rows_at(tables: "Tables", cutoff: datetime) -> "polars.DataFrame":
        asked = list(customers) or None
        ids, outlook = outlook_of_customers(fitted, tables, shop.settings, cutoff, asked)
        return _rows(shop, ids, outlook, label, cutoff, days)

    if as_of is None and not customers:
        with writing(shop, f"predict {VALUE}", progress), shop.reading_matched() as tables:
            cutoff = history(tables, shop.settings)[1]
            rows = rows_at(tables, cutoff)
            _write(shop, rows)
    else:
        with shop.reading_matched() as tables:
            refuse_unknown(tables, customers)
            cutoff = as_of or history(tables, shop.settings)[1]
            rows = rows_at(tables, cutoff)
    return Scored(VALUE, QUESTION, label, cutoff, days, None, _ordered(rows))


def load_value(shop: Shop) -> "tuple[FittedValueModel, str]":
    """The model in production, and what it is called. NotFoundError where none was fitted."""
    from foresell.predict.customers.value import load_model

    found = in_production(shop, VALUE)
    if found is None:
        raise NotFoundError("No model of value has been fitted", do=f"Run: foresell fit {VALUE}")
    return load_model(found.kind).load(found.config, found.tables, found.weights), found.label


def _save(shop: Shop, tables: "Tables", found: "ShopValue") -> str:
    from foresell.store.models import Origin

    judged, fitted = found.backtest, found.fitted
    return put_to_work(
        shop,
        VALUE,
        judged.chosen,
        asdict(fitted.config),
        fitted.to_tables(),
        origin=Origin(cutoff=found.until, seed=0),
        weights=fitted.to_weights(),
        scores=scores_of(_board(judged), judged.chosen),
        card=CARD,
        judged=Judged(_board(judged), judged.chosen, "gini", True, partial(_probe, shop, tables)),
    )


def _probe(shop: Shop, tables: "Tables", candidate: "Artifact") -> None:
    """Some customers are worth a number of money that is not negative."""
    from foresell.predict.customers.value import load_model
    from foresell.predict.customers.value.examples import history
    from foresell.predict.customers.value.shop import outlook_of_customers

    fitted = load_model(candidate.kind).load(candidate.config, candidate.tables, candidate.weights)
    _, outlook = outlook_of_customers(fitted, tables, shop.settings, history(tables, shop.settings)[1])
    require_sane(outlook.head(MOST_PROBED)["mean"].to_numpy(), "amounts", lowest=0.0)


def _board(judged: "ValueBacktest") -> "polars.DataFrame":
    from foresell.evaluation.compare import leaderboard

    return leaderboard(judged.trials, datetime.now(UTC))


def _rows(
    shop: Shop,
    customers: "polars.Series",
    outlook: "polars.DataFrame",
    label: str,
    cutoff: datetime,
    days: float,
) -> "polars.DataFrame":
    from foresell.predict.customers.value.scores import score_rows

    return score_rows(
        customers,
        outlook,
        measure="spend",
        currency=shop.settings.store.currency,
        model=label,
        cutoff_at=cutoff,
        horizon_days=days,
        made_at=datetime.now(UTC),
    )


def _write(shop: Shop, rows: "polars.DataFrame") -> None:
    """In the place of what was said of each task before."""
    import polars as pl

    for task in TASKS:
        write_results(shop, "scores", rows.filter(pl.col("task") == task), replaces={"task": task})


def _ordered(rows: "polars.DataFrame") -> "polars.DataFrame":
    """The rows of worth, the most valuable first, ties by customer_id."""
    import polars as pl

    return rows.filter(pl.col("task") == VALUE).sort(["score", "customer_id"], descending=[True, False])
