"""The behavior model as a recommender: what a customer did, in its order, foretells what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import polars as pl
import torch

from foresell.behavior.content import Content, content
from foresell.behavior.model import BehaviorModel, Sizes
from foresell.behavior.presets import Preset, preset
from foresell.behavior.text import load_encoder
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.sequence_model import FittedSequenceModel, train, vocabulary_of


@dataclass(frozen=True, slots=True)
class BehaviorConfig:
    """`preset` of `behavior.presets`, and what is set otherwise than there (None: as there).

    `text_encoder`: as `behavior.text` names it; "" for none. `half_life_days`: of the popularity that fills
    up.
    """

    preset: str = "small"
    seed: int = 0
    half_life_days: float = 30.0
    text_encoder: str = "hashed"
    width: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    max_length: int | None = None
    feed_forward: float | None = None
    dropout: float | None = None
    input_dropout: float | None = None
    id_dropout: float | None = None
    use_ids: bool | None = None
    use_labels: bool | None = None
    use_price: bool | None = None
    use_text: bool | None = None
    use_time: bool | None = None
    loss: str | None = None
    num_negatives: int | None = None
    popularity_share: float | None = None
    correction: float | None = None
    negative_weight: float | None = None
    smoothing: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    weight_decay: float | None = None
    max_epochs: int | None = None
    patience: int | None = None
    precision: str | None = None

    def chosen(self) -> Preset:
        own = {"preset", "half_life_days", "text_encoder"}
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in own}
        return preset(self.preset, {name: value for name, value in given.items() if value is not None})


def fit(
    interactions: pl.DataFrame,
    config: BehaviorConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> FittedSequenceModel:
    """Raises InputError where there are no interactions."""
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    encoder = load_encoder(config.text_encoder) if config.text_encoder else None
    known = content(products, vocabulary_of(catalog), encoder)
    chosen = config.chosen()
    model = _model(config, catalog, known)
    trained = train(model, chosen.training, chosen.loss, catalog, interactions, validation)
    return FittedSequenceModel(config, catalog, model, trained, known.to_tables())


def _model(config: BehaviorConfig, catalog: Catalog, known: Content) -> BehaviorModel:
    torch.manual_seed(config.seed)
    return BehaviorModel(config.chosen().model, Sizes(catalog.size, 0, 0), known)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Mapping[str, Any]
) -> FittedSequenceModel:
    chosen, catalog = BehaviorConfig(**config), Catalog.from_table(tables["products"])
    known = Content.from_tables(tables)
    return FittedSequenceModel.loaded(
        chosen, catalog, _model(chosen, catalog, known), tables, weights, known.to_tables()
    )


MODEL = RecommendModel("behavior", BehaviorConfig, fit, load)
