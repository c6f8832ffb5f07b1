"""The models of a shop: their versions, which are at work, and how another is put there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.production import PRODUCTION
from foresell.services.shop import Shop


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One saved model. `scores`: split → score → value; `card`: what was written about it."""

    version: str
    kind: str
    made_at: datetime | None
    scores: dict[str, dict[str, float]]
    card: str
    is_in_production: bool


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model by name with its versions, the newest first."""

    name: str
    versions: tuple[ModelVersion, ...]

    @property
    def at_work(self) -> ModelVersion | None:
        return next((one for one in self.versions if one.is_in_production), None)


def is_in_production(shop: Shop, name: str) -> bool:
    from foresell.store.model_versions import pointers

    return PRODUCTION in pointers(shop.folder.models, name)


def known_models(shop: Shop) -> list[KnownModel]:
    """Every model that has a version, by name."""
    from foresell.store.model_versions import list_models

    return [known_model(shop, name) for name, its in list_models(shop.folder.models).items() if its]


def known_model(shop: Shop, name: str) -> KnownModel:
    """NotFoundError for one that has no version."""
    from foresell.store.model_versions import pointers, versions

    found = versions(shop.folder.models, name)
    if not found:
        raise NotFoundError(f"There is no model '{name}'", do="Fit it first.")
    at_work = pointers(shop.folder.models, name).get(PRODUCTION)
    described = [
        _described(shop, name, version, is_at_work=version == at_work) for version in reversed(found)
    ]
    return KnownModel(name, tuple(described))


def promote(shop: Shop, name: str, version: str) -> ModelVersion:
    """Put a version in production, in one step for every reader. It is read first, its hashes checked: one
    that cannot be loaded is refused, and what was at work stays. NotFoundError for an unknown one."""
    from foresell.store.model_versions import set_pointer
    from foresell.store.models import load_artifact

    load_artifact(shop.folder.models, name, version)
    set_pointer(shop.folder.models, name, PRODUCTION, version)
    return next(one for one in known_model(shop, name).versions if one.version == version)


def roll_back(shop: Shop, name: str) -> ModelVersion:
    """Put the version before the one at work in its place. ConflictError where there is none before it."""
    model = known_model(shop, name)
    numbers = [one.version for one in model.versions]
    if model.at_work is None:
        raise InputError(f"No version of '{name}' is at work", do="Put one in production first.")
    place = numbers.index(model.at_work.version) + 1
    if place == len(numbers):
        raise ConflictError(f"There is no version of '{name}' before {model.at_work.version}")
    return promote(shop, name, numbers[place])


def _described(shop: Shop, name: str, version: str, *, is_at_work: bool) -> ModelVersion:
    from foresell.store.durable import read_json

    home = shop.folder.models / name / version
    manifest: dict[str, Any] = read_json(home / "manifest.json")
    scores = home / "scores.json"
    card = home / "CARD.md"
    made_at = manifest.get("created_at")
    return ModelVersion(
        version,
        str(manifest.get("kind", "")),
        datetime.fromisoformat(str(made_at)) if made_at else None,
        read_json(scores) if scores.exists() else {},
        card.read_text(encoding="utf-8") if card.exists() else "",
        is_at_work,
    )
