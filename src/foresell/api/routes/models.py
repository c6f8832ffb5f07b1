"""Models: versions, what is in production, leaderboards; putting one in production and back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.contracts.errors import ConflictError, ForesellError
from foresell.services.access.roles import Principal
from foresell.services.leaderboards import read_leaderboard
from foresell.services.models_in_use import promote
from foresell.services.production import PRODUCTION
from foresell.store.model_versions import check_name, list_models, pointers, resolve, set_pointer

# How a model fails that another version of Foresell has saved.
UNREADABLE = (ForesellError, LookupError, TypeError, ValueError)
router = APIRouter(prefix="/v1", tags=["models"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]
Name = Annotated[str, Path(max_length=63)]


class Model(BaseModel):
    """`answering`: the version that this process answers by; of the recommender only. `refused`: why a
    version in production was not let in."""

    name: str
    versions: list[str]
    production: str | None
    candidate: str | None
    answering: str | None = None
    refused: dict[str, str] = {}


class Leaderboard(BaseModel):
    task: str
    metric: str
    chosen_by: str
    rows: list[dict[str, Any]]


class Promotion(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": "0002"}]})
    version: str = Field(max_length=20, description="A version, or `candidate`.")


@router.get("/models", response_model=list[Model], responses=documented(), summary="Every model")
def get_models(request: Request, principal: Reader) -> list[dict[str, Any]]:
    served = served_shop(request)
    folder = served.shop.folder.models
    return [_model(request, name, its) for name, its in list_models(folder).items() if its]


@router.get(
    "/models/{name}/leaderboard",
    response_model=Leaderboard,
    responses=documented(404),
    summary="How the models of a task did",
)
def get_leaderboard(request: Request, name: Name, principal: Reader) -> dict[str, Any]:
    # A name that ends as a file does would be read as one.
    check_name(name)
    return read_leaderboard(served_shop(request).shop, name).as_record()


@router.put(
    "/models/{name}/production",
    response_model=Model,
    responses=documented(404, 409),
    summary="Put a version in production",
)
def put_production(
    request: Request,
    name: Name,
    wanted: Promotion,
    principal: Annotated[Principal, Depends(Needs("models:write"))],
) -> dict[str, Any]:
    """Also back to an older one. A recommender answers a trial first: one that fails it stays out, 409 says
    why, and the version before goes on. No request is dropped meanwhile."""
    served = served_shop(request)
    folder = served.shop.folder.models
    version = resolve(folder, name, wanted.version)
    before = pointers(folder, name).get(PRODUCTION)
    # Read first, its hashes checked: one that cannot be is refused.
    promote(served.shop, name, version)
    if name == "recommend":
        try:
            served.live.refresh()
        except UNREADABLE as error:
            if before is not None:
                set_pointer(folder, name, PRODUCTION, before)
            served.note(principal, "model.refused", model=name, version=version)
            raise ConflictError(
                f"Version {version} failed its trial: {_reason(error)}",
                do=f"Version {before} goes on. Fit the model again.",
            ) from error
    served.note(principal, "model.promote", model=name, version=version, before=before)
    return _model(request, name, list_models(folder)[name])


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, ForesellError) else "another version of Foresell has saved it"


def _model(request: Request, name: str, versions: list[str]) -> dict[str, Any]:
    served = served_shop(request)
    points = pointers(served.shop.folder.models, name)
    is_recommender = name == "recommend"
    return {
        "name": name,
        "versions": versions,
        "production": points.get(PRODUCTION),
        "candidate": points.get("candidate"),
        "answering": served.live.mind.label if is_recommender else None,
        "refused": dict(served.live.mind.refused) if is_recommender else {},
    }
