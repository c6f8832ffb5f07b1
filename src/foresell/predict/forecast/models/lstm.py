"""A recurrent network that reads a series from its oldest seen value to its newest, one for all series.

Source: Salinas et al., DeepAR, 2020 (one network for all series, each in its own unit); told directly for all
steps, with quantiles, as Wen et al., A multi-horizon quantile recurrent forecaster, 2017.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
from torch import Tensor, nn

from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.neural.fitted import FittedNetwork, fit_network, load_network
from foresell.predict.forecast.neural.network import SeriesNetwork
from foresell.predict.forecast.neural.windows import Facts
from foresell.predict.forecast.panel import Panel


@dataclass(frozen=True, slots=True)
class LstmConfig:
    """`horizon`: the longest that can be asked for. `context`: the newest periods that it reads; `width` of
    its state, in `num_layers`. The rest: as `neural.training.NeuralConfig`."""

    horizon: int = 8
    context: int = 52
    width: int = 64
    num_layers: int = 1
    dropout: float = 0.1
    steps: int = 1_000
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    fewest_values: int = 26
    members: int = 1
    dated: bool = True
    seed: int = 0


class Lstm(SeriesNetwork):
    def __init__(self, config: LstmConfig, facts: Facts, past: int, ahead: int, static: int) -> None:
        super().__init__(facts, ahead, static, config.width, config.dropout)
        self.layers = nn.LSTM(past, config.width, config.num_layers, batch_first=True)

    def encode(self, past: Tensor) -> Tensor:
        state: Tensor = self.layers(past)[0][:, -1]
        return state


def fit(panel: Panel, config: LstmConfig) -> FittedNetwork:
    """See `neural.fitted.fit_network`."""
    return fit_network(panel, config, partial(Lstm, config))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedNetwork:
    known = LstmConfig(**config)
    return load_network(known, partial(Lstm, known), tables, weights)


MODEL = ForecastModel("lstm", LstmConfig, fit, load)
