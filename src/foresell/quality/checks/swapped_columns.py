"""Swapped columns: values that stand in each other's column."""

from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.checks.arithmetic import amount
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import finding_of, read_frame, read_rows, rows_of

if TYPE_CHECKING:
    import polars as pl

# Columns of words and ids that an export may swap, by table.
PAIRS: tuple[tuple[str, str, str], ...] = (
    ("products", "product_id", "title"),
    ("products", "title", "brand"),
    ("products", "title", "category"),
    ("products", "brand", "department"),
    ("products", "brand", "category"),
    ("products", "department", "category"),
    ("customers", "customer_id", "country"),
    ("customers", "country", "city"),
    ("customers", "age_band", "income_band"),
    ("customers", "gender", "country"),
    ("orders", "customer_id", "billing_country"),
    ("orders", "customer_id", "shipping_country"),
    ("orders", "customer_id", "location_id"),
    ("orders", "channel", "payment_method"),
    ("locations", "name", "country"),
)
# Distinct pairs of values; beyond it they would take more memory than a check may.
MOST_PAIRS = 2_000_000
# A product's usual price is known from so many lines.
FEWEST_PRICES = 3
# A product of fewer whole quantities is weighed, not counted.
LEAST_WHOLE = 0.5
# A price within this factor of the usual one fits; beyond the other it does not.
FITS, MISFITS = 1.25, 1.8
# Exchanged with the amount, a price p becomes 1 / p: p² off, and no whole p but 1 is less than 4 off.
AMOUNT_MISFITS = 3.5
# ... for a quantity that is no whole number, and is one in the other column.
FITS_ROUGHLY = 2.5


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Rows where two texts are each more at home in the other's column, and lines where quantity and price,
    or quantity and amount, make the product's usual price only when exchanged.

    Values that are equal cannot be swapped, and nor does a swap show where both read alike in both columns.
    """
    findings = _quantities(tables)
    for name, first, second in PAIRS:
        rows = rows_of(tables, name)
        if rows is None:
            continue
        pair, least = (name, first, second), settings.quality.swapped_evidence
        if first == "product_id" and tables.has_rows("order_lines"):
            findings += _texts(_with_sales(rows, tables.current("order_lines")), pair, least, "num_lines")
        else:
            findings += _texts(rows, pair, least)
    return findings


def _with_sales(products: Any, lines: Any) -> Any:
    """Products with `num_lines`, and 1 for those that are listed: an id is at home where it sells."""
    sold = lines.group_by("product_id").aggregate(num_sold=lines.count())
    counted = products.left_join(sold, "product_id")
    return counted.mutate(num_lines=counted.num_sold.fill_null(0) + 1)


def _texts(rows: Any, pair: tuple[str, str, str], least: float, weight: str | None = None) -> list[Finding]:
    from foresell.quality.homes import strangers

    _, first, second = pair
    both = rows.filter(rows[first].notnull() & rows[second].notnull())
    pairs = both.group_by([first, second]).aggregate(num_rows=both[weight].sum() if weight else both.count())
    counted = read_rows(pairs.aggregate(n=pairs.count(), rows=pairs.num_rows.sum()))[0]
    if not 0 < counted["n"] <= MOST_PAIRS:
        return []
    frame = read_frame(pairs).rename({first: "first", second: "second"})
    found = strangers(frame, least)
    if found.is_empty():
        return []
    return _rows_of_pairs(both, pair, found, counted["rows"])


def _rows_of_pairs(both: Any, pair: tuple[str, str, str], found: Any, num_rows: int) -> list[Finding]:
    import ibis
    import polars as pl

    name, first, second = pair
    wanted = ibis.memtable(
        found.select(pl.col("first").alias(first), pl.col("second").alias(second)).to_arrow()
    )
    key = TABLES[name].key
    chosen = both.semi_join(wanted, [first, second])
    faults = read_frame(chosen.select(*key, value=chosen[first], other=chosen[second]))
    told = faults.select(
        *key, evidence=pl.format(f"{first}: {{}}, {second}: {{}}", "value", "other"), suggested="other"
    )
    words = Words(
        f"'{first}' and '{second}' seem to be swapped: each value is at home in the other column",
        "Figures by either column are wrong for these rows. Correct them at the source and import again.",
        f"“{first}”与“{second}”似乎对调了：各自的取值常见于另一列",
        "按这两列统计的结果对这些行有误。请在数据源更正后重新导入。",
    )
    return finding_of(("swapped_columns", name, first), "warning", told, num_rows, words)


def _quantities(tables: Tables) -> list[Finding]:
    import polars as pl

    lines = rows_of(tables, "order_lines")
    if lines is None:
        return []
    num_lines = read_rows(lines.aggregate(n=lines.count()))[0]["n"]
    swapped = _swapped_lines(read_frame(_misfits(lines)))
    if swapped.is_empty():
        return []
    return [
        finding
        for column in ("unit_price", "line_amount")
        for finding in _lines_found(swapped.filter(pl.col("column") == column), column, num_lines)
    ]


def _misfits(lines: Any) -> Any:
    """Lines of products that are counted, not weighed, whose quantity is no whole number or whose price is
    far from their product's median (`usual`, null: too few)."""
    import ibis

    sold = lines.filter(lines.quantity > 0).select(
        "order_line_id",
        "product_id",
        "quantity",
        price=lines.unit_price.cast("float64"),
        line_amount=lines.line_amount.cast("float64"),
        discount=amount(lines.discount_amount),
    )
    is_whole = sold.quantity == sold.quantity.round()
    # A window, not a join: of some joins on a constant column DuckDB 2.0.0 fails ("dict-surviving cache").
    product = ibis.window(group_by=sold.product_id)
    known = sold.mutate(
        is_whole=is_whole,
        median=sold.price.quantile(0.5).over(product),
        num_prices=sold.price.count().over(product),
        share_whole=is_whole.cast("float64").mean().over(product),
    )
    counted = known.filter(known.share_whole >= LEAST_WHOLE)
    ratio = counted.price / counted.median
    far = (ratio > MISFITS) | (ratio * MISFITS < 1)
    suspects = counted.filter(~counted.is_whole | far.fill_null(False))
    usual = (suspects.num_prices >= FEWEST_PRICES).ifelse(suspects.median, None)
    return suspects.select("order_line_id", "quantity", "price", "line_amount", "discount", usual=usual)


