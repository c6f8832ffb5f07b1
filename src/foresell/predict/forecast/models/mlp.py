"""A residual network over the newest values of a series, one for all series: fast, and hard to beat.

Source: Oreshkin et al., N-BEATS, ICLR 2020, as one stack of fully connected residual blocks; values ahead
as in Das et al., TiDE, TMLR 2023; the linear path: Zeng et al., DLinear, AAAI 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
from torch import Tensor, nn
from torch.nn import functional

from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.neural.fitted import FittedNetwork, fit_network, load_network
from foresell.predict.forecast.neural.network import SeriesNetwork
from foresell.predict.forecast.neural.windows import Facts
from foresell.predict.forecast.panel import Panel


@dataclass(frozen=True, slots=True)
class MlpConfig:
    """`horizon`: the longest that can be asked for. `context`: the newest periods that it sees; `width` of
    the hidden layers, in `blocks` of two. The rest: as `neural.training.NeuralConfig`."""

    horizon: int = 8
    context: int = 104
    width: int = 256
    blocks: int = 2
    dropout: float = 0.1
    steps: int = 1_500
    batch_size: int = 384
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    fewest_values: int = 26
    members: int = 1
    dated: bool = True
    seed: int = 0


class Mlp(SeriesNetwork):
    def __init__(self, config: MlpConfig, facts: Facts, past: int, ahead: int, static: int) -> None:
        super().__init__(facts, ahead, static, config.width, config.dropout)
        self.into = nn.Linear(facts.context * past, config.width)
        self.blocks = nn.ModuleList(_Block(config.width, config.dropout) for _ in range(config.blocks))

    def encode(self, past: Tensor) -> Tensor:
        x: Tensor = self.into(past.flatten(1))
        for block in self.blocks:
            x = x + block(x)
        return x


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.normalize = nn.LayerNorm(width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.dropout(functional.gelu(self.first(self.normalize(x))))
        found: Tensor = self.dropout(self.second(hidden))
        return found


def fit(panel: Panel, config: MlpConfig) -> FittedNetwork:
    """See `neural.fitted.fit_network`."""
    return fit_network(panel, config, partial(Mlp, config))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedNetwork:
    known = MlpConfig(**config)
    return load_network(known, partial(Mlp, known), tables, weights)


MODEL = ForecastModel("mlp", MlpConfig, fit, load)
