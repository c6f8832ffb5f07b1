"""What forecasters that look at regressors have in common: they keep the panel's newest periods and ask
them."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.knowledge import Knowledge
from foresell.predict.forecast.paths import Paths, Reasons, check_horizon, paths_frame


class Knowing(ABC):
    """A fitted forecaster of `config.horizon` periods."""

    config: Any

    @abstractmethod
    def knowledge(self, future: pl.DataFrame | None) -> Knowledge:
        """What is known with that future; None: the panel's."""

    @abstractmethod
    def told(self, knowledge: Knowledge) -> tuple[Paths, Reasons]:
        """The paths of all steps, guarded, and where something had to be done."""

    def forecast(self, horizon: int, future: pl.DataFrame | None = None) -> pl.DataFrame:
        """As `model.Fitted`."""
        check_horizon(horizon, self.config.horizon)
        knowledge = self.usual_knowledge if future is None else self.knowledge(future)
        paths, _ = self.told(knowledge)
        return paths_frame(knowledge.grid, paths[:, :horizon]).drop("step")

    @cached_property
    def usual_knowledge(self) -> Knowledge:
        return self.knowledge(None)

    def rows_of(self, series_id: str) -> NDArray[np.intp]:
        """The row of the series; none where it is not known."""
        return np.flatnonzero(self.usual_knowledge.grid.ids == series_id)


def assumed_notes(knowledge: Knowledge) -> dict[str, str]:
    """series_id → which regressors had to be assumed."""
    return {
        series_id: f"the future of {', '.join(names)} is not known: as it usually was"
        for series_id, names in knowledge.assumed.items()
    }
