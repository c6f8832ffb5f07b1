"""Judge forecasters on the shop's past, fit the best on everything, and put it to work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    from foresell.predict.forecast.widths import Widths
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
            request, built = without_useless(request, built, request.horizon_of(shop), progress)
            found = choose(shop, tables, request, built, progress)
        fitted = found.fitted_on(built, request.horizon_of(shop), progress)
        label = save(shop, request, found, fitted, built)
        write_results(shop, "leaderboard", found.board, replaces={"task": name})
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


@dataclass(frozen=True, eq=False)
class Chosen:
    """`board`: the leaderboard; `best`: the model that serves; `expected`: how far it missed (None: not
    judged); `widths`: as in `predict.forecast.backtest.Backtest`."""

    board: "polars.DataFrame"
    best: str
    expected: "polars.DataFrame | None" = None
    widths: "Widths | None" = None

    def fitted_on(self, built: "BuiltPanel", horizon: int, progress: Progress) -> "Fitted":
        from foresell.predict.forecast.served import fit_served

        progress(f"fitting {self.best} on everything", 0, None)
        return fit_served(self.best, built.panel, horizon, self.widths)

    def notes(self) -> list[str]:
        if self.widths is None:
            return []
        factor = self.widths.factor(0.8)
        return [
            f"the intervals of {self.best} held too little in its backtest: their 80% are "
            f"{factor:.2f} times as wide as it tells"
        ]


def choose(
    shop: Shop,
    tables: "Tables",
    request: ForecastRequest,
    built: "BuiltPanel",
    progress: Progress,
    models: Sequence[str] = (),
) -> Chosen:
    """The best on validation of all that compete, or of `models`; SIMPLEST where none can be judged."""
    from datetime import UTC, datetime

    import polars as pl

    from foresell.evaluation.compare import leaderboard
    from foresell.predict.forecast.drift import expected_errors

    try:
        found = judge(shop, tables, request, built, models=models, progress=progress)
    except (InputError, NotFoundError):
        return Chosen(leaderboard([], datetime.now(UTC)), SIMPLEST)
    best = found.best or SIMPLEST
    told = found.forecasts.filter(pl.col("model") == best)
    if found.widths is not None:
        told = found.widths.applied(told)
    return Chosen(found.board, best, expected_errors(told), found.widths)


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
    chosen: Chosen,
    fitted: "Fitted",
    built: "BuiltPanel",
) -> str:
    import polars as pl

    from foresell.predict.forecast.backtest import MAIN_SCORE
    from foresell.store.models import Origin

    board, kind = chosen.board, chosen.best
    scores = scores_of(board, kind)
    notes = [*built.notes, *left_out_note(request), *chosen.notes()]
    own = {ENDED: built.ended, NOTES: pl.DataFrame({"note": notes}, schema={"note": pl.String})}
    own |= {LEFT_OUT: pl.DataFrame({"name": request.left_out}, schema={"name": pl.String})}
    own |= {} if chosen.expected is None else {EXPECTED: chosen.expected}
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
    from foresell.predict.forecast.model import BOUNDS, MEDIAN
    from foresell.predict.forecast.served import load_served

    fitted = load_served(candidate.kind, candidate.config, candidate.tables, candidate.weights)
    told = fitted.forecast(fitted.config.horizon)
    largest: Any = built.panel.frame["value"].abs().max() or 0.0
    require_sane(told["mean"].drop_nulls().to_numpy(), "forecasts", highest=MOST_TIMES * max(largest, 1.0))
    for lower, upper in ((BOUNDS["lower_80"], MEDIAN), (MEDIAN, BOUNDS["upper_80"])):
        both = told.select(lower, upper).drop_nulls()
        if (both[lower] > both[upper] + 1e-6).any():
            raise ConflictError("it gives intervals whose bounds are crossed")
