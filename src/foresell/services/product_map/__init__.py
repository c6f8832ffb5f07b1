"""A map of the products: those that customers take for the same reasons stand close together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.services.shop import Progress, Shop, silent

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables

KINDS = (".html", ".png")


@dataclass(frozen=True)
class DrawnMap:
    path: Path
    num_products: int
    model: str


def map_products(shop: Shop, path: Path, most: int = 1500, progress: Progress = silent) -> DrawnMap:
    """Draw the `most` products taken most often, by the vectors of the production model.

    .html is a page that stands alone, with each product's name under the pointer; .png a picture. Raises
    InputError for another ending, NotFoundError without a trained model, DeniedError where the file cannot be
    written.
    """
    if path.suffix not in KINDS:
        raise InputError("A map is a page or a picture", received=path, do="End its name in .html or .png.")
    from foresell.behavior.flat import flat
    from foresell.services.behavior import load_behavior
    from foresell.services.product_map.page import write_page
    from foresell.services.product_map.picture import picture
    from foresell.services.product_map.png import write_png

    model, label = load_behavior(shop)
    progress("counting what was taken", 0, None)
    with shop.reading_matched() as tables:
        taken = _most_taken(tables, most)
    vectors = model.product_vectors()
    indices = model.vocabulary.product_indices(taken["product_id"])
    known = taken.filter(indices > 0)
    progress("placing the products", 0, None)
    places = flat(vectors[indices[indices > 0] - 1])
    drawn = picture(known, places, shop.settings.store.name, label, shop.settings.store.language)
    progress("drawing", 0, None)
    write_page(drawn, path) if path.suffix == ".html" else write_png(drawn, path)
    return DrawnMap(path, known.height, label)


def _most_taken(tables: "Tables", most: int) -> "polars.DataFrame":
    """product_id, title, department, category, num: how often it was acted upon; most first, then by id."""
    import polars as pl

    from foresell.behavior.actions import actions

    rows = actions(tables)
    some = rows.filter(rows.product_id.notnull())
    counts = some.group_by("product_id").agg(num=some.count())
    found: pl.DataFrame = counts.to_polars().sort(["num", "product_id"], descending=[True, False]).head(most)
    products = tables.current("products").select("product_id", "title", "department", "category").to_polars()
    texts = ("title", "department", "category")
    return found.with_columns(pl.col("product_id").cast(pl.String)).join(
        products.with_columns(pl.col(texts).cast(pl.String).str.strip_chars()),
        on="product_id",
        how="left",
        maintain_order="left",
    )
