"""What models read and say now, against the end of what they learned from; forecasts against what came."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ForesellError, NotFoundError
from foresell.services.customers.predict import cutoff_of
from foresell.services.customers.tasks import fitted_tasks, load_fitted
from foresell.services.customers.vectors import with_vectors
from foresell.services.forecasting.fit import EXPECTED
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.production import load_production
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars as pl

    from foresell.contracts.protocols import Tables
    from foresell.evaluation.drift import Shift
    from foresell.predict.forecast.drift import DriftAlarm

# How a model that another version of Foresell has saved fails to be read.
UNREADABLE = (ForesellError, LookupError, TypeError, ValueError)
FIT_AGAIN = "It was fitted by another version of Foresell: fit it again."
# Of so many customers features are compared, at either time.
MOST_CUSTOMERS = 5_000
# Versions whose forecasts are looked at, the newest.
MOST_VERSIONS = 6
# What can only grow as a customer gets older.
GROWING = ("_ever", "days_since_first")


def compare_models(shop: Shop, tables: "Tables", skipped: dict[str, str]) -> "list[tuple[str, str, Shift]]":
    """(group, model, shift) of every task about customers; what cannot be compared is noted in `skipped`."""
    found: list[tuple[str, str, Shift]] = []
    for name in fitted_tasks(shop):
        try:
            found += _compare_task(shop, tables, name)
        except UNREADABLE as error:
            skipped[name] = error.what if isinstance(error, ForesellError) else FIT_AGAIN
    return found


def _compare_task(shop: Shop, tables: "Tables", name: str) -> "Iterator[tuple[str, str, Shift]]":
    import polars as pl

    from foresell.evaluation.drift import shift_of_numbers
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import task_of

    artifact = load_fitted(shop, name)
    fitted = FittedTask.load(artifact.config, artifact.tables, artifact.weights)
    task = task_of(fitted.task)
    learned_until = artifact.manifest.get("cutoff")
    if task.about != "customer" or learned_until is None:
        return
    reference = datetime.fromisoformat(learned_until) - task.horizon
    now = cutoff_of(tables, task, None)
    if now <= reference:
        return
    frames, scores = [], []
    for cutoff in (reference, now):
        features, said = _seen(shop, tables, fitted, task, artifact.label, cutoff)
        frames.append(features)
        scores.append(said)
    for column, kind in frames[0].schema.items():
        if kind.is_numeric() and column in frames[1].columns and not _grows(column):
            before, after = (frame[column].cast(pl.Float64) for frame in frames)
            shift = shift_of_numbers(column, before, after)
            if shift is not None:
                yield "features", name, shift
    said_now = shift_of_numbers("score", scores[0], scores[1])
    if said_now is not None:
        yield "scores", name, said_now


def _grows(feature: str) -> bool:
    return any(part in feature for part in GROWING)


def _seen(
    shop: Shop, tables: "Tables", fitted: Any, task: Any, label: str, cutoff: datetime
) -> "tuple[pl.DataFrame, pl.Series]":
    """Features and scores of the task's population at a moment, or of some of it, spread evenly."""
    from foresell.features.spec import spec_of
    from foresell.predict.customers.training import scoring_features

    keys, features, _ = scoring_features(tables, shop.settings, task, spec_of(fitted.spec), cutoff)
    if keys.is_empty():
        raise NotFoundError(f"Nobody was in the population of '{task.name}' at {cutoff:%Y-%m-%d}")
    step = 1 + (keys.height - 1) // MOST_CUSTOMERS
    keys, features = keys.gather_every(step), features.gather_every(step)
    scored = fitted.scored(with_vectors(shop, tables, fitted, label, keys, features))
    return features, scored["score"]


def forecast_alarms(
    shop: Shop, tables: "Tables", request: ForecastRequest = STORES_OWN
) -> "tuple[DriftAlarm, ...]":
    """The store's own forecasts that came due, each by the newest version that was there before the period,
    against the range that the backtest of the version in production foretold. NotFoundError where no forecast
    was fitted, or it was fitted before ranges were kept."""
    from foresell.predict.forecast.drift import drift_alarms

    artifact = load_production(shop, request.name(shop))
    if EXPECTED not in artifact.tables:
        raise NotFoundError("No backtest foretold how far forecasts miss", do="Run: foresell fit forecast")
    due = _came_due(shop, tables, request)
    return () if due is None else drift_alarms(artifact.tables[EXPECTED], due)


def _came_due(shop: Shop, tables: "Tables", request: ForecastRequest) -> "pl.DataFrame | None":
    """Forecasts beside `value`, what came; None: none is due yet."""
    import polars as pl

    from foresell.predict.forecast.served import load_served
    from foresell.store.model_versions import versions

    name, horizon = request.name(shop), request.horizon_of(shop)
    actual = request.panel(shop, tables, horizon).panel.frame.select("series_id", "date", "value")
    told: list[pl.DataFrame] = []
    until = None
    for version in list(reversed(versions(shop.folder.models, name)))[:MOST_VERSIONS]:
        try:
            artifact = load_production(shop, name, version)
            fitted = load_served(artifact.kind, artifact.config, artifact.tables, artifact.weights)
        except UNREADABLE:
            break
        forecasts = fitted.forecast(fitted.config.horizon)
        first = forecasts["date"].min()
        if until is not None:
            forecasts = forecasts.filter(pl.col("date") < until)
        told.append(forecasts)
        until = first if until is None or first is None else min(first, until)
    if not told:
        return None
    both = pl.concat(told, how="diagonal_relaxed").join(actual, on=["series_id", "date"])
    return None if both.is_empty() else both
