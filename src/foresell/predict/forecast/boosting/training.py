"""Trees from rows: learned on what lies before a moment, judged and stopped on what lies after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.features import (
    Places,
    Rows,
    Target,
    category_places,
    rows_of,
    window_of,
)
from foresell.predict.forecast.boosting.knowledge import Knowledge, Numbers
from foresell.predict.forecast.boosting.sampling import pairs_of
from foresell.predict.forecast.grid import Floats

# Origins that judge: so many, half a horizon apart, none of them in the oldest part of the time.
JUDGING_ORIGINS = 3
OLDEST_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows with a known target. `targets` relative, as `Rows` says; `actuals`, `series` (the row of the
    grid), `origins` (its column) and `steps` (from 1) (R,)."""

    rows: Rows
    targets: Numbers
    actuals: Floats
    series: Places
    origins: Places
    steps: Places

    def where(self, mask: NDArray[np.bool_]) -> "Examples":
        """(R,) those of `mask`."""
        return Examples(
            Rows(self.rows.matrix[mask], self.rows.level[mask], self.rows.scale[mask]),
            self.targets[mask],
            self.actuals[mask],
            self.series[mask],
            self.origins[mask],
            self.steps[mask],
        )


def examples_of(
    knowledge: Knowledge, pairs: tuple[Places, Places, Places], target: Target, newest: int
) -> Examples:
    """Those of `pairs` whose target is known and lies no later than column `newest`."""
    series, origins, steps = pairs
    values = knowledge.grid.values
    window = window_of(knowledge.grid.season, values.shape[1])
    columns = origins[:, None] + steps
    actuals = values[series[:, None], np.minimum(columns, newest)]
    kept = ((columns <= newest) & ~np.isnan(actuals)).ravel()
    rows = rows_of(knowledge, series, origins, steps, target, window)
    rows = Rows(rows.matrix[kept], rows.level[kept], rows.scale[kept])
    told = actuals.ravel()[kept]
    relative = ((told - rows.level) / rows.scale).astype(np.float32)
    of_series, of_origins = (np.repeat(places, steps.shape[1])[kept] for places in (series, origins))
    return Examples(rows, relative, told, of_series, of_origins, steps.ravel()[kept])


def judging_columns(length: int, horizon: int) -> list[int]:
    """The origins that judge, the oldest first; none where the history is too short."""
    step = max(1, horizon // 2)
    newest = length - 1 - horizon
    origins = [newest - step * place for place in range(JUDGING_ORIGINS)]
    return sorted(origin for origin in origins if origin >= max(1, OLDEST_SHARE * length - horizon))


def judging_pairs(knowledge: Knowledge, columns: list[int], max_rows: int) -> tuple[Places, Places, Places]:
    """Every series at every judging origin that it has begun by, with all steps; every k-th pair, where
    those are more than `max_rows` rows."""
    grid, horizon = knowledge.grid, knowledge.horizon
    first = grid.values.shape[1] - grid.lengths
    begun = first[:, None] <= np.array(columns, np.intp)[None, :]
    series, place = np.nonzero(begun)
    every = max(1, -(-len(series) * horizon // max_rows))
    series, place = series[::every], place[::every]
    steps = np.tile(np.arange(1, horizon + 1), (len(series), 1))
    return series, np.array(columns, np.intp)[place], steps


def learning_examples(knowledge: Knowledge, target: Target, newest: int, config: Any) -> Examples:
    """As many rows of what is known up to column `newest` as the config allows."""
    random = np.random.default_rng(config.seed)
    pairs = pairs_of(knowledge.grid, knowledge.horizon, newest, config.max_rows, config.fewest_values, random)
    return examples_of(knowledge, pairs, target, newest)


def learned(
    examples: Examples,
    labels: NDArray[Any],
    knowledge: Knowledge,
    settings: Mapping[str, Any],
    rounds: int,
    stop: tuple[Examples, NDArray[Any], int] | None = None,
    weight: float = 0.0,
) -> str:
    """The trees as LightGBM's text. `stop`: what they are judged by, its labels, and after how many rounds
    without a gain they stop. `weight`: as `BoostedConfig`."""
    import lightgbm

    categories = category_places(knowledge)
    given = {**settings, "max_cat_to_onehot": 8}
    data = lightgbm.Dataset(
        examples.rows.matrix,
        labels,
        weight=examples.rows.scale**weight if weight else None,
        categorical_feature=categories,
        params=given,
    )
    judges: list[Any] = []
    callbacks: list[Callable[..., Any]] = []
    if stop is not None:
        weights = stop[0].rows.scale ** weight if weight else None
        judges = [data.create_valid(stop[0].rows.matrix, stop[1], weight=weights)]
        callbacks = [lightgbm.early_stopping(stop[2], verbose=False)]
    booster = lightgbm.train(given, data, rounds, valid_sets=judges, callbacks=callbacks)
    text: str = booster.model_to_string(num_iteration=booster.best_iteration if stop else None)
    return text


def rounds_of(text: str, trees_a_round: int = 1) -> int:
    return max(1, text.count("\nTree=") // trees_a_round)
