"""What customers will be worth: fit the models of value, score everybody, with intervals."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.tables import TABLES
from foresell.services.customers.fit import FittedSummary
from foresell.services.customers.predict import Scored, refuse_unknown
from foresell.services.predict import VALUE
from foresell.services.production import PRODUCTION
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.examples import Examples
    from foresell.predict.customers.value.backtest import Cutoffs, ValueBacktest
    from foresell.predict.customers.value.model import FittedValueModel

QUESTION = "how much will the customer spend within the horizon"
# As far ahead as this, or as far as three horizons fit into the history.
LONGEST_DAYS, SHORTEST_DAYS = 90.0, 14.0
WARM_UP = timedelta(days=60)
NEED_TREES = ("trees", "corrected")
CARD = (
    "Chosen by Gini, absolute error and error by tenths together on validation; test scores are reported, "
    "not used to choose. What serves learned from the training and validation windows, and its intervals "
    "held on the newest."
)


def fit_value(shop: Shop, horizon_days: float | None = None, progress: Progress = silent) -> FittedSummary:
    """Judge the models of value on held-out time, put the best to work, and score everybody.

    `horizon_days`: None: 90, or what three times fits into the history. Errors: InputError where the history
    is too short, or no order has a customer.
    """
    from foresell.predict.customers.value.backtest import backtest, cutoffs_for
    from foresell.predict.customers.value.examples import history, value_examples

    with writing(shop, f"fit {VALUE}", progress), shop.reading_matched() as tables:
        first, until = history(tables, shop.settings)
        days = horizon_days or suggested_days(first, until)
        plan = cutoffs_for(first, until, days)
        progress("value: what customers did", 0, None)
        train, validation, test = (
            value_examples(tables, shop.settings, cutoffs, days)
            for cutoffs in (plan.train, (plan.validation,), (plan.test,))
        )
        progress("value: models against each other", 0, None)
        judged = backtest(train, validation, test, horizon_days=days, models=_models())
        fitted = _for_use(judged, (train, validation, test))
        version = _save(shop, judged, fitted, plan, days)
        write_results(shop, "leaderboard", _board(judged), replaces={"task": VALUE})
        progress("value: scoring everybody", 0, None)
        rows = _rows(shop, tables, fitted, f"{VALUE}/{version}", until, None)
        write_results(shop, "scores", rows, replaces={"task": VALUE})
    return FittedSummary(
        VALUE,
        QUESTION,
        judged.chosen,
        f"{VALUE}/{version}",
        days,
        None,
        tuple(judged.differences.to_dicts()),
        (),
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

    fitted, label = load_value(shop)
    if as_of is None and not customers:
        with writing(shop, f"predict {VALUE}", progress), shop.reading_matched() as tables:
            _, until = history(tables, shop.settings)
            rows = _rows(shop, tables, fitted, label, until, None)
            write_results(shop, "scores", rows, replaces={"task": VALUE})
            return _scored(rows, fitted, label, until)
    with shop.reading_matched() as tables:
        first, until = history(tables, shop.settings)
        if as_of is not None and not first < as_of <= until:
            raise InputError(
                "There is no data of that moment",
                received=as_of.isoformat(),
                do=f"Choose one after {first:%Y-%m-%d}, until {until:%Y-%m-%d}.",
            )
        refuse_unknown(tables, customers)
        cutoff = as_of or until
        rows = _rows(shop, tables, fitted, label, cutoff, customers or None)
        return _scored(rows, fitted, label, cutoff)


def load_value(shop: Shop) -> "tuple[FittedValueModel, str]":
    """The model in production, and what it is called. NotFoundError where none was fitted."""
    from foresell.predict.customers.value import load_model
    from foresell.store.model_versions import pointers
    from foresell.store.models import load_artifact

    if PRODUCTION not in pointers(shop.folder.models, VALUE):
        raise NotFoundError("No model of value has been fitted", do=f"Run: foresell fit {VALUE}")
    found = load_artifact(shop.folder.models, VALUE, PRODUCTION)
    return load_model(found.kind).load(found.config, found.tables, found.weights), found.label


def _models() -> tuple[str, ...]:
    from foresell.predict.customers.value import VALUE_MODELS

    has_trees = find_spec("lightgbm") is not None
    return tuple(name for name in VALUE_MODELS if has_trees or name not in NEED_TREES)


def _for_use(judged: "ValueBacktest", splits: "tuple[Examples, Examples, Examples]") -> "FittedValueModel":
    from foresell.predict.customers.examples import together
    from foresell.predict.customers.value.backtest import fit_for_now

    train, validation, test = splits
    config = judged.configs[judged.chosen]
    return fit_for_now(judged.chosen, together([train, validation]), test, test.features, config)


def _save(
    shop: Shop, judged: "ValueBacktest", fitted: "FittedValueModel", plan: "Cutoffs", days: float
) -> str:
    import polars as pl

    from foresell.store.model_versions import set_pointer
    from foresell.store.models import Origin, save_artifact

    own = _board(judged).filter(pl.col("model") == judged.chosen)
    scores = {
        str(split): dict(zip(frame["score"], frame["value"], strict=True))
        for (split,), frame in own.group_by("split", maintain_order=True)
    }
    versions = {table: v for table, v in shop.folder.tables.versions().items() if table in TABLES}
    version = save_artifact(
        shop.folder.models,
        VALUE,
        judged.chosen,
        asdict(fitted.config),
        fitted.to_tables(),
        scores,
        Origin(training_tables=versions, cutoff=plan.test + timedelta(days=days), seed=0),
        weights=fitted.to_weights(),
        card=CARD,
    )
    set_pointer(shop.folder.models, VALUE, PRODUCTION, version)
    return version


def _board(judged: "ValueBacktest") -> "polars.DataFrame":
    from foresell.evaluation.compare import leaderboard

    return leaderboard(judged.trials, datetime.now(UTC))


def _rows(
    shop: Shop,
    tables: "Tables",
    fitted: "FittedValueModel",
    label: str,
    cutoff: datetime,
    customers: Sequence[str] | None,
) -> "polars.DataFrame":
    """Rows of `scores`, the most valuable first, ties by customer_id."""
    import polars as pl

    from foresell.predict.customers.value.examples import value_features

    days = float(fitted.config.horizon_days)
    features = value_features(tables, shop.settings, cutoff, days)
    if customers is not None:
        features = features.filter(pl.col("customer_id").is_in(list(customers)))
        if missing := sorted(set(customers) - set(features["customer_id"])):
            raise NotFoundError(
                f"Customer '{missing[0]}' has not ordered by then",
                do="Ask for somebody with an order: what others are worth cannot be told from theirs.",
            )
    told = fitted.outlook(features)
    return (
        told.select(score="mean", lower="lower_80", upper="upper_80")
        .with_columns(
            customer_id=features["customer_id"],
            task=pl.lit(VALUE),
            model=pl.lit(label),
            unit=pl.lit(shop.settings.store.currency),
            is_chosen=pl.lit(None, pl.Boolean),
            reasons=pl.lit(None, pl.String),
            cutoff_at=pl.lit(cutoff, pl.Datetime("us", "UTC")),
            horizon_days=pl.lit(days),
            made_at=pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")),
        )
        .sort(["score", "customer_id"], descending=[True, False])
    )


def _scored(rows: "polars.DataFrame", fitted: "FittedValueModel", label: str, cutoff: datetime) -> Scored:
    return Scored(VALUE, QUESTION, label, cutoff, float(fitted.config.horizon_days), None, rows)
