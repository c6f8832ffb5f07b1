"""What a model that stops early is judged by: later interactions of some customers, which it never learns."""

from datetime import timedelta

import numpy as np
import polars as pl

from foresell.behavior.held_out import HeldOut
from foresell.behavior.hold_out import HELD_OUT_SHARE, MOST_HELD_OUT
from foresell.behavior.sequences import Sequences
from foresell.behavior.vocabulary import Vocabulary

MOST_TARGETS = 2_000


def held_back(interactions: pl.DataFrame, horizon_days: float = 0.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All but the last moment of some customers, and that; with a horizon, all but the newest `horizon_days`
    of the shop, and those.

    The customers are a tenth (at most 5,000) of those who have something before and after, by a hash of the
    id, so always the same.
    """
    last = pl.col("occurred_at").max().over("customer_id")
    if horizon_days:
        last = pl.col("occurred_at").max() - timedelta(days=horizon_days)
    marked = interactions.with_columns(is_late=pl.col("occurred_at") >= last)
    several = (
        marked.group_by("customer_id")
        .agg(is_both=pl.col("is_late").any() & ~pl.col("is_late").all())
        .filter("is_both")
    )
    number = min(MOST_HELD_OUT, round(several.height * HELD_OUT_SHARE))
    chosen = several.sort(pl.col("customer_id").hash(0), "customer_id").head(number)["customer_id"]
    is_held = pl.col("is_late") & pl.col("customer_id").is_in(chosen.implode())
    return marked.filter(~is_held).drop("is_late"), marked.filter(is_held).drop("is_late")


def to_judge(
    learned: pl.DataFrame,
    later: pl.DataFrame,
    vocabulary: Vocabulary,
    horizon_days: float = 0.0,
    *,
    only_new: bool = False,
) -> HeldOut:
    """Of each customer the first later product that the model can know, after what they did before; with a
    horizon several of them, by a hash, each as if of another customer, and with `only_new` none that the
    customer took before.

    Where nobody took a product again, none that was taken is ranked.
    """
    known = later.filter(pl.col("product_id").is_in(vocabulary.product_ids.implode()))
    if horizon_days and only_new:
        known = known.join(learned, on=["customer_id", "product_id"], how="anti", maintain_order="left")
    if horizon_days:
        targets = _drawn(known.select("customer_id", "product_id").unique())
    else:
        targets = known.sort("occurred_at", "product_id").unique("customer_id", keep="first")
    targets = targets.select("customer_id", target="product_id").sort("customer_id", "target")
    targets = targets.with_columns(each=pl.int_range(pl.len()).over("customer_id"))
    asked = learned.join(targets, on="customer_id", how="inner", maintain_order="left")
    name = pl.concat_str("customer_id", "each", separator="\n")
    histories = Sequences.from_actions(asked.with_columns(customer_id=name), vocabulary)
    wanted = pl.DataFrame({"customer_id": histories.customer_ids}).join(
        asked.select(name.alias("customer_id"), "target").unique(), on="customer_id", maintain_order="left"
    )
    again = targets.join(learned, left_on=["customer_id", "target"], right_on=["customer_id", "product_id"])
    indices = vocabulary.product_indices(wanted["target"]).astype(np.int64)
    return HeldOut(histories, indices, repeats=not again.is_empty())


def _drawn(pairs: pl.DataFrame) -> pl.DataFrame:
    """So many of each customer's as all together are MOST_TARGETS, and at least one."""
    each = max(1, MOST_TARGETS // max(pairs["customer_id"].n_unique(), 1))
    drawn = pairs.with_columns(order=pl.concat_str("customer_id", "product_id", separator="\n").hash(0))
    place = pl.int_range(pl.len()).over("customer_id")
    return drawn.sort("order", "customer_id", "product_id").filter(place < each)
