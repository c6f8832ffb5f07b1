"""The forecast brought up to date: the same kind of model, on what was sold until now."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foresell.services.forecasting import fit as fitting
from foresell.services.forecasting.answer import first_day
from foresell.services.forecasting.indicators import as_fitted
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.production import in_production
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    from foresell.store.models import Artifact


def refit_forecast(
    shop: Shop, request: ForecastRequest = STORES_OWN, progress: Progress = silent
) -> str | None:
    """Fit the kind in production on everything, judge it on the newest windows, and let it serve if it passes
    its canary check; forecasts are written anew. Returns name/version of what serves; None where nothing is
    in production.

    Where no period has ended since it was fitted, what serves stays. `canary.CanaryError` where the new one
    may not serve."""
    name = request.name(shop)
    before = in_production(shop, name)
    if before is None:
        return None
    with writing(shop, f"refit {name}", progress):
        horizon, request = request.horizon_of(shop), as_fitted(request, before)
        with shop.reading_matched() as tables:
            built = request.panel(shop, tables, horizon)
            if not _has_new_periods(before, built.panel.frame["date"].max()):
                return before.label
            found = fitting.choose(shop, tables, request, built, progress, models=(before.kind,))
        found = replace(found, best=before.kind)
        fitted = found.fitted_on(built, horizon, progress)
        label = fitting.save(shop, request, found, fitted, built)
        write_results(shop, "leaderboard", found.board, replaces={"task": name, "model": before.kind})
        spec = built.spec
        rows = fitting.forecast_rows(fitted, built, label, horizon)
        same = {"series_by": ",".join(spec.by), "period": spec.period, "measure": spec.measure}
        write_results(shop, "forecasts", rows, replaces=same)
        return label


def _has_new_periods(before: "Artifact", last: Any) -> bool:
    """Whether a period is known now that was still to come for the model in production. One that this version
    of Foresell cannot read any more is fitted again."""
    from foresell.predict.forecast.served import load_served

    try:
        fitted = load_served(before.kind, before.config, before.tables, before.weights)
    except (LookupError, TypeError, ValueError):
        return True
    return bool(last >= first_day(fitted.forecast(1)))
