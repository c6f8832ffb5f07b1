"""What will be sold, a week at a time, with intervals.

`series` → a model's `fit` → `forecast` → `as_results`; `backtest` compares the models of MODELS.
"""

from typing import TYPE_CHECKING

from foresell.predict.entries import load_entry

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
    model: ForecastModel = load_entry(MODELS, name, "forecaster")
    return model
