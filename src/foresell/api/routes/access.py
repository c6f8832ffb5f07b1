"""Keys and the audit log, for administrators."""

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.paging import Cursor, Limit, Page, as_page, offset_of
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.accounts import add_key, revoke_key
from foresell.services.access.audit import audit_log
from foresell.services.access.roles import Principal
from foresell.store.access import AccessTables, ApiKey

router = APIRouter(prefix="/v1", tags=["access"])
Admin = Annotated[Principal, Depends(Needs("access:write"))]


class Key(BaseModel):
    key_id: str
    name: str
    scopes: list[str]
    made_at: str
    expires_at: str | None
    revoked_at: str | None


class NewKey(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "web-shop", "scopes": ["events:write"]}]}
    )
    name: str = Field(max_length=63)
    scopes: list[str] = Field(min_length=1, max_length=20)
    days: int | None = Field(None, ge=1, le=3_650)


class MadeKey(Key):
    """`secret`: told this once."""

    secret: str


class AuditEntry(BaseModel):
    number: int
    at: str
    who: str
    action: str
    subject: str | None
    details: dict[str, Any]
    previous: str
    hash: str


@router.get("/keys", response_model=list[Key], responses=documented(), summary="Every key")
def get_keys(request: Request, principal: Admin) -> list[dict[str, Any]]:
    return [_told(one) for one in AccessTables(served_shop(request).shop.folder.state).all_keys()]


@router.post("/keys", status_code=201, response_model=MadeKey, responses=documented(), summary="Make a key")
def post_key(request: Request, given: NewKey, principal: Admin) -> dict[str, Any]:
    key, secret = add_key(served_shop(request).shop, given.name, given.scopes, principal.name, given.days)
    return {**_told(key), "secret": secret}


@router.delete("/keys/{key_id}", status_code=204, responses=documented(404), summary="Revoke a key")
def delete_key(request: Request, key_id: Annotated[str, Path(max_length=20)], principal: Admin) -> None:
    """It is refused within seconds."""
    revoke_key(served_shop(request).shop, key_id, principal.name)


@router.get("/audit", response_model=Page[AuditEntry], responses=documented(), summary="Who did what")
def get_audit(
    request: Request, principal: Admin, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, object]:
    """Oldest first. `foresell audit verify` checks that nothing was changed."""
    start = offset_of(cursor)
    entries = audit_log(served_shop(request).shop).entries()
    return as_page([dict(one) for one in islice(entries, start, start + limit + 1)], limit, start)


def _told(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": list(key.scopes),
        "made_at": key.made_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }
