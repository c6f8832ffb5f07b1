"""A recurrent network over the products taken, by id alone.

Source: Hidasi et al., Session-based recommendations with recurrent neural networks, ICLR 2016; with the
softmax over all products of Hidasi and Karatzoglou, CIKM 2018.
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
class GRUConfig:
    """As in `behavior.model` and `behavior.pretrain`."""

    seed: int = 0
    half_life_days: float = 30.0
    width: int = 128
    num_layers: int = 1
    max_length: int = 50
    dropout: float = 0.5
    batch_size: int = 128
    learning_rate: float = 1e-3
    max_epochs: int = 100
    patience: int = 5


class GRU(SequenceModel):
    def __init__(self, config: GRUConfig, num_products: int) -> None:
        super().__init__(num_products, config.max_length)
        self.dropout = config.dropout
        self.products = ProductIds(num_products, config.width)
        self.recurrent = nn.GRU(config.width, config.width, config.num_layers, batch_first=True)
        self.to_vector = nn.Linear(config.width, config.width)

    def encode(self, batch: Batch) -> Tensor:
        """(B, L, D)"""
        x_BLD = self.products(batch.product_BL.flatten()).unflatten(0, batch.product_BL.shape)
        states_BLD, _ = self.recurrent(functional.dropout(x_BLD, self.dropout, self.training))
        hidden_BLD: Tensor = self.to_vector(functional.dropout(states_BLD, self.dropout, self.training))
        return hidden_BLD


def fit(
    interactions: pl.DataFrame,
    config: GRUConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> FittedSequenceModel:
    """Raises InputError where there are no interactions."""
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    model = _model(config, catalog)
    training = TrainingConfig(
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        max_epochs=config.max_epochs,
        patience=config.patience,
        seed=config.seed,
    )
    curve = train(model, training, LossConfig(), catalog, interactions, validation)
    return FittedSequenceModel(config, catalog, model, curve, {})


def _model(config: GRUConfig, catalog: Catalog) -> GRU:
    torch.manual_seed(config.seed)
    return GRU(config, catalog.size)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Mapping[str, np.ndarray]
) -> FittedSequenceModel:
    chosen, catalog = GRUConfig(**config), Catalog.from_table(tables["products"])
    return FittedSequenceModel.loaded(chosen, catalog, _model(chosen, catalog), tables, weights, {})


MODEL = RecommendModel("gru", GRUConfig, fit, load)
