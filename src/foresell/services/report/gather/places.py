"""What is sold, where, and how much of it on promotion."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.services.report.sections import CampaignRow, Places, PromotionRow, Share, Span

MOST_SHARES = 12


def gather_places(tables: Tables, settings: Settings, span: Span) -> Places:
    departments = _shares(_rows(tables, settings, "net_sales", "department", span))
    categories = _shares(_rows(tables, settings, "net_sales", "category", span))
    locations = _shares(_rows(tables, settings, "net_sales", "location", span))
    names = _location_names(tables, [share.name for share in locations if share.name])
    named = [Share(names.get(s.name or "", s.name), s.net_sales, s.share) for s in locations]
    return Places(
        departments=tuple(departments[:MOST_SHARES]),
        categories=tuple(categories[:MOST_SHARES]),
        locations=tuple(named[:MOST_SHARES]),
        num_locations=sum(1 for share in locations if share.name),
        promotions=_promotions(tables, settings, span, departments),
        campaigns=_campaigns(tables, settings, span),
    )


def _rows(tables: Tables, settings: Settings, kpi: str, by: str, span: Span) -> list[dict[str, Any]]:
    """A KPI by a dimension; none where the store lacks what either needs."""
    from foresell.kpis.query import query_kpi

    try:
        answer = query_kpi(tables, settings, kpi, by=by, start=span.start, end=span.end)
    except NotFoundError:
        return []
    return [{"name": row[by], "value": row["value"]} for row in answer.rows]


def _shares(rows: Sequence[dict[str, Any]]) -> list[Share]:
    """The largest first; equal ones by name. None at all where nothing has a name."""
    if not any(row["name"] for row in rows):
        return []
    total = sum(row["value"] for row in rows)
    ordered = sorted(rows, key=lambda row: (-row["value"], str(row["name"])))
    return [Share(row["name"], row["value"], row["value"] / total if total else 0.0) for row in ordered]


def _location_names(tables: Tables, ids: Sequence[str]) -> dict[str, str]:
    if not ids or not tables.has_rows("locations"):
        return {}
    places = tables.current("locations").select("location_id", "name")
    return {row["location_id"]: row["name"] for row in places.to_pyarrow().to_pylist() if row["name"]}


def _promotions(
    tables: Tables, settings: Settings, span: Span, departments: Sequence[Share]
) -> tuple[PromotionRow, ...]:
    """The share on promotion of the largest departments, the most promoted first."""
    largest = {share.name: share.net_sales for share in departments[:MOST_SHARES]}
    rows = [
        PromotionRow(row["name"], row["value"], largest[row["name"]])
        for row in _rows(tables, settings, "promotion_share", "department", span)
        if row["value"] is not None and row["name"] in largest
    ]
    return tuple(sorted(rows, key=lambda row: (-row.share, str(row.department))))


def _campaigns(tables: Tables, settings: Settings, span: Span) -> tuple[CampaignRow, ...]:
    """Campaigns whose coupons were used, the most used first."""
    used = {
        row["name"]: row["value"] for row in _rows(tables, settings, "coupon_redemptions", "campaign", span)
    }
    if not used:
        return ()
    rates = _rates(tables, settings, span)
    known = tables.current("campaigns").select("campaign_id", "kind", "starts_at", "ends_at")
    about = {row["campaign_id"]: row for row in known.to_pyarrow().to_pylist()}
    rows = [
        CampaignRow(
            campaign_id=name,
            kind=about.get(name, {}).get("kind"),
            starts_at=_day(about.get(name, {}).get("starts_at")),
            ends_at=_day(about.get(name, {}).get("ends_at")),
            redemptions=count,
            rate=rates.get(name),
        )
        for name, count in used.items()
        if name is not None
    ]
    return tuple(sorted(rows, key=lambda row: (-row.redemptions, row.campaign_id))[:MOST_SHARES])


def _rates(tables: Tables, settings: Settings, span: Span) -> dict[str | None, float | None]:
    try:
        rows = _rows(tables, settings, "coupon_redemption_rate", "campaign", span)
    except InputError:
        return {}
    return {row["name"]: row["value"] for row in rows}


def _day(moment: Any) -> date | None:
    return None if moment is None else moment.date()
