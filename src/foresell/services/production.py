"""The models in production: how one is put there, and read again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from foresell.contracts.tables import TABLES
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

    from foresell.predict.recommend.fitted import FittedRecommender
    from foresell.services.canary import Judged
    from foresell.store.models import Artifact, Origin

Task = Literal["recommend", "forecast"]
PRODUCTION, CANDIDATE = "production", "candidate"


def put_to_work(
    shop: Shop,
    name: str,
    kind: str,
    config: Mapping[str, Any],
    tables: "Mapping[str, polars.DataFrame]",
    *,
    origin: "Origin",
    weights: "Mapping[str, NDArray[Any]] | None" = None,
    scores: Mapping[str, Any] = {},
    card: str = "",
    judged: "Judged | None" = None,
) -> str:
    """Save a fitted model as the candidate of that name and, if it passes its canary check, put it in
    production; returns name/version.

    `judged`: None: it was compared with nothing, and serves. The rest as `store.models.save_artifact`. An
    origin without training tables gets those of now. `canary.CanaryError` where it may not serve: what was in
    production goes on.
    """
    from foresell.services.canary import try_out
    from foresell.store.model_versions import set_pointer
    from foresell.store.models import load_artifact, save_artifact

    if not origin.training_tables:
        origin = replace(origin, training_tables=training_tables(shop))
    version = save_artifact(
        shop.folder.models, name, kind, config, tables, scores, origin, weights=weights, card=card
    )
    set_pointer(shop.folder.models, name, CANDIDATE, version)
    if judged is not None:
        try_out(shop, load_artifact(shop.folder.models, name, version), judged)
    set_pointer(shop.folder.models, name, PRODUCTION, version)
    return f"{name}/{version}"


def training_tables(shop: Shop) -> dict[str, int]:
    """Canonical table → its Delta version now."""
    return {name: version for name, version in shop.folder.tables.versions().items() if name in TABLES}


def scores_of(board: "polars.DataFrame", model: str) -> dict[str, dict[str, float]]:
    """What one model of a leaderboard scored: split → score → value."""
    import polars as pl

    own = board.filter(pl.col("model") == model)
    return {
        str(split): dict(zip(frame["score"], frame["value"], strict=True))
        for (split,), frame in own.group_by("split", maintain_order=True)
    }


def judged_card(scores: Mapping[str, Any], simplest: str) -> str:
    """How a model came to serve. `scores`: of `scores_of`; none: it was not judged."""
    if scores:
        return "Chosen by its validation scores; test scores are reported, not used to choose."
    return f"Not judged: the history was too short to hold any of it back. The simplest, {simplest}, serves."


def in_production(shop: Shop, name: str) -> "Artifact | None":
    """The production version of that name; None where there is none."""
    from foresell.store.model_versions import pointers

    return load_production(shop, name) if PRODUCTION in pointers(shop.folder.models, name) else None


def load_production(shop: Shop, name: str, version: str = PRODUCTION) -> "Artifact":
    """The one in production, or another version of it. NotFoundError where none has been fitted."""
    from foresell.store.models import load_artifact

    return load_artifact(shop.folder.models, name, version)


def load_recommender(shop: Shop, version: str = PRODUCTION) -> "tuple[FittedRecommender, str]":
    """The recommender in production, or another version, and what it is called: name/version."""
    from foresell.predict.recommend import load_model

    artifact = load_production(shop, "recommend", version)
    weights = [artifact.weights] if artifact.weights else []
    return load_model(artifact.kind).load(artifact.config, artifact.tables, *weights), artifact.label
