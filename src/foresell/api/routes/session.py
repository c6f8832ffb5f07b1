"""Sessions of people: begun with a password, ended, asked after."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from foresell.api.access import COOKIE, anybody, identified
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal
from foresell.services.access.signing_in import SESSION_TIME

router = APIRouter(prefix="/v1", tags=["session"])


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=63)
    password: str = Field(min_length=1, max_length=256)


class SignedIn(BaseModel):
    """`csrf_token`: to be sent as X-CSRF-Token with whatever changes something."""

    name: str
    scopes: list[str]
    csrf_token: str
    expires_at: str


class Who(BaseModel):
    name: str
    scopes: list[str]


async def somebody(request: Request) -> Principal:
    """A dependency: whoever asks, whatever they may."""
    return identified(request)


@router.post(
    "/session",
    response_model=SignedIn,
    responses=documented(),
    dependencies=[Depends(anybody)],
    summary="Sign in",
)
def post_session(request: Request, given: Credentials) -> JSONResponse:
    """Sets a cookie that scripts cannot read. A few attempts a minute for each name and address."""
    host = request.client.host if request.client else ""
    request.app.state.sign_in_buckets.take(f"{host} {given.name}")
    request.app.state.sign_in_buckets.take(f"name {given.name}")
    signed = served_shop(request).gate.sign_in(given.name, given.password)
    answer = JSONResponse(
        {
            "name": signed.principal.name,
            "scopes": sorted(signed.principal.scopes),
            "csrf_token": signed.csrf,
            "expires_at": signed.expires_at.isoformat(),
        }
    )
    answer.set_cookie(
        COOKIE,
        signed.session,
        max_age=int(SESSION_TIME.total_seconds()),
        httponly=True,
        secure=request.app.state.is_secure,
        samesite="strict",
    )
    return answer


@router.get("/session", response_model=Who, responses=documented(), summary="Who asks")
async def get_session(principal: Annotated[Principal, Depends(somebody)]) -> dict[str, object]:
    return {"name": principal.name, "scopes": sorted(principal.scopes)}


@router.delete("/session", status_code=204, responses=documented(), summary="Sign out")
def delete_session(request: Request, principal: Annotated[Principal, Depends(somebody)]) -> None:
    session = request.cookies.get(COOKIE)
    if session is not None:
        served_shop(request).gate.sign_out(session)
