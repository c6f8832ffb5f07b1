"""The forecaster that serves: a fitted model, with other widths where its backtest broke a promise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast import load_model
from foresell.predict.forecast.explained import Explains
from foresell.predict.forecast.model import NO_WEIGHTS, Fitted, Weights
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.widths import Widths

# The table of the artifact that keeps them.
WIDTHS = "served_widths"


@dataclass(frozen=True)
class WithWidths:
    """A `Fitted` that `Explains` as the one within."""

    fitted: Fitted
    widths: Widths

    @property
    def config(self) -> Any:
        return self.fitted.config

    @property
    def fallbacks(self) -> pl.DataFrame:
        return self.fitted.fallbacks

    def forecast(self, horizon: int, future: pl.DataFrame | None = None) -> pl.DataFrame:
        return self.widths.applied(self.fitted.forecast(horizon, future))

    def parts_of(self, series_id: str, horizon: int) -> pl.DataFrame | None:
        return self.fitted.parts_of(series_id, horizon) if isinstance(self.fitted, Explains) else None

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return self.fitted.to_tables() | {WIDTHS: self.widths.to_table()}

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return self.fitted.to_weights()


def fit_served(kind: str, panel: Panel, horizon: int, widths: Widths | None) -> Fitted:
    model = load_model(kind)
    return _with(model.fit(panel, model.config(horizon=horizon)), widths)


def fit_longer(kind: str, fitted: Fitted, panel: Panel, horizon: int) -> Fitted:
    """As it was fitted, for a longer horizon."""
    longer = load_model(kind).fit(panel, replace(fitted.config, horizon=horizon))
    return _with(longer, fitted.widths if isinstance(fitted, WithWidths) else None)


def load_served(
    kind: str, config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> Fitted:
    """The inverse of `to_tables` and `to_weights`, as an artifact keeps them."""
    own = {name: table for name, table in tables.items() if name != WIDTHS}
    fitted = load_model(kind).load(config, own, weights)
    return _with(fitted, Widths.from_table(tables[WIDTHS]) if WIDTHS in tables else None)


def _with(fitted: Fitted, widths: Widths | None) -> Fitted:
    return fitted if widths is None else WithWidths(fitted, widths)
