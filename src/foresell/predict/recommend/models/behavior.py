"""The behavior model as a recommender: what a customer did, in its order, foretells what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl
import torch

from foresell.behavior.content import Content, content
from foresell.behavior.model import BehaviorModel, Sizes
from foresell.behavior.presets import Preset, preset
from foresell.behavior.text import TextEncoder, load_encoder
from foresell.contracts.errors import InputError
from foresell.predict.recommend.alike import described
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.habit import learn_habit
from foresell.predict.recommend.held_back import held_back
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.newcomers import Newcomers, share_of_newcomers
from foresell.predict.recommend.sequence_model import FittedSequenceModel, train, vocabulary_of
from foresell.predict.recommend.steps import learn_steps

IDS = "products.ids.weight"


@dataclass(frozen=True, slots=True)
class BehaviorConfig:
    """`preset` of `behavior.presets`, and what is set otherwise than there (None: as there).

    `text_encoder`: as `behavior.text` names it; "" for none. `half_life_days`: of the popularity that fills
    up. `use_habit`: weigh what a customer took before by what held-out customers took again (`habit`).
    `use_newcomers`: also recommend products of the catalog that nobody has taken yet (`newcomers`), which
    together have `newcomers_share` of chance (0: as much as such products had lately).
    `use_steps`: mix in a graph of what others took next (`steps`). `most_actions`: the newest actions of a
    customer that are trained on; 0: all.
    """

    preset: str = "small"
    seed: int = 0
    half_life_days: float = 30.0
    text_encoder: str = "hashed"
    use_habit: bool = False
    use_newcomers: bool = False
    newcomers_share: float = 0.0
    use_steps: bool = True
    most_actions: int = 0
    width: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    max_length: int | None = None
    feed_forward: float | None = None
    is_gated: bool | None = None
    dropout: float | None = None
    input_dropout: float | None = None
    id_dropout: float | None = None
    sharpness: float | None = None
    use_ids: bool | None = None
    use_labels: bool | None = None
    use_price: bool | None = None
    use_text: bool | None = None
    use_time: bool | None = None
    use_turns: bool | None = None
    loss: str | None = None
    num_negatives: int | None = None
    popularity_share: float | None = None
    negative_weight: float | None = None
    smoothing: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    weight_decay: float | None = None
    averaging: float | None = None
    max_epochs: int | None = None
    patience: int | None = None
    precision: str | None = None
    target_horizon_days: float | None = None
    only_new_targets: bool | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.newcomers_share < 1:
            raise InputError(
                "newcomers_share is a share of all that is taken",
                received=self.newcomers_share,
                do="Give 0, to learn it from the newest days, or a number between 0 and 1.",
            )

    def chosen(self) -> Preset:
        own = {
            "preset",
            "half_life_days",
            "text_encoder",
            "use_habit",
            "use_newcomers",
            "newcomers_share",
            "use_steps",
            "most_actions",
        }
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in own}
        return preset(self.preset, {name: value for name, value in given.items() if value is not None})


def fit(
    interactions: pl.DataFrame,
    config: BehaviorConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> FittedSequenceModel:
    """Raises InputError where there are no interactions.

    `validation` also is what the habit is learned from. Without it, and with a `target_horizon_days`, what is
    held out is so many days of a tenth of the customers.
    """
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    encoder = load_encoder(config.text_encoder) if config.text_encoder else None
    known = content(products, vocabulary_of(catalog), encoder)
    chosen = config.chosen()
    horizon_days = chosen.training.target_horizon_days
    learned, later = interactions, validation
    if later is None:
        learned, later = held_back(interactions, horizon_days)
    model = _model(config, catalog, known)
    curve = train(model, chosen.training, chosen.loss, catalog, _newest(learned, config.most_actions), later)
    fitted = FittedSequenceModel(config, catalog, model, curve, known.to_tables())
    if config.use_newcomers and products is not None:
        fitted = _with_newcomers(fitted, interactions, products, known, encoder)
    if config.use_steps:
        given = learned, later, interactions, products
        fitted = replace(fitted, steps=learn_steps(fitted.catalog, *given, fitted.chances_of))
    if config.use_habit:
        fitted = replace(fitted, habit=learn_habit(fitted.catalog, learned, later, fitted.chances_of))
    return fitted


def _newest(interactions: pl.DataFrame, most: int) -> pl.DataFrame:
    since = pl.int_range(pl.len()).reverse().over("customer_id")
    ordered = interactions.sort("customer_id", "occurred_at", "product_id")
    return ordered.filter(since < most) if most else interactions


def _with_newcomers(
    fitted: FittedSequenceModel,
    interactions: pl.DataFrame,
    products: pl.DataFrame,
    known: Content,
    encoder: TextEncoder | None,
) -> FittedSequenceModel:
    """The same, that also knows the described products that nobody has taken: their ids say nothing."""
    config, catalog = fitted.config, fitted.catalog
    larger = Catalog.from_interactions(interactions, config.half_life_days, described(products))
    is_new = ~larger.product_ids.is_in(catalog.product_ids.implode()).to_numpy()
    if not is_new.any():
        return fitted
    content_of_all = known.without_products().extend(products, vocabulary_of(larger), encoder)
    model = _model(config, larger, content_of_all)
    weights = dict(fitted.model.state_dict())
    if (ids := weights.get(IDS)) is not None:
        weights[IDS] = torch.zeros(larger.size + 1, ids.shape[1])
        weights[IDS][torch.from_numpy(np.flatnonzero(~is_new) + 1)] = ids[1:]
        weights[IDS][0] = ids[0]
    model.load_state_dict(weights)
    model.eval()
    horizon_days = config.chosen().training.target_horizon_days or config.half_life_days
    share = config.newcomers_share or share_of_newcomers(interactions, horizon_days)
    newcomers = Newcomers(is_new, share)
    return replace(fitted, catalog=larger, model=model, known=content_of_all.to_tables(), newcomers=newcomers)


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
