"""For each series the one model that told most of it of late: `combination` with all weight on the best."""

from typing import Any

from foresell.predict.forecast.model import ForecastModel
from foresell.predict.forecast.models.combination import CombinationConfig, fit, load

NAME = "choice"


def config(**fields: Any) -> CombinationConfig:
    return CombinationConfig(**{"rule": "best", **fields})


MODEL = ForecastModel(NAME, config, fit, load)
