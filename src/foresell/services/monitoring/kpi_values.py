"""The table `kpi_values`: every KPI of the whole shop by day, week and month, for what reads tables."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars as pl

PERIODS = ("day", "week", "month")


def write_kpi_values(shop: Shop, progress: Progress = silent) -> int:
    """Write the table anew; returns its rows. KPIs that this shop cannot measure, and those of several
    columns, are left out; a value that is undefined is null. InputError for a missing exchange rate."""
    with writing(shop, "KPIs", progress):
        rows = _values(shop, progress)
        write_results(shop, "kpi_values", rows, replaces={})
    return rows.height


def _values(shop: Shop, progress: Progress) -> "pl.DataFrame":
    import polars as pl

    from foresell.kpis.answer import KpiAnswer
    from foresell.kpis.query import all_kpis

    made_at = datetime.now(UTC)
    rows: list[tuple[Any, ...]] = []
    with shop.reading_matched() as tables:
        for period in PERIODS:
            progress(f"KPIs by {period}", 0, None)
            for name, answer in all_kpis(tables, shop.settings, period=period).items():
                if not isinstance(answer, KpiAnswer):
                    continue
                rows += [
                    (
                        name,
                        period,
                        date.fromisoformat(row["period"]),
                        None if row["value"] is None else float(row["value"]),
                        answer.unit,
                        made_at,
                    )
                    for row in answer.rows
                    if set(row) == {"period", "value"}
                ]
    schema: dict[str, Any] = {
        "kpi": pl.String,
        "period": pl.String,
        "date": pl.Date,
        "value": pl.Float64,
        "unit": pl.String,
        "made_at": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
