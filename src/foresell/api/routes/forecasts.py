"""Forecasts, as the production model wrote them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from foresell.api.access import Needs
from foresell.api.paging import Cursor, Limit, Page, page_of
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services import result_pages
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["forecasts"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]


class Series(BaseModel):
    series_id: str
    model: str
    first_date: str
    last_date: str
    num_periods: int


class ForecastPeriod(BaseModel):
    """`date`: the period's first local day. The bounds of the 80% and the 95% interval."""

    series_id: str
    model: str
    cutoff_date: str
    date: str
    mean: float
    lower_80: float | None
    upper_80: float | None
    lower_95: float | None
    upper_95: float | None


@router.get("/forecasts", response_model=Page[Series], responses=documented(), summary="What is forecast")
def get_series(
    request: Request, principal: Reader, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, object]:
    return page_of(result_pages.forecast_series(served_shop(request).shop), limit, cursor)


@router.get(
    "/forecasts/{series_id:path}",
    response_model=list[ForecastPeriod],
    responses=documented(404),
    summary="The forecast of a series",
)
def get_forecast(
    request: Request, series_id: Annotated[str, Path(max_length=300)], principal: Reader
) -> list[dict[str, Any]]:
    return result_pages.forecasts_of(served_shop(request).shop, series_id)
