"""What is told of segments: who is in them, what sets them apart, and what that means for sales."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.features.spec import CustomerSpec
    from foresell.predict.customers.segments.drift import Migration, Stability
    from foresell.predict.customers.segments.segmentation import FittedSegmentation


@dataclass(frozen=True)
class Assigner:
    """What puts customers into segments: a fitted model, or rules."""

    name: str
    label: str | None
    spec: "CustomerSpec | None"
    fitted: "FittedSegmentation | None" = None
    rules: Any = None
    stability: "Stability | None" = None


@dataclass(frozen=True)
class Segmented:
    """`segments`: a row a segment, the largest first: segment, name_zh, sentence, sentence_zh, num_customers,
    share, and share_of_sales, orders and recency_days (means) where there are orders.

    `stability`: over seeds; `migration`: since the cutoff asked for; `candidates`: how the number of segments
    was chosen. None or empty: not asked, or chance has no part in it.
    """

    segmentation: str
    model: str | None
    cutoff_at: datetime
    num_customers: int
    segments: "polars.DataFrame"
    candidates: "polars.DataFrame"
    stability: "Stability | None" = None
    migration: "Migration | None" = None

    def as_record(self) -> dict[str, object]:
        moved = self.migration
        return {
            "segmentation": self.segmentation,
            "model": self.model,
            "cutoff_at": self.cutoff_at.isoformat(),
            "customers": self.num_customers,
            "segments": self.segments.to_dicts(),
            "candidates": self.candidates.to_dicts(),
            "stability": None
            if self.stability is None
            else {"adjusted_rand": self.stability.mean, "lowest": self.stability.lowest},
            "migration": None
            if moved is None
            else {
                "moves": moved.moves.to_dicts(),
                "drift": moved.drift,
                "stayed": moved.stayed,
                "agreement": moved.agreement,
                "hidden": moved.num_hidden,
            },
        }


def told_segments(
    shop: Shop,
    tables: "Tables",
    assigner: Assigner,
    assigned: "polars.DataFrame",
    cutoff: datetime,
    moved: "Migration | None",
) -> Segmented:
    """`assigned`: customer_id, segment, confidence; `moved`: since the cutoff asked for, if one was."""
    import polars as pl

    fitted = assigner.fitted
    names = fitted.segments if fitted is not None else _rule_names(assigner.rules)
    counted = assigned.group_by("segment").agg(num_customers=pl.len())
    told = (
        counted.join(names.drop("num_customers", "share", strict=False), on="segment", how="left")
        .with_columns(share=pl.col("num_customers") / pl.col("num_customers").sum())
        .join(business(shop, tables, assigned, cutoff), on="segment", how="left")
        .sort(["num_customers", "segment"], descending=[True, False])
    )
    return Segmented(
        assigner.name,
        assigner.label,
        cutoff,
        assigned.height,
        told,
        pl.DataFrame() if fitted is None else fitted.candidates,
        assigner.stability,
        moved,
    )


def _rule_names(rules: Any) -> "polars.DataFrame":
    import polars as pl

    from foresell.predict.customers.segments.words import EVERYONE_ELSE

    rows = [(one.name, one.name_zh, one.sentence, one.sentence_zh) for one in rules.segments]
    rows.append((*EVERYONE_ELSE, "", ""))
    return pl.DataFrame(rows, ["segment", "name_zh", "sentence", "sentence_zh"], orient="row")


def business(
    shop: Shop, tables: "Tables", assigned: "polars.DataFrame", cutoff: datetime
) -> "polars.DataFrame":
    """What a segment means for the shop: share_of_sales, and the means of orders and recency_days."""
    import polars as pl

    from foresell.predict.customers.segments.rfm import rfm_customers

    if not tables.has_rows("orders"):
        return assigned.select("segment").unique()
    facts = rfm_customers(tables, shop.settings, cutoff)
    rows = facts.features.with_columns(customer_id=facts.ids)
    known = assigned.join(rows, on="customer_id", how="left")
    money = pl.col("monetary_value")
    return known.group_by("segment").agg(
        share_of_sales=money.sum() / known["monetary_value"].sum(),
        orders=pl.col("orders").mean(),
        recency_days=pl.col("recency_days").mean(),
    )
