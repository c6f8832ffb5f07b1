"""The steps of a refresh, in their order: each makes one thing that is derived anew."""

from foresell.contracts.errors import ConflictError
from foresell.services.monitoring.refresh import Step
from foresell.services.shop import Progress, Shop


def _events(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.experiments.exposing import move_exposures
    from foresell.services.live.moving import move_events

    moved = move_events(shop, progress).num_rows
    shown = sum(run.counts.rows_read for run in move_exposures(shop, progress))
    return f"{moved:,} events and {shown:,} exposures moved" if moved or shown else None


def _kpis(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.monitoring.kpi_values import write_kpi_values

    number = write_kpi_values(shop, progress)
    return f"{number:,} values" if number else None


def _forecasts(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.forecasting.refit import refit_forecast

    label = refit_forecast(shop, progress=progress)
    return None if label is None else f"by {label}"


def _scores(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.customers.predict import predict_customers
    from foresell.services.customers.tasks import fitted_tasks, load_task
    from foresell.services.customers.value import predict_value
    from foresell.services.leaderboards import VALUE
    from foresell.services.models_in_use import is_in_production

    done = []
    for name in fitted_tasks(shop):
        if load_task(shop, name)[1].about == "customer":
            scored = predict_customers(shop, name, progress=progress)
            done.append(f"{scored.rows.height:,} by {scored.model}")
    if is_in_production(shop, VALUE):
        scored = predict_value(shop, progress=progress)
        done.append(f"{scored.rows.height:,} by {scored.model}")
    return ", ".join(done) or None


def _recommendations(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.models_in_use import is_in_production
    from foresell.services.recommender import recommend_to_all
    from foresell.services.results import write_results
    from foresell.services.writing import writing

    if not is_in_production(shop, "recommend"):
        return None
    with writing(shop, "recommend to everybody", progress):
        with shop.reading_matched() as tables:
            rows = recommend_to_all(shop, tables)
        write_results(shop, "recommendations", rows, replaces={})
    return f"{rows['customer_id'].n_unique():,} customers"


def _segments(shop: Shop, progress: Progress) -> str | None:
    from foresell.predict.customers.segments import SEGMENTATIONS
    from foresell.services.customers.segment import KIND, segment_customers
    from foresell.services.models_in_use import is_in_production

    known = [name for name in SEGMENTATIONS if is_in_production(shop, f"{KIND}_{name}")]
    for name in known:
        segment_customers(shop, name, is_refitted=False, progress=progress)
    return ", ".join(known) or None


def _profiles(shop: Shop, progress: Progress) -> str | None:
    """Where somebody once asked for the tags of all."""
    from foresell.services.customers.profile import tag_customers

    if not shop.folder.tables.files("profiles"):
        return None
    return f"{tag_customers(shop, progress):,} tags"


def _drift(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.monitoring.alerts import raise_alerts
    from foresell.services.monitoring.drift import KINDS, drift_conditions, find_drift

    report = find_drift(shop, progress)
    found = drift_conditions(report)
    raise_alerts(shop, found, KINDS)
    return f"{len(report.rows):,} compared, {len(found)} shifted"


def _alerts(shop: Shop, progress: Progress) -> str | None:
    from foresell.services.experiments.result import (
        KINDS,
        experiment_conditions,
        experiment_result,
    )
    from foresell.services.experiments.running import experiments
    from foresell.services.monitoring.alerts import data_conditions, raise_alerts
    from foresell.services.monitoring.webhook import PATIENCE_SECONDS, deliver

    found, kinds = data_conditions(shop)
    for one in experiments(shop, "running"):
        found += experiment_conditions(experiment_result(shop, one.name))
    changes = raise_alerts(shop, found, (*kinds, *KINDS[:2]))
    told = deliver(shop, PATIENCE_SECONDS)
    if told is not None and told.problem is not None:
        raise ConflictError(
            f"The webhook of alerts does not take them: {told.problem}",
            received=f"{told.num_waiting} wait",
            do="They are sent again later; check [monitoring] webhook.",
        )
    return f"{len(changes.raised)} raised, {len(changes.resolved)} over, {changes.num_lasting} last"


STEPS: dict[str, Step] = {
    "events": Step(_events, is_always=True),
    "kpis": Step(_kpis, reads_models=False),
    "forecasts": Step(_forecasts, reads_models=False),
    "scores": Step(_scores),
    "recommendations": Step(_recommendations),
    "segments": Step(_segments),
    "profiles": Step(_profiles),
    "drift": Step(_drift),
    "alerts": Step(_alerts, is_always=True),
}
