"""Which regressors of the past alone, such as views, a shop's forecasts are better without."""

from dataclasses import replace
from typing import TYPE_CHECKING

from foresell.services.forecasting.request import ForecastRequest
from foresell.services.shop import Progress

if TYPE_CHECKING:
    from foresell.predict.forecast.series import BuiltPanel
    from foresell.store.models import Artifact

# Who is asked, by how few trees and rows: some fits for each regressor, where one takes minutes with all.
ASKED = "boosted"
QUICK = {"max_rounds": 100, "max_rows": 50_000, "learning_rate": 0.1, "num_leaves": 31}
MOST_SERIES = 5_000
WINDOWS = 2
# The table of the artifact that says what was left out.
LEFT_OUT = "left_out"


def without_useless(
    request: ForecastRequest, built: "BuiltPanel", horizon: int, progress: Progress
) -> "tuple[ForecastRequest, BuiltPanel]":
    """Both without what does not help: what is fitted, and what every model is judged on."""
    progress("which views, carts, … help", 0, None)
    request = _leaving_out(request, built, horizon)
    return request, request.narrowed(built)


def _leaving_out(request: ForecastRequest, built: "BuiltPanel", horizon: int) -> ForecastRequest:
    """The request without the lagged regressors with which past windows were not surely better foretold
    (`predict.forecast.ablation`), the newest window, by which models are judged, not looked at. Nothing is
    left out where trees are not installed, for more than MOST_SERIES, or of a short history."""
    from foresell.predict.forecast import competing, load_model
    from foresell.predict.forecast.ablation import ablate, judged_on_windows
    from foresell.predict.forecast.panel import held_back

    panel = built.panel
    is_short = panel.frame["date"].n_unique() < (WINDOWS + 2) * horizon
    number = panel.frame["series_id"].n_unique()
    if not panel.lagged or is_short or number > MOST_SERIES or ASKED not in competing(number):
        return request
    model = load_model(ASKED)
    before, _ = held_back(panel, horizon)
    found = ablate(before, judged_on_windows(model, model.config(horizon=horizon, **QUICK), WINDOWS))
    return replace(request, left_out=found.dropped)


def left_out_note(request: ForecastRequest) -> tuple[str, ...]:
    if not request.left_out:
        return ()
    return (f"Past windows were foretold no better with {', '.join(request.left_out)}: left out.",)


def as_fitted(request: ForecastRequest, artifact: "Artifact") -> ForecastRequest:
    """The request without what its model was fitted without."""
    told = artifact.tables.get(LEFT_OUT)
    return request if told is None else replace(request, left_out=tuple(told["name"]))
