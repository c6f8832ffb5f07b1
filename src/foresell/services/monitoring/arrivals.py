"""What arrives in two spans of days: what visitors do, what is ordered, at which prices."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from foresell.evaluation.drift import Shift, shift_of_numbers, shift_of_pairs, shift_of_shares
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars as pl

    from foresell.contracts.protocols import Tables

Days = tuple[date, date]
MIXES = ("channel", "payment_method", "country")
# Values beyond these are one: of many that are rare no count says much.
MOST_VALUES, OTHER = 20, "(other)"
NONE = "(none)"


def compare_arrivals(shop: Shop, tables: "Tables", reference: Days, now: Days) -> Iterator[tuple[str, Shift]]:
    """(group, shift) of everything that has enough rows in both spans."""
    yield from _named("events", [_events(tables, reference, now)])
    lines = [_lines(shop, tables, one) for one in (reference, now)]
    yield from _named("orders", _orders(lines[0], lines[1]))
    yield from _named("prices", [_prices(lines[0], lines[1])])


def _named(group: str, shifts: "list[Shift | None]") -> Iterator[tuple[str, Shift]]:
    yield from ((group, one) for one in shifts if one is not None)


def _events(tables: "Tables", reference: Days, now: Days) -> Shift | None:
    """The mix of names, counted by visitors: of one who does much, much is alike."""
    events = tables.current("events")
    counts, units = [], []
    for first, last in (reference, now):
        own = events.filter(events.local_date.between(first, last))
        rows = own.group_by("event_name").agg(num=own.count()).to_pyarrow()
        counts.append(dict(zip(rows["event_name"].to_pylist(), rows["num"].to_pylist(), strict=True)))
        who = own.customer_id.coalesce(own.anonymous_id, own.session_id)
        units.append(int(own.select(who=who).who.nunique().to_pyarrow().as_py() or 0))
    return shift_of_shares("event_name", counts[0], counts[1], (units[0], units[1]))


def _lines(shop: Shop, tables: "Tables", days: Days) -> "pl.DataFrame":
    """order_id, product_id, category, amount, quantity and MIXES of the lines of orders that count."""
    from foresell.kpis.order_facts import sold_lines
    from foresell.kpis.scope import make_scope
    from foresell.store.ever_there import ever_there

    lines = sold_lines(make_scope(tables, shop.settings, start=days[0], end=days[1]))
    products = ever_there(tables, "products").select(known="product_id", category="category")
    joined = lines.left_join(products, lines.product_id == products.known)
    found: pl.DataFrame = joined.select(
        "order_id",
        "product_id",
        "category",
        *MIXES,
        amount=joined.line_amount.cast("float64") - joined.spread,
        quantity=joined.quantity.cast("float64"),
    ).to_polars()
    return found


def _orders(before: "pl.DataFrame", after: "pl.DataFrame") -> "list[Shift | None]":
    import polars as pl

    orders = [
        one.group_by("order_id").agg(
            pl.col("amount", "quantity").sum(), pl.col(MIXES).first(), lines=pl.len()
        )
        for one in (before, after)
    ]
    units = (orders[0].height, orders[1].height)
    found = [
        shift_of_numbers(name, orders[0][column], orders[1][column])
        for name, column in (("order_value", "amount"), ("units_per_order", "quantity"))
    ]
    found += [shift_of_shares(mix, *_counts(orders[0], orders[1], mix), units) for mix in MIXES]
    # Lines of one order depend on each other.
    found.append(shift_of_shares("category", *_counts(before, after, "category"), units))
    return found


def _counts(
    before: "pl.DataFrame", after: "pl.DataFrame", column: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Value → rows, of both; the rarest as one."""
    import polars as pl

    value = pl.col(column).cast(pl.String).fill_null(NONE)
    common = (
        pl.concat([before.select(value), after.select(value)])[column]
        .value_counts(sort=True)
        .head(MOST_VALUES)
    )
    kept = common[column].to_list()

    def counted(frame: "pl.DataFrame") -> dict[str, float]:
        shown = pl.when(value.is_in(kept)).then(value).otherwise(pl.lit(OTHER))
        rows: Any = frame.select(shown.alias(column))[column].value_counts().iter_rows()
        return {name: float(number) for name, number in rows}

    return counted(before), counted(after)


def _prices(before: "pl.DataFrame", after: "pl.DataFrame") -> Shift | None:
    """What a piece of each product was sold for, of those sold in both spans."""
    import polars as pl

    sold = pl.col("product_id").is_not_null() & (pl.col("quantity") > 0) & (pl.col("amount") > 0)
    each = [
        one.filter(sold).group_by("product_id").agg(price=pl.col("amount").sum() / pl.col("quantity").sum())
        for one in (before, after)
    ]
    both = each[0].join(each[1], on="product_id", suffix="_now")
    return shift_of_pairs("price_paid", both["price"], both["price_now"])
