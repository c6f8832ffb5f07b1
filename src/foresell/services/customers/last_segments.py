"""The segments that customers were put into last, with what sets them apart and what they mean for sales."""

from datetime import datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError
from foresell.services.customers.segmented import Segmented, business
from foresell.services.results import read_results
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars


def last_segments(shop: Shop, name: str) -> Segmented:
    """A segmentation as the table `segments` has it; names and sentences where its model is at work.

    NotFoundError for one that nobody was put into.
    """
    import polars as pl

    rows = read_results(shop, "segments").filter(pl.col("segmentation") == name)
    if rows.is_empty():
        raise NotFoundError(f"There is no segmentation '{name}'", do="Segment first: foresell segment")
    cutoff: datetime = max(rows["cutoff_at"].to_list())
    with shop.reading_matched() as tables:
        sales = business(shop, tables, rows.select("customer_id", "segment"), cutoff)
    told = (
        rows.group_by("segment")
        .agg(num_customers=pl.len())
        .join(_names(shop, name), on="segment", how="left")
        .with_columns(share=pl.col("num_customers") / pl.col("num_customers").sum())
        .join(sales, on="segment", how="left")
        .sort(["num_customers", "segment"], descending=[True, False])
    )
    return Segmented(name, rows["model"][0], cutoff, rows.height, told, pl.DataFrame())


def _names(shop: Shop, name: str) -> "polars.DataFrame":
    """segment, name_zh, sentence, sentence_zh of the model at work; empty for rules and where there is
    none."""
    import polars as pl

    from foresell.services.customers.segment import segmentation_at_work

    columns = ("segment", "name_zh", "sentence", "sentence_zh")
    found = segmentation_at_work(shop, name)
    if found is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return found[1].segments.select(columns)