def _swapped_lines(lines: "pl.DataFrame") -> "pl.DataFrame":
    """Lines that make sense when exchanged only, with the `column` that the quantity is exchanged with.

    Exchanged with the amount, the quantity is the amount, from which with the discount the price comes."""
    import polars as pl

    gross = pl.col("quantity") + pl.col("discount")
    with_price = _is_swapped(pl.col("price"), pl.col("quantity"), MISFITS)
    with_amount = _is_swapped(pl.col("line_amount"), gross / pl.col("line_amount"), AMOUNT_MISFITS)
    column = pl.when(with_price).then(pl.lit("unit_price")).when(with_amount).then(pl.lit("line_amount"))
    return lines.with_columns(column=column).filter(pl.col("column").is_not_null())


def _is_swapped(other_quantity: "pl.Expr", other_price: "pl.Expr", misfits: float) -> "pl.Expr":
    """Whether the other reading of a line makes sense and its own does not."""
    import polars as pl

    quantity, usual = pl.col("quantity"), pl.col("usual")
    is_whole = quantity == quantity.round()
    other_whole = (other_quantity == other_quantity.round()) & (other_quantity >= 1)
    misfit, other_misfit = _times_off(pl.col("price")), _times_off(other_price)
    by_price = is_whole & (misfit > misfits) & (other_misfit < FITS)
    by_kind = ~is_whole & (usual.is_null() | (other_misfit < FITS_ROUGHLY))
    return other_whole & (by_price.fill_null(value=False) | by_kind.fill_null(value=False))


def _times_off(price: "pl.Expr") -> "pl.Expr":
    """How many times larger or smaller than usual; null if not above 0."""
    import polars as pl

    ratio = price / pl.col("usual")
    return pl.when((price > 0) & (pl.col("usual") > 0)).then(pl.max_horizontal(ratio, 1 / ratio))


def _lines_found(lines: "pl.DataFrame", column: str, num_looked_at: int) -> list[Finding]:
    import polars as pl

    value = "price" if column == "unit_price" else "line_amount"
    faults = lines.select(
        "order_line_id",
        evidence=pl.format("{} at {}; usual price {}", "quantity", "price", pl.col("usual").round(4)),
        suggested=pl.col(value).cast(pl.String),
    )
    words = Words(
        f"'quantity' and '{column}' seem to be swapped: exchanged, they make the product's usual price",
        "Units sold and prices are wrong for these lines. Correct them at the source and import again.",
        f"“quantity”与“{column}”似乎对调了：对调后才符合该商品的通常价格",
        "这些行的销量和价格有误。请在数据源更正后重新导入。",
    )
    return finding_of(("swapped_columns", "order_lines", "quantity"), "warning", faults, num_looked_at, words)
