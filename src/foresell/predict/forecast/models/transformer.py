"""A transformer over patches of the newest values of a series, one for all series.

Source: Nie et al., PatchTST, ICLR 2023 (patches, flattened states), with regressors and dates ahead told to
each step, and quantiles as the Temporal Fusion Transformer has them (Lim et al., 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.neural.fitted import FittedNetwork, fit_network, load_network
from foresell.predict.forecast.neural.network import SMALL_STD, SeriesNetwork
from foresell.predict.forecast.neural.windows import Facts
from foresell.predict.forecast.panel import Panel


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """`horizon`: the longest that can be asked for. `context`: the newest periods that it sees, `patch` of
    them a token; `width` of a token, `state_width` of what all tokens together become. The rest: as
    `neural.training.NeuralConfig`."""

    horizon: int = 8
    context: int = 104
    patch: int = 13
    width: int = 64
    num_layers: int = 2
    num_heads: int = 4
    state_width: int = 256
    dropout: float = 0.1
    steps: int = 1_200
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    fewest_values: int = 26
    members: int = 1
    dated: bool = True
    seed: int = 0


class Transformer(SeriesNetwork):
    def __init__(self, config: TransformerConfig, facts: Facts, past: int, ahead: int, static: int) -> None:
        super().__init__(facts, ahead, static, config.state_width, config.dropout)
        self.patch = config.patch
        number = -(-facts.context // config.patch)
        # What a history lacks of whole patches is filled with periods that are not known.
        self.lacking = number * config.patch - facts.context
        self.into = nn.Linear(config.patch * past, config.width)
        self.position = nn.Parameter(torch.randn(number, config.width) * SMALL_STD)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.num_heads,
            2 * config.width,
            config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config.num_layers, enable_nested_tensor=False)
        self.normalize = nn.LayerNorm(config.width)
        self.state = nn.Linear(number * config.width, config.state_width)

    def encode(self, past: Tensor) -> Tensor:
        filled = functional.pad(past, (0, 0, self.lacking, 0))
        patches = filled.unflatten(1, (-1, self.patch)).flatten(2)
        tokens = self.normalize(self.layers(self.into(patches) + self.position))
        state: Tensor = functional.gelu(self.state(tokens.flatten(1)))
        return state


def fit(panel: Panel, config: TransformerConfig) -> FittedNetwork:
    """See `neural.fitted.fit_network`."""
    return fit_network(panel, config, partial(Transformer, config))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedNetwork:
    known = TransformerConfig(**config)
    return load_network(known, partial(Transformer, known), tables, weights)


MODEL = ForecastModel("transformer", TransformerConfig, fit, load)
