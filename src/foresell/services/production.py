"""The models in production."""

from typing import TYPE_CHECKING, Literal

from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.fitted import FittedRecommender
    from foresell.store.models import Artifact

Task = Literal["recommend", "forecast"]
PRODUCTION = "production"


def load_production(shop: Shop, task: Task) -> "Artifact":
    """NotFoundError where none has been fitted."""
    from foresell.store.models import load_artifact

    return load_artifact(shop.folder.models, task, PRODUCTION)


def load_recommender(shop: Shop) -> "tuple[FittedRecommender, str]":
    """The recommender in production, and what it is called: name/version."""
    from foresell.predict.recommend import load_model

    artifact = load_production(shop, "recommend")
    weights = [artifact.weights] if artifact.weights else []
    return load_model(artifact.kind).load(artifact.config, artifact.tables, *weights), artifact.label
