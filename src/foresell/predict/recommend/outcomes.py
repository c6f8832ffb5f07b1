"""What happened after something was recommended: clicked, put into the basket, bought, sent back.

An action of a customer with a product belongs to the last time that the product was served to them before
it, if that is not longer ago than the window: so it is never counted twice. What is shown to nobody known,
and what is so recent that its window is not over in the store's data, has no known outcome: null, not no.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.counted import events_of_somebody, sales

if TYPE_CHECKING:
    import ibis.expr.types as ir

CLICKS = ("select_item", "view_item", "add_to_cart", "purchase")
PAIR = ["customer_id", "product_id"]
LINE: dict[str, Any] = {
    "order_line_id": pl.String,
    "customer_id": pl.String,
    "product_id": pl.String,
    "occurred_at": pl.Datetime("us", "UTC"),
    "quantity": pl.Float64,
    "revenue": pl.Float64,
    "returned_quantity": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Windows:
    """How long after it was served an action still belongs to it; `returning`: after it was bought."""

    clicking: timedelta = timedelta(days=1)
    buying: timedelta = timedelta(days=7)
    returning: timedelta = timedelta(days=30)


USUAL = Windows()


def served_rows(tables: Tables, since: datetime, until: datetime | None = None) -> pl.DataFrame:
    """The rows of `served` from `since` to before `until`, by time."""
    rows = tables.current("served")
    rows = rows.filter(rows.served_at >= since)
    if until is not None:
        rows = rows.filter(rows.served_at < until)
    return _in_utc(rows, "served_at").sort("served_at", "served_id")


def with_clicks(tables: Tables, shown: pl.DataFrame, windows: Windows = USUAL) -> pl.DataFrame:
    """`shown` with is_clicked and is_added: whether the product was selected, viewed, put into the basket or
    bought (`is_added`: put into the basket) within `windows.clicking`; null where that is not known."""
    known_until = _newest(tables, "events", "occurred_at") or _newest(tables, "orders", "created_at")
    actions = _attributed(_actions(tables, shown), shown, windows.clicking)
    clicked = actions["served_id"].unique().implode()
    added = actions.filter(pl.col("event_name") == "add_to_cart")["served_id"].unique().implode()
    is_known = _is_over(windows.clicking, known_until)
    return shown.with_columns(
        is_clicked=pl.when(is_known).then(pl.col("served_id").is_in(clicked)),
        is_added=pl.when(is_known).then(pl.col("served_id").is_in(added)),
    )


def outcomes(
    tables: Tables, settings: Settings, shown: pl.DataFrame, windows: Windows = USUAL
) -> pl.DataFrame:
    """`shown` (as `served_rows` gives it) with what came of it, in its order.

    is_clicked, is_added: as `with_clicks`. is_bought, quantity, revenue: of order lines within
    `windows.buying`; revenue is after discounts, without tax, before refunds, in the store's currency.
    returned_quantity: of these pieces, sent back within `windows.returning` of buying. Null: not known.
    InputError for a missing exchange rate.
    """
    known_until = _newest(tables, "orders", "created_at")
    lines = _attributed(bought_lines(tables, settings, shown, windows), shown, windows.buying)
    sums = lines.group_by("served_id").agg(pl.col("quantity", "revenue", "returned_quantity").sum())
    found = with_clicks(tables, shown, windows).join(sums, on="served_id", how="left", maintain_order="left")
    is_known = _is_over(windows.buying, known_until)
    is_final = _is_over(windows.buying + windows.returning, known_until)
    return found.with_columns(
        is_bought=pl.when(is_known).then(pl.col("quantity").is_not_null()),
        quantity=pl.when(is_known).then(pl.col("quantity").fill_null(0.0)),
        revenue=pl.when(is_known).then(pl.col("revenue").fill_null(0.0)),
        returned_quantity=pl.when(is_final).then(pl.col("returned_quantity").fill_null(0.0)),
    )


def attributed_lines(
    tables: Tables, settings: Settings, shown: pl.DataFrame, windows: Windows = USUAL
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Order lines that had time to come back, of the customers in `shown`, from when they were first shown
    something: those that belong to a serving, and all."""
    known_until = _newest(tables, "orders", "created_at")
    lines = bought_lines(tables, settings, shown, windows, only_shown=False)
    first = shown.group_by("customer_id").agg(first=pl.col("served_at").min())
    lines = lines.join(first, on="customer_id").filter(pl.col("occurred_at") >= pl.col("first"))
    if known_until is not None:
        lines = lines.filter(pl.col("occurred_at") + windows.returning <= known_until)
    return _attributed(lines, shown, windows.buying), lines


