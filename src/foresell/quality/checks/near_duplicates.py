"""Near-duplicates: one product filed under two ids, one order entered twice."""

from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import finding_of, read_frame, read_rows, rows_of

if TYPE_CHECKING:
    import polars as pl

MOST_PRODUCTS = 500_000
# What two products that are one say alike, if both say it.
ATTRIBUTES = ("brand", "department", "category")
# A basket of one line may well be bought twice within minutes.
FEWEST_LINES = 2
# A line may have been corrected, or its product re-keyed, in one of the two.
LEAST_SAME = 0.8


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Products whose titles differ by a slip, and orders of one customer with the same lines within
    `quality.near_duplicate_minutes`.

    Of a pair the rarer title, else the product sold later, else the larger id is the copy; of orders the
    later one. Products with the very same title are none: sizes and colors often share one. Catalogs of more
    than MOST_PRODUCTS are not looked at.
    """
    return _products(tables) + _orders(tables, settings.quality.near_duplicate_minutes)


def _products(tables: Tables) -> list[Finding]:
    from foresell.quality.near_titles import near_titles

    rows = rows_of(tables, "products")
    if rows is None or read_rows(rows.aggregate(n=rows.count()))[0]["n"] > MOST_PRODUCTS:
        return []
    products = read_frame(rows.select("product_id", "title", *ATTRIBUTES))
    titles = near_titles(products["title"])
    if titles.is_empty():
        return []
    copies = _copies(_pairs(products, titles), tables)
    words = Words(
        "Products have nearly the title of another: a slip of one letter, case or spacing",
        "If they are one product, its sales are split: give both the same id, or merge them by a repair.",
        "商品名称与另一商品几乎相同，仅差一个字母、大小写或空格",
        "如果是同一商品，其销量被拆分了：请使用同一编号，或用修复功能合并。",
    )
    return finding_of(("near_duplicates", "products", "title"), "note", copies, products.height, words)


def _pairs(products: "pl.DataFrame", titles: "pl.DataFrame") -> "pl.DataFrame":
    """Both directions of each pair of products whose titles are near and whose attributes agree."""
    import polars as pl

    both = pl.concat([titles, titles.select(title="other", other="title", slip="slip")])
    known = products.with_columns(shared_by=pl.len().over("title"))
    pairs = both.join(known, on="title").join(known, left_on="other", right_on="title", suffix="_other")
    agree = [(pl.col(name) == pl.col(f"{name}_other")).fill_null(value=True) for name in ATTRIBUTES]
    return pairs.filter(pl.all_horizontal(agree))


def _copies(pairs: "pl.DataFrame", tables: Tables) -> "pl.DataFrame":
    """One row a copy: product_id, evidence, and the product it repeats (of several the smallest id)."""
    import polars as pl

    first_sold = _first_sold(tables, pairs["product_id"].unique().to_list())
    dated = pairs.join(first_sold, on="product_id", how="left").join(
        first_sold, left_on="product_id_other", right_on="product_id", how="left", suffix="_other"
    )
    later = pl.col("first_sold") > pl.col("first_sold_other")
    is_copy = (
        pl.when(pl.col("shared_by") != pl.col("shared_by_other"))
        .then(pl.col("shared_by") < pl.col("shared_by_other"))
        .when((pl.col("first_sold") != pl.col("first_sold_other")).fill_null(value=False))
        .then(later)
        .otherwise(pl.col("product_id") > pl.col("product_id_other"))
    )
    found = dated.filter(is_copy).sort("product_id", "product_id_other").unique("product_id", keep="first")
    return found.sort("product_id").select(
        "product_id", evidence=pl.format("{}: {}", "slip", "other"), suggested="product_id_other"
    )


def _first_sold(tables: Tables, products: list[str]) -> "pl.DataFrame":
    import polars as pl

    lines, orders = rows_of(tables, "order_lines"), rows_of(tables, "orders")
    if lines is None or orders is None:
        return pl.DataFrame(schema={"product_id": pl.String, "first_sold": pl.Datetime("us")})
    sold = lines.select("product_id", "order_id").filter(lines.product_id.isin(products))
    dated = sold.inner_join(orders.select("order_id", "created_at"), "order_id")
    return read_frame(dated.group_by("product_id").aggregate(first_sold=dated.created_at.min()))


def _orders(tables: Tables, minutes: float) -> list[Finding]:
    lines, orders = rows_of(tables, "order_lines"), rows_of(tables, "orders")
    if lines is None or orders is None:
        return []
    candidates = _soon_after(orders, lines, minutes)
    if candidates.is_empty():
        return []
    copies = candidates.filter(_has_the_same_lines(candidates, lines))
    total = read_rows(orders.aggregate(n=orders.count()))[0]["n"]
    words = Words(
        f"Orders repeat the lines of another of the same customer within {minutes:g} minutes",
        "They may have been entered or sent twice under two ids: look at them, and cancel the copies.",
        f"订单在 {minutes:g} 分钟内重复了同一顾客另一订单的各行",
        "可能以两个编号录入或发送了两次：请查看示例并取消重复订单。",
    )
    return finding_of(("near_duplicates", "orders", "order_id"), "warning", copies, total, words)


def _soon_after(orders: Any, lines: Any, minutes: float) -> "pl.DataFrame":
    """order_id, suggested, evidence: orders soon after another of the same customer; of guests, after one of
    as many lines, units and the same amount."""
    import ibis
    import polars as pl

    sums = lines.group_by("order_id").aggregate(
        num_lines=lines.count(), units=lines.quantity.sum().round(3), amount=lines.line_amount.sum()
    )
    sums = sums.filter(sums.num_lines >= FEWEST_LINES)
    heads = orders.select("order_id", "created_at", "customer_id").inner_join(sums, "order_id")
    content = ibis.literal(" ") + heads.num_lines.cast("string") + " " + heads.units.cast("string")
    content += ibis.literal(" ") + heads.amount.cast("string")
    named = heads.filter(heads.customer_id.notnull())
    repeated = _in_turn(heads.mutate(who=heads.customer_id.fill_null("") + content), minutes)
    next_ones = _in_turn(named.mutate(who=named.customer_id), minutes)
    return pl.concat([repeated, next_ones]).unique("order_id", keep="first", maintain_order=True)


def _in_turn(orders: Any, minutes: float) -> "pl.DataFrame":
    """Orders soon after the one before of the same `who`."""
    import ibis

    turn = ibis.window(group_by=orders.who, order_by=[orders.created_at, orders.order_id])
    before = orders.mutate(
        suggested=orders.order_id.lag().over(turn), earlier=orders.created_at.lag().over(turn)
    )
    apart = before.created_at.epoch_seconds() - before.earlier.epoch_seconds()
    near = before.filter(apart <= 60 * minutes)
    return read_frame(near.select("order_id", "suggested", evidence=apart.cast("string") + " s later"))


def _has_the_same_lines(pairs: "pl.DataFrame", lines: Any) -> "pl.Series":
    """Whether LEAST_SAME of the lines of the larger order are in both: product, quantity and amount."""
    import polars as pl

    ids = pl.concat([pairs["order_id"], pairs["suggested"]]).unique().to_list()
    chosen = lines.filter(lines.order_id.isin(ids))
    held = read_frame(chosen.select("order_id", "product_id", "quantity", "line_amount"))
    content = ["product_id", "quantity", "line_amount"]
    held = held.with_columns(occurrence=pl.int_range(pl.len()).over("order_id", *content))
    sizes = held.group_by("order_id").len("size")
    both = pairs.select("order_id", "suggested").join(held, on="order_id")
    same = both.join(held.rename({"order_id": "suggested"}), on=["suggested", *content, "occurrence"])
    counts = same.group_by("order_id").len("same")
    judged = (
        pairs.join(counts, on="order_id", how="left", maintain_order="left")
        .join(sizes, on="order_id", how="left", maintain_order="left")
        .join(
            sizes.rename({"order_id": "suggested"}),
            on="suggested",
            how="left",
            suffix="_b",
            maintain_order="left",
        )
    )
    share = pl.col("same").fill_null(0) / pl.max_horizontal("size", "size_b")
    return judged.select(share >= LEAST_SAME).to_series()
