"""What will be sold, a period at a time, with quantiles.

A panel of series → a model's `fit` → `forecast` → `as_results`; `backtest` compares those of COMPETING.
"""

from typing import TYPE_CHECKING

from foresell.predict.entries import load_entry
from foresell.predict.installed import obstacle

if TYPE_CHECKING:
    from foresell.predict.forecast.model import ForecastModel

# Name → the module whose MODEL it is; loaded on use. The name is also the kind of its artifacts.
MODELS: dict[str, str] = {
    "seasonal_naive": "foresell.predict.forecast.models.seasonal_naive",
    "moving_average": "foresell.predict.forecast.models.moving_average",
    "regression": "foresell.predict.forecast.models.regression",
    "ets": "foresell.predict.forecast.models.ets",
    "theta": "foresell.predict.forecast.models.theta",
    "croston": "foresell.predict.forecast.models.croston",
    "tsb": "foresell.predict.forecast.models.tsb",
    "adida": "foresell.predict.forecast.models.adida",
    "boosted": "foresell.predict.forecast.models.boosted",
    "mlp": "foresell.predict.forecast.models.mlp",
    "lstm": "foresell.predict.forecast.models.lstm",
    "transformer": "foresell.predict.forecast.models.transformer",
    "foundation": "foresell.predict.forecast.models.foundation",
    "arima": "foresell.predict.forecast.models.arima",
    "analog": "foresell.predict.forecast.models.analog",
    "choice": "foresell.predict.forecast.models.choice",
    "combination": "foresell.predict.forecast.models.combination",
}
# Those that compete for a shop; all others are for benchmarks, and for who asks for them by name.
COMPETING: tuple[str, ...] = (
    "seasonal_naive", "moving_average", "regression", "ets", "theta", "tsb", "boosted", "combination",
)  # fmt: skip
# Those that take each series by itself, and too long where there are many.
ONE_BY_ONE: tuple[str, ...] = ("arima",)
MOST_ONE_BY_ONE = 1_000
# Those that are fitted in seconds to hundreds of thousands of series, which the others are not.
LIGHT: tuple[str, ...] = ("seasonal_naive", "moving_average", "tsb")
MOST_FOR_ALL = 50_000
# Name → what must be installed for it, and the extra that brings it.
NEEDS: dict[str, tuple[str, str]] = {
    "boosted": ("lightgbm", "trees"),
    "mlp": ("torch", "behavior"),
    "lstm": ("torch", "behavior"),
    "transformer": ("torch", "behavior"),
    "foundation": ("chronos", "foundation"),
}


def competing(num_series: int) -> tuple[str, ...]:
    """Those of COMPETING that can be fitted with what is installed, and soon enough for so many series."""
    quick = COMPETING if num_series <= MOST_FOR_ALL else LIGHT
    return tuple(
        name
        for name in quick
        if obstacle(name, NEEDS) is None and (num_series <= MOST_ONE_BY_ONE or name not in ONE_BY_ONE)
    )


def load_model(name: str) -> "ForecastModel":
    """The model of that name; NotFoundError names the valid ones."""
    model: ForecastModel = load_entry(MODELS, name, "forecaster")
    return model
