"""What the shop itself would serve: the model that served a series best, or all by how well they served it.

Weights are learned at past windows: at each origin from those that had ended by then. How well they do at a
validation origin is told with the other validation origins; where there is one only, with that one's own,
which flatters them: `run` serves none then. Widths are set in `run`, of the newest windows only.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from foresell.predict.forecast.choose import choose_per_series, scored
from foresell.predict.forecast.combination import combined, weights_of

KEY = ["series_id", "date"]
LEARNED = ("combination", "choice")
MIXTURES = (*LEARNED, "equal")
WIDTHS = ", widths"
FACTS = ("origin", "step", "value")
Results = dict[str, pl.DataFrame]


def weights(kind: str, results: pl.DataFrame, models: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
    """series_id, model, weight. `kind`: one of MIXTURES; `results`: model and rows of past windows."""
    if kind == "equal":
        pairs = pl.DataFrame({"series_id": list(series)}).join(
            pl.DataFrame({"model": list(models)}), how="cross"
        )
        return pairs.with_columns(weight=pl.lit(1.0 / len(models)))
    if kind == "choice":
        return choose_per_series(results, series, models).with_columns(weight=pl.lit(1.0))
    return weights_of(scored(results, series, models))


def mixed(kind: str, told: Results, past: Results, *, whole: bool) -> pl.DataFrame:
    """The mixture of `told`, model → its rows at one origin, by what they did in `past`."""
    forecasts = stacked(told)
    series = forecasts["series_id"].unique().sort().to_list()
    found = combined(forecasts, weights(kind, stacked(past), list(told), series), whole=whole)
    return found.join(forecasts.select(*KEY, *FACTS).unique(KEY), on=KEY).sort(KEY)


def stacked(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Results of several models, with a column `model`."""
    return pl.concat(rows.with_columns(model=pl.lit(name)) for name, rows in parts.items())


def with_mixtures(told: Results, past: Results, members: Sequence[str], *, whole: bool) -> Results:
    """`told`, rows at one origin, and the mixtures of `members`. `past`: model → rows of windows that had
    ended. `whole`: of counts."""
    if len(members) < 2:
        return dict(told)
    own = {name: told[name] for name in members}
    known = {name: past[name] for name in members}
    return told | {kind: mixed(kind, own, known, whole=whole) for kind in MIXTURES}
