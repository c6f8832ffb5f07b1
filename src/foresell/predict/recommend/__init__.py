"""Which products a customer will want next.

`interactions` → a model's `fit` → `recommend` → `reasons`; `backtest` compares those of COMPETING.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foresell.predict.recommend.model import RecommendModel

# Name → the module whose MODEL it is; loaded on use. The name is also the kind of its artifacts.
MODELS: dict[str, str] = {
    "popularity": "foresell.predict.recommend.models.popularity",
    "transition": "foresell.predict.recommend.models.transition",
    "item_knn": "foresell.predict.recommend.models.item_knn",
    "session_knn": "foresell.predict.recommend.models.session_knn",
    "als": "foresell.predict.recommend.models.als",
    "gru": "foresell.predict.recommend.models.gru",
    "sasrec": "foresell.predict.recommend.models.sasrec",
    "behavior": "foresell.predict.recommend.models.behavior",
}
# Those that compete for a shop; all others are for benchmarks, and for who asks for them by name.
COMPETING: tuple[str, ...] = ("popularity", "transition", "item_knn")


def load_model(name: str) -> "RecommendModel":
    """The model of that name; NotFoundError names the valid ones."""
    from importlib import import_module

    from foresell.contracts.errors import NotFoundError, did_you_mean

    if name not in MODELS:
        raise NotFoundError(f"There is no recommender '{name}'", do=did_you_mean(name, MODELS))
    model: RecommendModel = import_module(MODELS[name]).MODEL
    return model
