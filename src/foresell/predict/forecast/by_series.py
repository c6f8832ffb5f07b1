"""Models of a library that knows one series at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import VALUES
from foresell.predict.forecast.paths import Forecast, Paths, Reasons

# One history, its season, horizon → (horizon, VALUES); ValueError where it cannot tell.
OfOne = Callable[[Floats, int, int], Floats]
# The widths, in percent, of the intervals whose ends are LEVELS.
WIDTHS = [20, 40, 60, 80, 95]


def one_by_one(model: OfOne) -> Forecast:
    """`model` on each series by itself; what it raises is the reason why it was not used there."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        paths = np.full((len(grid), horizon, len(VALUES)), np.nan)
        reasons: Reasons = {}
        for row in range(len(grid)):
            values = grid.history(row)
            season = grid.season if len(values) >= 2 * grid.season else 1
            try:
                paths[row] = model(values, season, horizon)
            except Exception as error:  # noqa: BLE001 - one series must not lose the others
                reasons[row] = f"failed: {error}"
        return paths, reasons

    return forecast


def from_library(answer: Mapping[str, Any]) -> Floats:
    """statsforecast's answer for WIDTHS, (horizon, VALUES); its mean is the median as well."""
    names = [
        "mean",
        *[f"lo-{width}" for width in reversed(WIDTHS)],
        "mean",
        *[f"hi-{width}" for width in WIDTHS],
    ]
    return np.column_stack([np.asarray(answer[name], dtype=np.float64) for name in names])
