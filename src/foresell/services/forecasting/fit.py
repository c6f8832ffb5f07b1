"""Judge forecasters on the shop's past, fit the best on everything, and put it to work."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.canary import Judged, require_sane
from foresell.services.forecasting.indicators import LEFT_OUT, left_out_note, without_useless
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
    from foresell.store.models import Artifact

# What serves while the history is too short to judge models.
SIMPLEST = "seasonal_naive"
# A forecast beyond so many times the largest value that a series ever had is no forecast.
MOST_TIMES = 10.0
# Tables of the artifact beside those of the model.
ENDED, NOTES = "ended", "notes"
# How far the chosen model missed in its backtest (predict.forecast.drift.RANGES); drift is measured by it.
EXPECTED = "expected_errors"


def fit_forecast(shop: Shop, request: ForecastRequest = STORES_OWN, progress: Progress = silent) -> None:
    """The best model on validation serves the request's series; leaderboard and forecasts are written.

    A history too short to hold any of it back is learned by the simplest model, unjudged. InputError where
    there is nothing to learn from.
    """
    name = request.name(shop)
    with writing(shop, f"fit {name}", progress):
        with shop.reading_matched() as tables:
            built = request.panel(shop, tables, request.horizon_of(shop))
            progress("which views, carts, … help", 0, None)
            request = without_useless(request, built, request.horizon_of(shop))
            built = request.narrowed(built)
            board, best, expected = judged(shop, tables, request, built, progress)
        progress(f"fitting {best} on everything", 0, None)
        fitted = fitted_on(best, built, request.horizon_of(shop))
        label = save(shop, request, best, fitted, built, board, expected)
        write_results(shop, "leaderboard", board, replaces={"task": name})
        spec = built.spec
        write_results(
            shop,
            "forecasts",
            forecast_rows(fitted, built, label, request.horizon_of(shop)),
            replaces={"series_by": ",".join(spec.by), "period": spec.period, "measure": spec.measure},
        )


def ensure_fitted(shop: Shop, request: ForecastRequest, progress: Progress) -> None:
    from foresell.store.model_versions import pointers

    name = request.name(shop)
    if PRODUCTION not in pointers(shop.folder.models, name):
        progress(f"no model of '{name}' yet: fitting", 0, None)
        fit_forecast(shop, request, progress)


def judged(
    shop: Shop,
    tables: "Tables",
    request: ForecastRequest,
    built: "BuiltPanel",
    progress: Progress,
    models: Sequence[str] = (),
) -> "tuple[polars.DataFrame, str, polars.DataFrame | None]":
    """The leaderboard (of all that compete, or of `models`), the best, and how far it missed (None: not
    judged)."""
    from datetime import UTC, datetime

    import polars as pl

    from foresell.evaluation.compare import leaderboard
    from foresell.predict.forecast.drift import expected_errors

    try:
        found = judge(shop, tables, request, built, models=models, progress=progress)
    except (InputError, NotFoundError):
        return leaderboard([], datetime.now(UTC)), SIMPLEST, None
    best = found.best or SIMPLEST
    return found.board, best, expected_errors(found.forecasts.filter(pl.col("model") == best))


def fitted_on(name: str, built: "BuiltPanel", horizon: int) -> "Fitted":
    from foresell.predict.forecast import load_model

    model = load_model(name)
    return model.fit(built.panel, model.config(horizon=horizon))


def forecast_rows(fitted: "Fitted", built: "BuiltPanel", label: str, horizon: int) -> "polars.DataFrame":
    from foresell.predict.forecast.results import as_results

    told = without_ended(fitted.forecast(horizon), built.ended)
    return as_results(told, built.spec, label, built.cutoff_date)


def without_ended(forecasts: "polars.DataFrame", ended: "polars.DataFrame") -> "polars.DataFrame":
    """Of series that sell no more nothing is forecast."""
    return forecasts.join(ended, on="series_id", how="anti", maintain_order="left")


def save(
    shop: Shop,
    request: ForecastRequest,
    kind: str,
    fitted: "Fitted",
    built: "BuiltPanel",
    board: "polars.DataFrame",
    expected: "polars.DataFrame | None",
) -> str:
    import polars as pl

    from foresell.predict.forecast.backtest import MAIN_SCORE
    from foresell.store.models import Origin

    scores = scores_of(board, kind)
    notes = [*built.notes, *left_out_note(request)]
    own = {ENDED: built.ended, NOTES: pl.DataFrame({"note": notes}, schema={"note": pl.String})}
    own |= {LEFT_OUT: pl.DataFrame({"name": request.left_out}, schema={"name": pl.String})}
    own |= {} if expected is None else {EXPECTED: expected}
    config: dict[str, Any] = asdict(fitted.config)
    return put_to_work(
        shop,
        request.name(shop),
        kind,
        config,
        fitted.to_tables() | own,
        origin=Origin(),
        weights=fitted.to_weights(),
        scores=scores,
        card=judged_card(scores, SIMPLEST),
        judged=Judged(board, kind, MAIN_SCORE, False, partial(_probe, built)),
    )


def _probe(built: "BuiltPanel", candidate: "Artifact") -> None:
    """Forecasts are numbers, in the order of their quantiles, and not far beyond all that ever was."""
    from foresell.predict.forecast import load_model
    from foresell.predict.forecast.model import BOUNDS, MEDIAN

    fitted = load_model(candidate.kind).load(candidate.config, candidate.tables, candidate.weights)
    told = fitted.forecast(fitted.config.horizon)
    largest: Any = built.panel.frame["value"].abs().max() or 0.0
    require_sane(told["mean"].drop_nulls().to_numpy(), "forecasts", highest=MOST_TIMES * max(largest, 1.0))
    for lower, upper in ((BOUNDS["lower_80"], MEDIAN), (MEDIAN, BOUNDS["upper_80"])):
        both = told.select(lower, upper).drop_nulls()
        if (both[lower] > both[upper] + 1e-6).any():
            raise ConflictError("it gives intervals whose bounds are crossed")
