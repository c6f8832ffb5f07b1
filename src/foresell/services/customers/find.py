"""Customers, page by page: by id, by segment, by what a model says of them."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from foresell.matching.resolve import MatchedTables

MOST_ROWS = 500
MONEY = "decimal(18,4)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which customers: `text` stands anywhere in their id; `segment` of a segmentation; `task`: of whom a
    model said something, the highest first (days: the lowest). None or empty: whoever."""

    text: str = ""
    segmentation: str | None = None
    segment: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """`orders`, `last_order`: of orders that count, over all time; `score`, `unit`: of the task asked for."""

    customer_id: str
    segment: str | None
    score: float | None
    unit: str | None
    orders: int
    last_order: date | None

    def as_record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class FoundCustomers:
    """`total`: how many fit; `first`: the number (from 1) of the first of `rows`."""

    total: int
    first: int
    rows: tuple[FoundCustomer, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be asked for: (segmentation, segment, number of customers), and tasks with scores."""

    segments: tuple[tuple[str, str, int], ...]
    tasks: tuple[str, ...]


def customer_choices(shop: Shop) -> Choices:
    with shop.reading_matched() as tables:
        segments = tables.current("segments")
        sizes = segments.group_by("segmentation", "segment").agg(size=segments.count())
        found = sizes.order_by("segmentation", sizes["size"].desc(), "segment").to_pyarrow().to_pylist()
        scores = tables.current("scores")
        tasks = scores.select("task").distinct().order_by("task").to_pyarrow()["task"].to_pylist()
    return Choices(tuple((row["segmentation"], row["segment"], row["size"]) for row in found), tuple(tasks))


def find_customers(shop: Shop, wanted: Wanted, first: int = 1, most: int = 50) -> FoundCustomers:
    """Those that fit, by score where a task is asked for, ties and all others by id; most up to 500."""
    if first < 1 or not 1 <= most <= MOST_ROWS:
        raise InputError("There is no such page of customers", received=f"{first}, {most}")
    with shop.reading_matched() as tables:
        fitting = _fitting(tables, wanted)
        total = int(fitting.count().execute())
        order = [] if wanted.task is None else [fitting.rank_by.desc()]
        page = fitting.order_by([*order, fitting.customer_id]).limit(most, offset=first - 1)
        rows = page.to_pyarrow().to_pylist()
        facts = _facts(tables, [row["customer_id"] for row in rows])
        in_segment = _segments(tables, [row["customer_id"] for row in rows], wanted.segmentation)
    return FoundCustomers(
        total,
        first,
        tuple(
            FoundCustomer(
                row["customer_id"],
                in_segment.get(row["customer_id"]),
                row["score"],
                row["unit"],
                *facts.get(row["customer_id"], (0, None)),
            )
            for row in rows
        ),
    )


def _fitting(tables: "MatchedTables", wanted: Wanted) -> "ir.Table":
    """customer_id, score, unit, rank_by: one row a customer."""
    import ibis

    if wanted.task is not None:
        scores = tables.current("scores")
        own = scores.filter(scores.task == wanted.task)
        rank_by = ibis.ifelse(own.unit == "days", -own.score, own.score)
        people = own.select("customer_id", "score", "unit", rank_by=rank_by)
    else:
        known = [
            rows.select("customer_id").filter(rows.customer_id.notnull())
            for rows in (tables.current("customers"), tables.current("orders"))
        ]
        nothing = {
            "score": ibis.null("float64"),
            "unit": ibis.null("string"),
            "rank_by": ibis.null("float64"),
        }
        people = ibis.union(*known, distinct=True).mutate(**nothing)
    if wanted.text:
        people = people.filter(people.customer_id.contains(wanted.text))
    if wanted.segment is not None:
        segments = tables.current("segments")
        chosen = segments.filter(segments.segment == wanted.segment)
        if wanted.segmentation is not None:
            chosen = chosen.filter(chosen.segmentation == wanted.segmentation)
        people = people.semi_join(chosen, "customer_id")
    return people


def _facts(tables: "MatchedTables", ids: list[str]) -> dict[str, tuple[int, date | None]]:
    """Customer → number of orders that count, and the last one's local date."""
    orders = tables.current("orders")
    counted = orders.filter(
        orders.customer_id.isin(ids) if ids else False,
        ~orders.is_test.fill_null(False),
        orders.cancelled_at.isnull(),
        orders.status.fill_null("") != "cancelled",
    )
    found = counted.group_by("customer_id").agg(orders=counted.count(), last=counted.local_date.max())
    return {row["customer_id"]: (row["orders"], row["last"]) for row in found.to_pyarrow().to_pylist()}


def _segments(tables: "MatchedTables", ids: list[str], segmentation: str | None) -> dict[str, str]:
    """Customer → segment of that segmentation (None: the first by name)."""
    rows = tables.current("segments")
    own = rows.filter(rows.customer_id.isin(ids) if ids else False)
    if segmentation is not None:
        own = own.filter(own.segmentation == segmentation)
    ordered = own.select("customer_id", "segmentation", "segment").order_by("segmentation")
    found: dict[str, str] = {}
    for row in ordered.to_pyarrow().to_pylist():
        found.setdefault(row["customer_id"], row["segment"])
    return found
