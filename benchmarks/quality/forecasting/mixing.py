"""What the shop itself would serve: the model that served a series best, or all by how well they served it.

Weights are learned at validation origins. How well a mixture does there is told with the weights of the other
origins; where there is one origin only, with that origin's own, which flatters it: `run` serves none then.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from foresell.predict.forecast.choose import choose_per_series, scored
from foresell.predict.forecast.combination import combined, weights_of
from foresell.predict.forecast.model import FORECAST
from foresell.predict.forecast.widths import learn_widths

KEY = ["series_id", "date"]


class Mixer:
    """`results`: of validation origins: model, origin, step, value and FORECAST's columns."""

    def __init__(self, results: pl.DataFrame, models: Sequence[str], horizon: int, whole: bool) -> None:
        self.results, self.models, self.horizon, self.whole = results, list(models), horizon, whole

    def weights(self, kind: str, results: pl.DataFrame, series: Sequence[str]) -> pl.DataFrame:
        """series_id, model, weight. `kind`: combination, choice or equal."""
        if kind == "equal":
            pairs = pl.DataFrame({"series_id": list(series)}).join(
                pl.DataFrame({"model": self.models}), how="cross"
            )
            return pairs.with_columns(weight=pl.lit(1.0 / len(self.models)))
        if kind == "choice":
            return choose_per_series(results, series, self.models).with_columns(weight=pl.lit(1.0))
        return weights_of(scored(results, series, self.models))

    def mixed(self, kind: str, forecasts: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
        """The mixture of `forecasts` (of one origin), by weights of `results`; with value and step."""
        series = forecasts["series_id"].unique().sort().to_list()
        found = combined(forecasts, self.weights(kind, results, series), whole=self.whole)
        facts = forecasts.select(*KEY, "origin", "step", "value").unique(KEY)
        return found.join(facts, on=KEY).sort(KEY)

    def on_validation(self, kind: str) -> pl.DataFrame:
        parts = []
        for origin in self._origins():
            others = self.results.filter(pl.col("origin") != origin)
            own = self.results.filter(pl.col("origin") == origin)
            parts.append(self.mixed(kind, own, others if others.height else own))
        return pl.concat(parts)

    def with_widths(self, kind: str, forecasts: pl.DataFrame) -> pl.DataFrame:
        """`forecasts` of the mixture with the quantiles that held at the validation origins."""
        return _widened(self.on_validation(kind), forecasts, self.horizon)

    def widths_on_validation(self, kind: str) -> pl.DataFrame:
        told = self.on_validation(kind)
        parts = []
        for origin in self._origins():
            others = told.filter(pl.col("origin") != origin)
            own = told.filter(pl.col("origin") == origin)
            parts.append(_widened(others if others.height else own, own, self.horizon))
        return pl.concat(parts)

    def _origins(self) -> list[date]:
        return self.results["origin"].unique().sort().to_list()


def _widened(results: pl.DataFrame, forecasts: pl.DataFrame, horizon: int) -> pl.DataFrame:
    ordered = forecasts.sort(KEY)
    found = learn_widths(results, horizon).applied(ordered.select(FORECAST.names()))
    return found.join(ordered.select(*KEY, "origin", "step", "value"), on=KEY)


def stacked(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Results of several models, with a column `model`."""
    return pl.concat(rows.with_columns(model=pl.lit(name)) for name, rows in parts.items())
