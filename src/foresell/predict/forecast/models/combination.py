"""Several models as one, each with the weight that its newest errors on the series earn it.

The errors are those of windows held back from the history: the models learn without them, forecast them,
and are weighed, or the best of each series is chosen (`choose`, `combination`). The quantiles of what comes
out are then set to what held in those windows (`widths`). Sources: Bates
and Granger, The combination of forecasts, 1969; Makridakis et al., The M4 Competition, 2020.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import ForesellError, InputError
from foresell.predict.forecast import MODELS, competing, load_model
from foresell.predict.forecast.choose import choose_per_series, scored
from foresell.predict.forecast.combination import combined, weights_of
from foresell.predict.forecast.explained import Explains
from foresell.predict.forecast.grid import grid_of
from foresell.predict.forecast.model import FALLBACKS, FORECAST, NO_WEIGHTS, Fitted, ForecastModel, Weights
from foresell.predict.forecast.panel import Panel, held_back
from foresell.predict.forecast.paths import check_horizon
from foresell.predict.forecast.widths import Widths, learn_widths

NAME = "combination"
# What mixes others is no member of a mixture by itself.
MIXTURES = (NAME, "choice")
# The table of the artifact that keeps them.
WIDTHS = "widths"
# Periods of the longest series that must be left to learn from at the oldest window.
FEWEST_LEFT = 8


@dataclass(frozen=True, slots=True)
class CombinationConfig:
    """`horizon`: the longest that can be asked for. `members`: names of MODELS; none: those that compete
    for a shop. `windows` are held back, `step` periods apart (0: half a horizon). `rule`: "weights" or
    "best" of each series. `configs`: member → fields of its config. `is_recalibrated`: whether the
    quantiles are set to what held in the windows (never for counts, whose quantiles are of their
    distribution).
    """

    horizon: int = 8
    members: tuple[str, ...] = ()
    windows: int = 2
    step: int = 0
    rule: Literal["weights", "best"] = "weights"
    configs: Mapping[str, Mapping[str, Any]] | None = None
    is_recalibrated: bool = True
    seed: int = 0


@dataclass(frozen=True)
class FittedCombination:
    """`weights`: series_id, model, weight."""

    config: CombinationConfig
    members: Mapping[str, Fitted]
    weights: pl.DataFrame
    widths: Widths | None
    is_count: bool
    fallbacks: pl.DataFrame

    def forecast(self, horizon: int, future: pl.DataFrame | None = None) -> pl.DataFrame:
        check_horizon(horizon, self.config.horizon)
        told = [
            member.forecast(horizon, future).with_columns(model=pl.lit(name))
            for name, member in self.members.items()
        ]
        found = combined(pl.concat(told), self.weights, whole=self.is_count)
        return found if self.widths is None else self.widths.applied(found)

    def parts_of(self, series_id: str, horizon: int) -> pl.DataFrame | None:
        """As `explained.Explains`: those of the members that tell theirs, by their weights."""
        own = dict(
            self.weights.filter(pl.col("series_id") == series_id).select("model", "weight").iter_rows()
        )
        told = []
        for name, member in self.members.items():
            parts = member.parts_of(series_id, horizon) if isinstance(member, Explains) else None
            if parts is not None and own.get(name):
                told.append(parts.with_columns(weight=pl.lit(own[name])))
        if not told:
            return None
        every = pl.concat(told)
        total = sum(frame["weight"][0] for frame in told)
        summed = every.group_by("date", "part").agg(value=(pl.col("value") * pl.col("weight")).sum() / total)
        return summed.sort("date", "part")

    def to_tables(self) -> dict[str, pl.DataFrame]:
        configs = {name: json.dumps(asdict(member.config)) for name, member in self.members.items()}
        tables = {
            "members": pl.DataFrame({"name": list(configs), "config": list(configs.values())}),
            "weights": self.weights,
            "fallbacks": self.fallbacks,
            "facts": pl.DataFrame({"is_count": [self.is_count]}),
        }
        if self.widths is not None:
            tables[WIDTHS] = self.widths.to_table()
        for name, member in self.members.items():
            tables |= {f"{name}_{table}": frame for table, frame in member.to_tables().items()}
        return tables

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {
            f"{name}_{key}": array
            for name, member in self.members.items()
            for key, array in member.to_weights().items()
        }


def fit(panel: Panel, config: CombinationConfig) -> FittedCombination:
    """Windows that leave the longest series fewer than FEWEST_LEFT periods are left out; without any, the
    members count alike. A member that cannot be fitted at all takes no part; where none can, what the first
    raised is raised."""
    series = _names(panel)
    names = config.members or tuple(name for name in competing(len(series)) if name not in MIXTURES)
    results = _results(panel, config, names)
    if results.is_empty():
        scores = pl.DataFrame({"series_id": series}).join(pl.DataFrame({"model": list(names)}), how="cross")
        weights = weights_of(scores.with_columns(score=pl.lit(None, dtype=pl.Float64)))
    else:
        weights = _weights(results, series, names, config)
    used = [name for name in names if name in set(weights["model"])]
    members, reasons = _fitted(panel, config, tuple(used))
    is_count = panel.is_count
    widths = None
    if config.is_recalibrated and not is_count and not results.is_empty():
        widths = learn_widths(_combined_windows(results, weights, is_count))
    return FittedCombination(config, members, weights, widths, is_count, reasons)


def _names(panel: Panel) -> list[str]:
    grid = grid_of(panel)
    return [str(name) for name in grid.ids] + [
        name for name in grid.notes if name not in set(grid.ids.tolist())
    ]


def _weights(
    results: pl.DataFrame, series: list[str], names: tuple[str, ...], config: CombinationConfig
) -> pl.DataFrame:
    if config.rule == "best":
        return choose_per_series(results, series, names).with_columns(weight=pl.lit(1.0))
    return weights_of(scored(results, series, names))


def _results(panel: Panel, config: CombinationConfig, names: tuple[str, ...]) -> pl.DataFrame:
    """model, window, step, FORECAST, value: what the members said of the windows."""
    longest = int(grid_of(panel).values.shape[1])
    step = config.step or max(1, config.horizon // 2)
    told = []
    for window in range(config.windows):
        back = config.horizon + window * step
        if longest - back < FEWEST_LEFT:
            break
        known, came = held_back(panel, back)
        for name in names:
            try:
                fitted = _fit_one(known, config, name)
            except ForesellError:
                continue
            found = fitted.forecast(config.horizon).with_columns(
                model=pl.lit(name),
                window=pl.lit(window),
                step=pl.int_range(1, pl.len() + 1).over("series_id").cast(pl.Int64),
            )
            told.append(found.join(came, on=["series_id", "date"], how="inner"))
    return pl.concat(told) if told else pl.DataFrame()


def _fit_one(panel: Panel, config: CombinationConfig, name: str) -> Fitted:
    model = load_model(name)
    changes = dict((config.configs or {}).get(name, {}))
    return model.fit(panel, model.config(**{"horizon": config.horizon, "seed": config.seed, **changes}))


def _fitted(
    panel: Panel, config: CombinationConfig, names: tuple[str, ...]
) -> tuple[dict[str, Fitted], pl.DataFrame]:
    members: dict[str, Fitted] = {}
    first: ForesellError | None = None
    for name in names:
        try:
            members[name] = _fit_one(panel, config, name)
        except ForesellError as error:
            first = first or error
    if not members:
        raise first or InputError("A combination needs members", do=f"Valid: {', '.join(MODELS)}.")
    reasons = [
        member.fallbacks.select("series_id", reason=pl.lit(f"{name}: ") + pl.col("reason"))
        for name, member in members.items()
    ]
    return members, pl.concat(reasons).cast(FALLBACKS).sort("series_id", "reason")


def _combined_windows(results: pl.DataFrame, weights: pl.DataFrame, is_count: bool) -> pl.DataFrame:
    told = []
    for (window,), part in results.group_by("window", maintain_order=True):
        found = combined(part.select("model", *FORECAST.names()), weights, whole=is_count)
        came = part.select("series_id", "date", "step", "value").unique(["series_id", "date"])
        told.append(found.join(came, on=["series_id", "date"]).with_columns(window=pl.lit(window)))
    return pl.concat(told)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedCombination:
    members = {}
    for name, text in tables["members"].iter_rows():
        own = {
            key.removeprefix(f"{name}_"): frame for key, frame in tables.items() if key.startswith(f"{name}_")
        }
        arrays = {
            key.removeprefix(f"{name}_"): array
            for key, array in weights.items()
            if key.startswith(f"{name}_")
        }
        members[name] = load_model(name).load(json.loads(text), own, arrays)
    return FittedCombination(
        CombinationConfig(**{**config, "members": tuple(config["members"])}),
        members,
        tables["weights"],
        Widths.from_table(tables[WIDTHS]) if WIDTHS in tables else None,
        bool(tables["facts"]["is_count"][0]),
        tables["fallbacks"],
    )


MODEL = ForecastModel(NAME, CombinationConfig, fit, load)