def bought_lines(
    tables: Tables, settings: Settings, shown: pl.DataFrame, windows: Windows, *, only_shown: bool = True
) -> pl.DataFrame:
    """LINE: the lines of orders that count, of the customers (and products) in `shown`."""
    from foresell.kpis.order_facts import sold_lines
    from foresell.kpis.scope import make_scope

    if shown.is_empty() or not tables.has_rows("order_lines"):
        return pl.DataFrame(schema=LINE)
    # A day early: an order's local day is that of its own time zone.
    first: Any = shown["served_at"].min()
    scope = make_scope(tables, settings, start=first.date() - timedelta(days=1))
    sold = sold_lines(scope)
    sold = sold.filter(sold.customer_id.notnull(), sold.order_line_id.notnull(), sold.quantity > 0)
    sold = sold.mutate(revenue=sold.line_amount.cast("float64") - sold.spread).rename(
        occurred_at="created_at"
    )
    kept = [name for name in LINE if name != "returned_quantity"]
    lines = _in_utc(_of_shown(sold.select(*kept), shown, only_shown=only_shown), "occurred_at")
    back = tables.current("refunds")
    back = back.filter(back.order_line_id.notnull(), back.quantity > 0)
    returned = _in_utc(back.select("order_line_id", "created_at", returned="quantity"), "created_at")
    each = lines.select("order_line_id", "occurred_at").join(returned, on="order_line_id")
    each = each.filter(pl.col("created_at") <= pl.col("occurred_at") + windows.returning)
    sums = each.group_by("order_line_id").agg(returned_quantity=pl.col("returned").sum())
    lines = lines.join(sums, on="order_line_id", how="left").with_columns(
        pl.col("returned_quantity").fill_null(0.0)
    )
    at_most = pl.min_horizontal("returned_quantity", "quantity")
    return lines.with_columns(returned_quantity=at_most).select(pl.col(n).cast(t) for n, t in LINE.items())


def _actions(tables: Tables, shown: pl.DataFrame) -> pl.DataFrame:
    """customer_id, product_id, occurred_at, event_name: all that counts as a click, with what was shown."""
    events = events_of_somebody(tables)
    events = events.filter(events.event_name.isin(CLICKS), events.product_id.notnull())
    columns = ("customer_id", "product_id", "occurred_at", "event_name")
    bought = sales(tables).mutate(event_name=_purchase())
    bought = bought.filter(bought.customer_id.notnull())
    both = events.select(*columns).union(bought.select(*columns))
    return _in_utc(_of_shown(both, shown), "occurred_at")


def _purchase() -> Any:
    import ibis

    return ibis.literal("purchase")


def _of_shown(rows: "ir.Table", shown: pl.DataFrame, *, only_shown: bool = True) -> "ir.Table":
    """The rows of customers, and with `only_shown` of products, that `shown` names."""
    import ibis

    keys = PAIR if only_shown else PAIR[:1]
    wanted = shown.filter(pl.col("customer_id").is_not_null()).select(keys).unique()
    return rows.semi_join(ibis.memtable(wanted.to_arrow()), keys)


def _attributed(actions: pl.DataFrame, shown: pl.DataFrame, window: timedelta) -> pl.DataFrame:
    """The actions that belong to a row of `shown`, with its served_id."""
    before = shown.filter(pl.col("customer_id").is_not_null()).sort("served_at", "served_id")
    found = actions.sort("occurred_at").join_asof(
        before.select(*PAIR, "served_at", "served_id"),
        left_on="occurred_at",
        right_on="served_at",
        by=PAIR,
        check_sortedness=False,
    )
    return found.filter(pl.col("occurred_at") < pl.col("served_at") + window)


def _is_over(window: timedelta, known_until: datetime | None) -> pl.Expr:
    if known_until is None:
        return pl.lit(value=False)
    return pl.col("customer_id").is_not_null() & (pl.col("served_at") + window <= known_until)


def _newest(tables: Tables, name: str, column: str) -> datetime | None:
    """When the last of what a table knows happened: of what came later, nothing is known."""
    newest = tables.current(name)[column].max().to_pyarrow().as_py()
    return None if newest is None else newest.astimezone(UTC)


def _in_utc(rows: "ir.Table", column: str) -> pl.DataFrame:
    frame: pl.DataFrame = rows.to_polars()
    kind = frame.schema[column]
    moments = (
        pl.col(column) if getattr(kind, "time_zone", None) else pl.col(column).dt.replace_time_zone("UTC")
    )
    return frame.with_columns(moments.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")))
