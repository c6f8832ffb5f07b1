"""A transformer over the products taken, by id alone: the baseline that any sequence model must beat.

Source: Kang and McAuley, Self-attentive sequential recommendation, ICDM 2018, with the loss that makes it
strong: Klenitskiy and Vasilev, Turning dross into gold loss, RecSys 2023; settings as in Tikhonovich et al.,
eSASRec, RecSys 2025 (one layer, one head, sampled softmax; as in their library RecTools the products' vectors
are dropped out as well, also where scores are taken from them), but for twice their dropout, which is better
where the loss is free of its negatives' noise (chosen on validation, benchmarks/README.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.behavior.batches import Batch
from foresell.behavior.losses import LossConfig
from foresell.behavior.model import SequenceModel
from foresell.behavior.pretrain import TrainingConfig
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.sequence_model import FittedSequenceModel, ProductIds, train


@dataclass(frozen=True, slots=True)
class SASRecConfig:
    """`negatives_a_target`: of the sampled softmax, whose expectation is computed over all products instead
    (see `behavior.losses`). `max_length`: products looked back on. The rest: as in `behavior.model` and
    `behavior.pretrain`."""

    seed: int = 0
    half_life_days: float = 30.0
    width: int = 256
    num_layers: int = 1
    num_heads: int = 1
    max_length: int = 50
    dropout: float = 0.4
    negatives_a_target: int = 256
    batch_size: int = 128
    learning_rate: float = 1e-3
    max_epochs: int = 200
    patience: int = 10

    def training(self) -> TrainingConfig:
        return TrainingConfig(
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            max_epochs=self.max_epochs,
            patience=self.patience,
            seed=self.seed,
        )


class SASRec(SequenceModel):
    """Positions are counted from the newest action back, so that the newest always has the same."""

    def __init__(self, config: SASRecConfig, num_products: int) -> None:
        super().__init__(num_products, config.max_length)
        self.dropout = config.dropout
        self.products = ProductIds(num_products, config.width, config.dropout)
        self.of_position = nn.Embedding(config.max_length, config.width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_layers))
        self.normalize = nn.LayerNorm(config.width)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

    def encode(self, batch: Batch) -> Tensor:
        """(B, L, D)"""
        steps_L = torch.arange(batch.product_BL.shape[1], device=batch.product_BL.device)
        since_BL = (batch.num_actions_B[:, None] - 1 - steps_L).clamp(0, self.max_length - 1)
        x_BLD = self.products(batch.product_BL.flatten()).unflatten(0, batch.product_BL.shape)
        x_BLD = functional.dropout(x_BLD + self.of_position(since_BL), self.dropout, self.training)
        for layer in self.layers:
            x_BLD = layer(x_BLD)
        hidden_BLD: Tensor = self.normalize(x_BLD)
        return hidden_BLD


class _Layer(nn.Module):
    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        width = config.width
        self.before_attention, self.before_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(
            width, config.num_heads, dropout=config.dropout, batch_first=True
        )
        self.to_hidden, self.from_hidden = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = config.dropout

    def forward(self, x_BLD: Tensor) -> Tensor:
        length = x_BLD.shape[1]
        later_LL = torch.ones(length, length, dtype=torch.bool, device=x_BLD.device).triu(1)
        query_BLD = self.before_attention(x_BLD)
        seen_BLD, _ = self.attention(
            query_BLD, x_BLD, x_BLD, attn_mask=later_LL, is_causal=True, need_weights=False
        )
        x_BLD = self.before_feed_forward(query_BLD + seen_BLD)
        thought_BLD = self._drop(self.from_hidden(self._drop(functional.relu(self.to_hidden(x_BLD)))))
        return x_BLD + thought_BLD

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


def fit(
    interactions: pl.DataFrame,
    config: SASRecConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> FittedSequenceModel:
    """Raises InputError where there are no interactions."""
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    model = _model(config, catalog)
    loss = LossConfig("softmax", negative_weight=min(1.0, config.negatives_a_target / catalog.size))
    curve = train(model, config.training(), loss, catalog, interactions, validation)
    return FittedSequenceModel(config, catalog, model, curve, {})


def _model(config: SASRecConfig, catalog: Catalog) -> SASRec:
    torch.manual_seed(config.seed)
    return SASRec(config, catalog.size)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Mapping[str, np.ndarray]
) -> FittedSequenceModel:
    chosen, catalog = SASRecConfig(**config), Catalog.from_table(tables["products"])
    return FittedSequenceModel.loaded(chosen, catalog, _model(chosen, catalog), tables, weights, {})


MODEL = RecommendModel("sasrec", SASRecConfig, fit, load)
