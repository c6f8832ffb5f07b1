"""Judge forecasters on the shop's past, fit the best on everything, and put it to work."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.forecasting.judge import judge
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.production import PRODUCTION, judged_card, put_to_work, scores_of
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.predict.forecast.model import Fitted
    from foresell.predict.forecast.series import BuiltPanel

# What serves while the history is too short to judge models.
SIMPLEST = "seasonal_naive"
# Tables of the artifact beside those of the model.
ENDED, NOTES = "ended", "notes"


def fit_forecast(shop: Shop, request: ForecastRequest = STORES_OWN, progress: Progress = silent) -> None:
    """The best model on validation serves the request's series; leaderboard and forecasts are written.

    A history too short to hold any of it back is learned by the simplest model, unjudged. InputError where
    there is nothing to learn from.
    """
    name = request.name(shop)
    with writing(shop, f"fit {name}", progress):
        with shop.reading_matched() as tables:
            built = request.panel(shop, tables, request.horizon_of(shop))
            board, best = _judged(shop, tables, request, built, progress)
        progress(f"fitting {best} on everything", 0, None)
        fitted = _fitted(best, built, request.horizon_of(shop))
        label = _save(shop, name, best, fitted, built, board)
        write_results(shop, "leaderboard", board, replaces={"task": name})
        spec = built.spec
        write_results(
            shop,
            "forecasts",
            _rows(fitted, built, label, request.horizon_of(shop)),
            replaces={"series_by": ",".join(spec.by), "period": spec.period, "measure": spec.measure},
        )


def ensure_fitted(shop: Shop, request: ForecastRequest, progress: Progress) -> None:
    from foresell.store.model_versions import pointers

    name = request.name(shop)
    if PRODUCTION not in pointers(shop.folder.models, name):
        progress(f"no model of '{name}' yet: fitting", 0, None)
        fit_forecast(shop, request, progress)


def _judged(
    shop: Shop, tables: "Tables", request: ForecastRequest, built: "BuiltPanel", progress: Progress
) -> "tuple[polars.DataFrame, str]":
    from datetime import UTC, datetime

    from foresell.evaluation.compare import leaderboard

    try:
        found = judge(shop, tables, request, built, progress=progress)
    except (InputError, NotFoundError):
        return leaderboard([], datetime.now(UTC)), SIMPLEST
    return found.board, found.best or SIMPLEST


def _fitted(name: str, built: "BuiltPanel", horizon: int) -> "Fitted":
    from foresell.predict.forecast import load_model

    model = load_model(name)
    return model.fit(built.panel, model.config(horizon=horizon))


def _rows(fitted: "Fitted", built: "BuiltPanel", label: str, horizon: int) -> "polars.DataFrame":
    from foresell.predict.forecast.results import as_results

    told = without_ended(fitted.forecast(horizon), built.ended)
    return as_results(told, built.spec, label, built.cutoff_date)


def without_ended(forecasts: "polars.DataFrame", ended: "polars.DataFrame") -> "polars.DataFrame":
    """Of series that sell no more nothing is forecast."""
    return forecasts.join(ended, on="series_id", how="anti", maintain_order="left")


def _save(
    shop: Shop, name: str, kind: str, fitted: "Fitted", built: "BuiltPanel", board: "polars.DataFrame"
) -> str:
    import polars as pl

    from foresell.store.models import Origin

    scores = scores_of(board, kind)
    own = {ENDED: built.ended, NOTES: pl.DataFrame({"note": built.notes}, schema={"note": pl.String})}
    config: dict[str, Any] = asdict(fitted.config)
    return put_to_work(
        shop,
        name,
        kind,
        config,
        fitted.to_tables() | own,
        origin=Origin(),
        weights=fitted.to_weights(),
        scores=scores,
        card=judged_card(scores, SIMPLEST),
    )
