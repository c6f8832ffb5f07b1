"""KPIs, what they mean, and why they changed."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services import measure
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["kpis"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]
First = Annotated[date | None, Query(alias="from", description="First local date.")]
Last = Annotated[date | None, Query(alias="to", description="Last local date.")]


class KpiMeaning(BaseModel):
    kpi: str
    unit: str
    formula: str
    grain: str
    better: str
    meaning: str


class Kpi(BaseModel):
    """`rows`: the KPI's value, or a row a period and group; money in `unit`."""

    kpi: str
    unit: str
    rows: list[dict[str, Any]]


class KpiChange(BaseModel):
    """`parts` add up to `change` exactly."""

    model_config = ConfigDict(extra="allow")
    kpi: str
    before: float | None
    after: float | None
    change: float | None


@router.get(
    "/kpis", response_model=list[KpiMeaning], responses=documented(), summary="Every KPI and its meaning"
)
def get_kpis(principal: Reader) -> list[dict[str, object]]:
    return measure.describe_kpis()


@router.get("/kpis/{name}", response_model=Kpi, responses=documented(404), summary="One KPI")
def get_kpi(
    request: Request,
    name: str,
    principal: Reader,
    by: Annotated[str | None, Query(description="Split by a dimension, such as category.")] = None,
    period: Annotated[str | None, Query(description="day, week or month.")] = None,
    start: First = None,
    end: Last = None,
    where: Annotated[
        list[str] | None, Query(description="DIMENSION=VALUE; repeatable.", max_length=20)
    ] = None,
) -> dict[str, Any]:
    """As `foresell kpi`: errors name the dimensions and periods that there are."""
    question = measure.Question(by, period, start, end, tuple(where or ()))
    return measure.measure(served_shop(request).shop, name, question).as_record()


@router.get(
    "/kpis/{name}/explanation",
    response_model=KpiChange,
    responses=documented(404),
    summary="Why a KPI changed",
)
def get_explanation(
    request: Request,
    name: str,
    principal: Reader,
    start: First = None,
    end: Last = None,
    baseline_start: Annotated[date | None, Query(alias="baseline_from")] = None,
    baseline_end: Annotated[date | None, Query(alias="baseline_to")] = None,
) -> dict[str, Any]:
    """Between the days asked for and those just before, or the baseline named."""
    dates = {"start": start, "end": end, "baseline_start": baseline_start, "baseline_end": baseline_end}
    return measure.explain(served_shop(request).shop, name, dates).as_record()
