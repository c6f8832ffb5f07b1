"""The rules of recommending: read, replaced, taken out of force."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal
from foresell.services.rules import clear_rules, history, put_rules, show_rules

router = APIRouter(prefix="/v1", tags=["rules"])
Writer = Annotated[Principal, Depends(Needs("rules:write"))]


class RuleVersion(BaseModel):
    version: int
    made_at: str
    made_by: str
    note: str
    num_rules: int
    is_in_force: bool
    text: str | None = Field(None, description="The rules in TOML: docs/rules.md.")


class NewRules(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": '[[rules]]\nkind = "exclude"\nproducts = ["p4"]\n', "note": "recalled"}]
        },
    )
    text: str = Field(max_length=200_000)
    note: str = Field("", max_length=500)


@router.get("/rules", response_model=RuleVersion, responses=documented(404), summary="The rules in force")
def get_rules(
    request: Request, principal: Annotated[Principal, Depends(Needs("insight:read"))]
) -> dict[str, Any]:
    found = show_rules(served_shop(request).shop)
    return {**found.as_record(), "text": found.text}


@router.get(
    "/rules/history",
    response_model=list[RuleVersion],
    responses=documented(),
    summary="Every version of the rules",
)
def get_history(
    request: Request, principal: Annotated[Principal, Depends(Needs("insight:read"))]
) -> list[dict[str, Any]]:
    return [one.as_record() for one in history(served_shop(request).shop)]


@router.put("/rules", response_model=RuleVersion, responses=documented(), summary="Put rules in force")
def put(request: Request, given: NewRules, principal: Writer) -> dict[str, Any]:
    """In the place of those before, which stay in the history. The next answer follows them."""
    served = served_shop(request)
    made = put_rules(served.shop, given.text, "the rules", principal.name, given.note)
    served.note(principal, "rules.put", version=made.version)
    served.live.refresh()
    return {**made.as_record(), "text": made.text}


@router.delete(
    "/rules", response_model=RuleVersion, responses=documented(), summary="Take all rules out of force"
)
def delete(request: Request, principal: Writer) -> dict[str, Any]:
    served = served_shop(request)
    made = clear_rules(served.shop, principal.name)
    served.note(principal, "rules.clear", version=made.version)
    served.live.refresh()
    return {**made.as_record(), "text": made.text}
