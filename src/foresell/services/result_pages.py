"""What models have written, a page at a time: scores, segments, forecasts; and what was imported."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.services.recommend import require_customer
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import ibis.expr.types as ir

Record = dict[str, Any]
OF_RUN = (
    *("run_id", "source", "source_file", "status", "started_at", "finished_at"),
    *("rows_read", "rows_accepted", "rows_updated", "rows_duplicate", "rows_quarantined"),
)


def scores_of_customer(shop: Shop, customer_id: str) -> list[Record]:
    """What each task's model says of a customer, by task. NotFoundError for one nobody knows."""
    with shop.reading_matched() as tables:
        person = tables.person_of(customer_id)
        require_customer(tables, person)
        rows = tables.current("scores")
        return _records(rows.filter(rows.customer_id == person).order_by("task"))


def segments_of_customer(shop: Shop, customer_id: str) -> list[Record]:
    with shop.reading_matched() as tables:
        rows = tables.current("segments")
        return _records(
            rows.filter(rows.customer_id == tables.person_of(customer_id)).order_by("segmentation")
        )


def scores_of_task(shop: Shop, task: str, limit: int, offset: int) -> list[Record]:
    """The highest scores of a task first (days: the lowest), ties by customer; one more than `limit`, if
    there are more. NotFoundError for a task without scores."""
    import ibis

    with shop.reading_matched() as tables:
        rows = tables.current("scores")
        _require(tables, "scores", "task", task)
        own = rows.filter(rows.task == task)
        is_days = own.unit == "days"
        order = [ibis.ifelse(is_days, own.score, -own.score), own.customer_id]
        return _records(own.order_by(order).limit(limit + 1, offset=offset))


def segment_sizes(shop: Shop) -> list[Record]:
    """segmentation, segment, num_customers; the largest of each segmentation first."""
    import ibis

    with shop.reading_matched() as tables:
        rows = tables.current("segments")
        sizes = rows.group_by("segmentation", "segment").agg(num_customers=rows.count())
        return _records(sizes.order_by("segmentation", ibis.desc("num_customers"), "segment"))


def members_of_segment(shop: Shop, segmentation: str, segment: str, limit: int, offset: int) -> list[Record]:
    """Customers, ascending; NotFoundError for a segment of nobody."""
    with shop.reading_matched() as tables:
        _require(tables, "segments", "segmentation", segmentation)
        _require(tables, "segments", "segment", segment)
        rows = tables.current("segments")
        own = rows.filter(rows.segmentation == segmentation, rows.segment == segment)
        chosen = own.select("customer_id", "confidence").order_by("customer_id")
        return _records(chosen.limit(limit + 1, offset=offset))


def forecast_series(shop: Shop) -> list[Record]:
    """series_id, model, and the first and last day that is forecast."""
    with shop.reading() as tables:
        rows = tables.current("forecasts")
        found = rows.group_by("series_id", "model").agg(
            first_date=rows["date"].min(), last_date=rows["date"].max(), num_periods=rows.count()
        )
        return _records(found.order_by("series_id", "model"))


def forecasts_of(shop: Shop, series_id: str) -> list[Record]:
    """The forecast of a series, by day. NotFoundError for one that is not forecast."""
    with shop.reading() as tables:
        _require(tables, "forecasts", "series_id", series_id)
        rows = tables.current("forecasts")
        return _records(rows.filter(rows.series_id == series_id).order_by("model", "date"))


def imports(shop: Shop, limit: int, offset: int) -> list[Record]:
    """The newest run first: what came in, and how its rows ended."""
    import ibis

    with shop.reading() as tables:
        rows = tables.current("ingest_runs").select(*OF_RUN)
        return _records(rows.order_by(ibis.desc("started_at"), "run_id").limit(limit + 1, offset=offset))


def _require(tables: Tables, table: str, column: str, value: str) -> None:
    """NotFoundError naming what there is, where no row has the value."""
    rows = tables.current(table)
    if int(rows.filter(rows[column] == value).limit(1).count().execute()):
        return
    known = [row[column] for row in rows.select(column).distinct().limit(200).to_pyarrow().to_pylist()]
    what = column.removesuffix("_id")
    raise NotFoundError(
        f"There is no {what} '{value}' in {table}",
        do=did_you_mean(value, known) if known else "Nothing has been written there yet.",
    )


def _records(rows: "ir.Table") -> list[Record]:
    found = rows.to_pyarrow().to_pylist()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
