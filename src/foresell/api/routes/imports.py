"""What came in, what could not be used, and bringing it in after all."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.paging import Cursor, Limit, Page, as_page, offset_of, page_of
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services import quarantine, result_pages
from foresell.services.access.roles import Principal
from foresell.services.shop import Shop

router = APIRouter(prefix="/v1", tags=["imports"])
Writer = Annotated[Principal, Depends(Needs("quarantine:write"))]
QuarantineId = Annotated[str, Path(max_length=120)]
MOST_LISTED = 10_000


class ImportRun(BaseModel):
    """The four outcomes add up to `rows_read`."""

    run_id: str
    source: str
    source_file: str | None
    status: str
    started_at: str
    finished_at: str
    rows_read: int
    rows_accepted: int
    rows_updated: int
    rows_duplicate: int
    rows_quarantined: int


class QuarantinedRow(BaseModel):
    """`raw`: the row as it came, identifiers as tokens; `fixes`: values that were corrected since."""

    quarantine_id: str
    run_id: str
    source_file: str | None
    row_number: int | None
    target_table: str | None
    error_code: str
    column: str | None
    message: str | None
    raw: dict[str, Any] | None
    status: str
    fixes: dict[str, str]


class Fixes(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"values": {"price": "9.90"}}]})
    values: dict[str, str] = Field(
        min_length=1, max_length=100, description="Source column → corrected value."
    )


class Replayed(BaseModel):
    runs: int
    rows_read: int
    rows_accepted: int
    rows_quarantined: int


@router.get("/imports", response_model=Page[ImportRun], responses=documented(), summary="What came in")
def get_imports(
    request: Request,
    principal: Annotated[Principal, Depends(Needs("insight:read"))],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, object]:
    start = offset_of(cursor)
    return as_page(result_pages.imports(served_shop(request).shop, limit, start), limit, start)


@router.get(
    "/quarantine",
    response_model=Page[QuarantinedRow],
    responses=documented(),
    summary="What could not be used",
)
def get_quarantine(
    request: Request, principal: Writer, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, object]:
    """Open rows, in the order of their runs."""
    rows = quarantine.list_quarantine(
        served_shop(request).shop, limit=min(MOST_LISTED, offset_of(cursor) + limit + 1)
    )
    return page_of([one.as_record() for one in rows], limit, cursor)


@router.patch(
    "/quarantine/{quarantine_id}",
    response_model=QuarantinedRow,
    responses=documented(404, 409),
    summary="Correct a row",
)
def patch_quarantine(
    request: Request, quarantine_id: QuarantineId, fixes: Fixes, principal: Writer
) -> dict[str, Any]:
    served = served_shop(request)
    row = quarantine.fix_quarantine(served.shop, quarantine_id, fixes.values)
    served.note(principal, "quarantine.fix", row=quarantine_id, columns=sorted(fixes.values))
    return row.as_record()


@router.post(
    "/quarantine/replay",
    response_model=Replayed,
    responses=documented(409),
    summary="Bring the corrected rows in",
)
def replay(request: Request, principal: Writer) -> dict[str, int]:
    """429 while somebody else writes for a minute."""
    served = served_shop(request)
    runs = quarantine.replay_quarantine(Shop(served.shop.folder))
    served.note(principal, "quarantine.replay", runs=len(runs))
    counts = [run.counts for run in runs]
    return {
        "runs": len(runs),
        "rows_read": sum(one.rows_read for one in counts),
        "rows_accepted": sum(one.rows_accepted for one in counts),
        "rows_quarantined": sum(one.rows_quarantined for one in counts),
    }
