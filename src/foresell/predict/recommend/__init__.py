"""Which products a customer will want next.

`interactions` → a model's `fit` → `recommend` → `reasons`; `backtest` compares those of COMPETING.
"""

from typing import TYPE_CHECKING

from foresell.predict.entries import load_entry
from foresell.predict.installed import obstacle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from foresell.predict.recommend.model import RecommendModel

# Name → the module whose MODEL it is; loaded on use. The name is also the kind of its artifacts.
MODELS: dict[str, str] = {
    "popularity": "foresell.predict.recommend.models.popularity",
    "transition": "foresell.predict.recommend.models.transition",
    "hybrid": "foresell.predict.recommend.models.hybrid",
    "item_knn": "foresell.predict.recommend.models.item_knn",
    "session_knn": "foresell.predict.recommend.models.session_knn",
    "als": "foresell.predict.recommend.models.als",
    "content": "foresell.predict.recommend.models.content",
    "gru": "foresell.predict.recommend.models.gru",
    "sasrec": "foresell.predict.recommend.models.sasrec",
    "behavior": "foresell.predict.recommend.models.behavior",
}
# Those that compete for a shop; all others are for benchmarks, and for who asks for them by name.
COMPETING: tuple[str, ...] = ("popularity", "transition", "item_knn", "behavior", "hybrid")
# Name → what must be installed for it, and the extra that brings it.
NEEDS: dict[str, tuple[str, str]] = {"behavior": ("torch", "behavior"), "hybrid": ("lightgbm", "trees")}


def competing() -> tuple[str, ...]:
    """Those of COMPETING that can be fitted with what is installed."""
    return tuple(name for name in COMPETING if obstacle(name, NEEDS) is None)


def left_out(models: "Iterable[str]") -> str:
    """Which of COMPETING are missing from the models for want of something, in words; "" for none."""
    missing = [(name, obstacle(name, NEEDS)) for name in COMPETING if name not in models]
    return "; ".join(f"without {name}: {why}" for name, why in missing if why)


def load_model(name: str) -> "RecommendModel":
    """The model of that name; NotFoundError names the valid ones."""
    model: RecommendModel = load_entry(MODELS, name, "recommender")
    return model
