"""A network that has learned, with the newest periods of each series, which it looks back on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.knowledge import Knowledge, knowledge_of
from foresell.predict.forecast.grid import Grid
from foresell.predict.forecast.model import Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.neural.training import Make, asked, trained
from foresell.predict.forecast.neural.windows import (
    YEAR,
    Facts,
    facts_from,
    facts_of,
    facts_to_table,
)
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.panel_tables import panel_of_tables, tables_of_panel
from foresell.predict.forecast.paths import (
    Paths,
    Reasons,
    check_horizon,
    fallbacks_frame,
    guarded,
    paths_frame,
)

FEWEST_TO_BE_CONSTANT = 3
TOO_LITTLE = "all series together are too short to learn from: the last value"


@dataclass(frozen=True)
class FittedNetwork:
    """`members`: the weights of each network; none: the last value stands in. `make` builds one anew."""

    config: Any
    make: Make
    facts: Facts
    members: tuple[Weights, ...]
    panel: Panel
    vocabulary: Mapping[str, tuple[str, ...]]
    fallbacks: pl.DataFrame

    def forecast(self, horizon: int, future: pl.DataFrame | None = None) -> pl.DataFrame:
        check_horizon(horizon, self.config.horizon)
        knowledge = knowledge_of(self.panel, self.config.horizon, future, self.vocabulary)
        paths, _ = self.told(knowledge, horizon)
        return paths_frame(knowledge.grid, paths).drop("step")

    def told(self, knowledge: Knowledge, horizon: int) -> tuple[Paths, Reasons]:
        """The paths, guarded, and where something had to be done."""
        return guarded(knowledge.grid, horizon, lambda grid, steps: self._raw(knowledge, grid, steps), naive)

    def _raw(self, knowledge: Knowledge, grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        if not self.members:
            return naive(grid, horizon)[0], dict.fromkeys(range(len(grid)), TOO_LITTLE)
        told = asked(knowledge, self.facts, self.make, [dict(one) for one in self.members])[:, :horizon]
        if self.facts.unit == "counts":
            # A quantile of counts is one of them.
            told = np.concatenate([told[:, :, :1], np.floor(told[:, :, 1:] + 0.5)], axis=2)
        return _unchanging(grid, told.astype(np.float64)), {}

    def to_tables(self) -> dict[str, pl.DataFrame]:
        words = [(name, word) for name, told in self.vocabulary.items() for word in told]
        return {
            **tables_of_panel(self.panel),
            "facts": pl.DataFrame(
                dict(facts_to_table(self.facts)), schema_overrides={"words": pl.List(pl.Int64)}
            ),
            "vocabulary": pl.DataFrame(words, schema={"name": pl.String, "word": pl.String}, orient="row"),
            "fallbacks": self.fallbacks,
        }

    def to_weights(self) -> dict[str, NDArray[Any]]:
        nets = {f"net {i} {name}": array for i, one in enumerate(self.members) for name, array in one.items()}
        return {**nets, **self.facts.to_weights()}


def _unchanging(grid: Grid, paths: Paths) -> Paths:
    """Paths with the value of the series that had one value only, FEWEST_TO_BE_CONSTANT times or more."""
    number = np.isfinite(grid.values).sum(axis=1)
    value = np.nanmin(grid.values, axis=1)
    is_constant = (np.nanmax(grid.values, axis=1) == value) & (number >= FEWEST_TO_BE_CONSTANT)
    return np.where(is_constant[:, None, None], value[:, None, None], paths)


def fit_network(panel: Panel, config: Any, make: Make) -> FittedNetwork:
    """Series of any length are forecast, from what was learned of all; where all of them together are too
    short, by their last value, and a reason says so; one that never changed, by its value. Raises InputError
    as `grid_of` and `knowledge_of` do."""
    knowledge = knowledge_of(panel, config.horizon)
    facts = facts_of(knowledge, config.context, config.dated)
    members = trained(knowledge, facts, make, config) if len(knowledge.grid) else []
    looked_back_on = max(facts.context, YEAR[panel.period] + 1, 5 * panel.season)
    fitted = FittedNetwork(
        config,
        make,
        facts,
        tuple(members),
        _newest(panel, looked_back_on),
        knowledge.vocabulary,
        pl.DataFrame(),
    )
    now = knowledge_of(fitted.panel, config.horizon, None, knowledge.vocabulary)
    _, reasons = fitted.told(now, config.horizon)
    notes = {
        series_id: f"the future of {', '.join(names)} is not known: as it usually was"
        for series_id, names in now.assumed.items()
    }
    return replace(fitted, fallbacks=fallbacks_frame(knowledge.grid, reasons, notes))


def load_network(
    config: Any, make: Make, tables: Mapping[str, pl.DataFrame], weights: Weights
) -> FittedNetwork:
    facts = facts_from(tables["facts"].row(0, named=True), weights)
    words = tables["vocabulary"].group_by("name", maintain_order=True).agg("word")
    numbers = sorted({int(name.split(" ", 2)[1]) for name in weights if name.startswith("net ")})
    members = tuple(
        {name.split(" ", 2)[2]: array for name, array in weights.items() if name.startswith(f"net {number} ")}
        for number in numbers
    )
    vocabulary = {name: tuple(told) for name, told in words.iter_rows()}
    return FittedNetwork(
        config, make, facts, members, panel_of_tables(tables), vocabulary, tables["fallbacks"]
    )


def _newest(panel: Panel, length: int) -> Panel:
    """The last `length` rows of each series."""
    ordered = panel.frame.sort("series_id", "date", maintain_order=True)
    ordered = ordered.unique(["series_id", "date"], keep="last", maintain_order=True)
    return replace(panel, frame=ordered.group_by("series_id", maintain_order=True).tail(length))
