"""What will be sold, a week at a time, with intervals.

`series` → a model's `fit` → `forecast` → `as_results`; `backtest` compares the models of MODELS.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foresell.predict.forecast.model import ForecastModel

# Name → the module whose MODEL it is; loaded on use. The name is also the kind of its artifacts.
MODELS: dict[str, str] = {
    "seasonal_naive": "foresell.predict.forecast.models.seasonal_naive",
    "ets": "foresell.predict.forecast.models.ets",
    "croston": "foresell.predict.forecast.models.croston",
}


def load_model(name: str) -> "ForecastModel":
    """The model of that name; NotFoundError names the valid ones."""
    from importlib import import_module

    from foresell.contracts.errors import NotFoundError, did_you_mean

    if name not in MODELS:
        raise NotFoundError(f"There is no forecaster '{name}'", do=did_you_mean(name, MODELS))
    model: ForecastModel = import_module(MODELS[name]).MODEL
    return model
