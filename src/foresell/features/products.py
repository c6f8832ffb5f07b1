"""What is known of products beside their ids: labels, price and text, for models that look at content."""

from html import unescape
from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.features.counted import goods

if TYPE_CHECKING:
    import polars

LEVELS_JOINED_BY = ">"
# The first sentences say what a thing is; the rest is returns policy and care instructions.
MOST_DESCRIPTION = 4_000
TAG = r"(?s)<[^<>]*>"


def products(tables: Tables) -> "polars.DataFrame":
    """The catalog's goods (no services), one row a product, ascending by product_id.

    product_id   String
    labels       List(String): "category:…" (it and every level of its path), "department:…", "brand:…";
                 trimmed, distinct, ascending; empty where nothing is known
    price        Float64, of one unit; null where unknown, or in another currency than most of the catalog
    text         String: title and description without markup, one line each; null: none

    Read it through `features.asof` for what was known at a cutoff.
    """
    import polars as pl

    rows = goods(tables)
    frame: pl.DataFrame = rows.select(
        "product_id",
        "title",
        "brand",
        "department",
        "category",
        "category_path",
        "currency",
        description=rows.description.left(MOST_DESCRIPTION),
        price=rows.price.cast("float64"),
    ).to_polars()
    return frame.select(
        "product_id", labels=labels(), price=in_main_currency(frame, "price"), text=_texts(frame)
    ).sort("product_id")


def labels() -> "polars.Expr":
    """The column `labels` of a frame with category, category_path, department and brand."""
    import polars as pl

    levels = pl.col("category_path").str.split(LEVELS_JOINED_BY)
    categories = pl.concat_list(levels.fill_null([]), pl.col("category"))
    named = {
        "category": categories,
        "department": pl.concat_list("department"),
        "brand": pl.concat_list("brand"),
    }
    prefixed = [
        values.list.eval(pl.concat_str(pl.lit(f"{name}:"), pl.element().str.strip_chars().replace("", None)))
        for name, values in named.items()
    ]
    return pl.concat_list(prefixed).list.drop_nulls().list.unique().list.sort()


def in_main_currency(frame: "polars.DataFrame", column: str) -> "polars.Expr":
    """A column of money where it is in the catalog's main currency, that of most prices (ties: the first by
    name), or in none; else null. `frame` has price and currency."""
    import polars as pl

    counts = frame.filter(pl.col("price").is_not_null() & pl.col("currency").is_not_null())
    main = counts.group_by("currency").len().sort(["len", "currency"], descending=[True, False])
    if main.is_empty():
        return pl.col(column)
    is_main = pl.col("currency").is_null() | (pl.col("currency") == main["currency"][0])
    return pl.when(is_main).then(pl.col(column))


def _texts(frame: "polars.DataFrame") -> "polars.Series":
    import polars as pl

    plain = frame.select(
        pl.col(name).str.replace_all(TAG, " ").map_elements(unescape, pl.String)
        for name in ("title", "description")
    ).select(pl.all().str.replace_all(r"\s+", " ").str.strip_chars().replace("", None))
    joined = plain.select(pl.concat_str("title", "description", separator="\n", ignore_nulls=True))
    return joined.to_series().replace("", None)
