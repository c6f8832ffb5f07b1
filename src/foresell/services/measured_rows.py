"""The rows behind the figures of selling: order lines that count, page by page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from foresell.contracts.errors import InputError
from foresell.services.report.gather.titles import name_products
from foresell.services.report.sections import Span
from foresell.services.shop import Shop

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an order that counts. Money in the store's currency, without tax; `sales`: after discounts,
    the order's own spread over its lines included; refunds count on their own day, not here."""

    local_date: date
    order_id: str
    customer_id: str | None
    product_id: str | None
    title: str | None
    quantity: float | None
    gross: float
    discount: float
    sales: float

    def as_record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class SoldLines:
    """`total`: how many there are; `first`: the number (from 1) of the first of `rows`."""

    total: int
    first: int
    rows: tuple[SoldLine, ...]


def sold_lines(shop: Shop, span: Span, first: int = 1, most: int = 50) -> SoldLines:
    """The lines of a span, the newest order first, then by order and line; InputError for most above 500."""
    from foresell.kpis.order_facts import sold_lines as read_lines
    from foresell.kpis.scope import make_scope

    if first < 1 or not 1 <= most <= MOST_ROWS:
        raise InputError("There is no such page of rows", received=f"{first}, {most}")
    with shop.reading_matched() as tables:
        lines = read_lines(make_scope(tables, shop.settings, start=span.start, end=span.end))
        chosen = lines.select(
            *("date", "order_id", "order_line_id", "customer_id", "product_id", "quantity"),
            gross=(lines.line_amount + lines.line_discount).cast("float64"),
            discount=lines.line_discount.cast("float64") + lines.spread,
            sales=lines.line_amount.cast("float64") - lines.spread,
        )
        total = int(chosen.count().execute())
        ordered = chosen.order_by(chosen.date.desc(), "order_id", "order_line_id")
        page = ordered.limit(most, offset=first - 1).to_pyarrow().to_pylist()
        named = name_products(tables, {row["product_id"] for row in page if row["product_id"]})
    return SoldLines(total, first, tuple(_line(row, named) for row in page))


def _line(row: dict[str, Any], named: dict[str, Any]) -> SoldLine:
    product = row["product_id"]
    return SoldLine(
        row["date"],
        row["order_id"],
        row["customer_id"],
        product,
        named[product].title if product else None,
        row["quantity"],
        row["gross"],
        row["discount"],
        row["sales"],
    )
