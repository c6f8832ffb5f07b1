"""Why a series is forecast as it is, and what would be sold at another price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.services.forecasting.answer import load_forecaster
from foresell.services.forecasting.fit import ensure_fitted
from foresell.services.forecasting.indicators import as_fitted
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.shop import Progress, Shop, silent

if TYPE_CHECKING:
    from foresell.explain.value_text import Language
    from foresell.predict.forecast.explained import Explanation, Unit
    from foresell.predict.forecast.model import Fitted
    from foresell.predict.forecast.panel import Panel
    from foresell.predict.forecast.what_if import WhatIf


@dataclass(frozen=True)
class ExplainedForecast:
    """`what_if`: None where nothing was changed."""

    model: str
    explanation: "Explanation"
    what_if: "WhatIf | None"

    def as_lines(self, language: "Language") -> list[str]:
        texts = [(self.explanation.text, self.explanation.text_zh)]
        if self.what_if is not None:
            texts.append((self.what_if.text, self.what_if.text_zh))
        return [text if language == "en" else text_zh for text, text_zh in texts]

    def as_record(self) -> dict[str, object]:
        asked = None if self.what_if is None else self.what_if.as_record()
        return {"model": self.model, **self.explanation.as_record(), "what_if": asked}


@dataclass(frozen=True, eq=False)
class KnownForecaster:
    """The model at work and what every series sold: what each explanation needs."""

    label: str
    fitted: "Fitted"
    panel: "Panel"


def know_forecaster(
    shop: Shop, request: ForecastRequest = STORES_OWN, progress: Progress = silent
) -> KnownForecaster:
    """The slow part of an explanation, the same for all series; a model is fitted where there is none."""
    from foresell.predict.forecast.served import fit_longer

    horizon = request.horizon_of(shop)
    ensure_fitted(shop, request, progress)
    artifact, fitted = load_forecaster(shop, request)
    progress("what was sold", 0, None)
    with shop.reading_matched() as tables:
        panel = as_fitted(request, artifact).panel(shop, tables, horizon).panel
    if horizon > fitted.config.horizon:
        fitted = fit_longer(artifact.kind, fitted, panel, horizon)
    return KnownForecaster(artifact.label, fitted, panel)


def explain_forecast(
    shop: Shop,
    series: str,
    request: ForecastRequest = STORES_OWN,
    *,
    changes: Mapping[str, float] = {},
    progress: Progress = silent,
    known: KnownForecaster | None = None,
) -> ExplainedForecast:
    """The parts of a forecast, largest driver first. `changes`: a known regressor, such as price → what it is
    multiplied by. `known`: of the same request, where it is kept; else it is read for this.

    NotFoundError for a series or regressor that is none; InputError for a change outside of what the series
    has seen, and where the model looks at no regressors.
    """
    from foresell.predict.forecast.explained import explain_forecast as explain
    from foresell.predict.forecast.what_if import what_if

    horizon, unit, currency = request.horizon_of(shop), _unit(request), shop.settings.store.currency
    own = known or know_forecaster(shop, request, progress)
    told = explain(own.fitted, own.panel, series, horizon, unit=unit, currency=currency)
    asked = (
        what_if(own.fitted, own.panel, series, changes, horizon, unit=unit, currency=currency)
        if changes
        else None
    )
    return ExplainedForecast(own.label, told, asked)


def _unit(request: ForecastRequest) -> "Unit":
    return "units" if request.measure == "units" else "money"
