"""What a ranker knows of each product beside who took it: how it sells, how often it is taken again, its
price and its groups; all as of one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from foresell.predict.recommend.catalog import SECONDS_A_DAY, Catalog
from foresell.predict.recommend.habit import taken_again
from foresell.predict.recommend.rank import Floats, Ints

WINDOWS_DAYS = (7, 28, 91, 364)
SALES = tuple(f"sales_{days}_days" for days in WINDOWS_DAYS)
FACTS = (*SALES, "trend", "takers", "days_since_first_sale", "taken_again", "usual_gap", "price")
# The narrowest category, the widest, the brand: of each label's kind, and which of several is meant.
GROUPS = ("category", "department", "brand")
# Gaps by which a product's usual gap is drawn to that of all products.
SHRINK = 5.0


@dataclass(frozen=True)
class ProductFacts:
    """`values`: (P, F) float32 of FACTS: logs of 1 + sales of the last days, how much faster it sells now
    than in the long run (log), log of 1 + customers, days, log share (`habit.taken_again`), days between two
    times that a customer takes it, log price (NaN: unknown). `groups`: (3, P) numbers of GROUPS, −1 for none.
    `until`: the moment, in days since 1970."""

    values: Floats
    groups: Ints
    until: float

    def of(self, name: str) -> Floats:
        """(P,) one of FACTS."""
        return self.values[:, FACTS.index(name)]

    def to_tables(self, catalog: Catalog) -> dict[str, pl.DataFrame]:
        columns = {name: self.values[:, place] for place, name in enumerate(FACTS)}
        groups = {f"{name}_group": self.groups[place] for place, name in enumerate(GROUPS)}
        facts = pl.DataFrame({"product_id": catalog.product_ids, **columns, **groups})
        return {"facts": facts, "facts_until": pl.DataFrame({"until": [self.until]})}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> Self:
        facts = tables["facts"]
        values = facts.select(FACTS).to_numpy().astype(np.float32)
        groups = facts.select(f"{name}_group" for name in GROUPS).to_numpy().T.astype(np.int64)
        return cls(values, groups, float(tables["facts_until"]["until"][0]))


def product_facts(
    catalog: Catalog, interactions: pl.DataFrame, products: pl.DataFrame | None
) -> ProductFacts:
    """As of the newest of the interactions."""
    newest = pl.col("occurred_at").max()
    age_days = (newest - pl.col("occurred_at")).dt.total_seconds() / SECONDS_A_DAY
    known = catalog.with_positions(interactions.with_columns(age=age_days))
    counts = known.group_by("product").agg(
        *((pl.col("age") < days).sum().alias(name) for name, days in zip(SALES, WINDOWS_DAYS, strict=True)),
        takers=pl.col("customer_id").n_unique(),
        days_since_first_sale=pl.col("age").max(),
    )
    values = np.full((catalog.size, len(FACTS)), np.nan, np.float32)
    at = counts["product"].to_numpy()
    for name in (*SALES, "takers"):
        values[:, FACTS.index(name)] = 0
        values[at, FACTS.index(name)] = counts[name].log1p().to_numpy()
    short, long = counts[SALES[1]] / WINDOWS_DAYS[1], counts[SALES[2]] / WINDOWS_DAYS[2]
    values[at, FACTS.index("trend")] = ((short + 0.01) / (long + 0.01)).log().to_numpy()
    values[at, FACTS.index("days_since_first_sale")] = counts["days_since_first_sale"].to_numpy()
    values[:, FACTS.index("taken_again")] = taken_again(interactions, catalog)
    values[:, FACTS.index("usual_gap")] = _usual_gap(known, catalog)
    values[:, FACTS.index("price")] = _log_price(products, catalog)
    until = float(interactions.select(newest.dt.epoch("us")).item()) / 1e6 / SECONDS_A_DAY
    return ProductFacts(values, _groups(products, catalog), until)


def _usual_gap(known: pl.DataFrame, catalog: Catalog) -> Floats:
    """(P,) days between two times that one customer takes it, drawn to the mean of all; NaN: nobody takes
    anything again."""
    pairs = known.group_by("customer_id", "product").agg(
        gaps=pl.len().cast(pl.Float64) - 1, days=pl.col("age").max() - pl.col("age").min()
    )
    each = pairs.filter(pl.col("gaps") > 0).group_by("product").agg(pl.col("gaps", "days").sum())
    total = float(each["gaps"].sum())
    overall = float(each["days"].sum()) / total if total else np.nan
    usual = np.full(catalog.size, overall, np.float32)
    drawn = (each["days"] + SHRINK * overall) / (each["gaps"] + SHRINK)
    usual[each["product"].to_numpy()] = drawn.to_numpy()
    return usual


def _log_price(products: pl.DataFrame | None, catalog: Catalog) -> Floats:
    prices = np.full(catalog.size, np.nan, np.float32)
    if products is not None:
        priced = catalog.with_positions(products.filter(pl.col("price") > 0).unique("product_id"))
        prices[priced["product"].to_numpy()] = priced["price"].log().to_numpy()
    return prices


def _groups(products: pl.DataFrame | None, catalog: Catalog) -> Ints:
    groups = np.full((len(GROUPS), catalog.size), -1, np.int64)
    if products is None:
        return groups
    labels = (
        catalog.with_positions(products.unique("product_id", keep="first", maintain_order=True))
        .select("product", label="labels")
        .explode("label", empty_as_null=True)
        .drop_nulls()
        .with_columns(
            kind=pl.col("label").str.split_exact(":", 1).struct.field("field_0"),
            size=pl.len().over("label"),
        )
    )
    for place, (kind, widest) in enumerate((("category", False), ("category", True), ("brand", False))):
        one = labels.filter((pl.col("kind") == kind) & (pl.col("size") > 1))
        chosen = one.sort(["product", "size", "label"], descending=[False, widest, False]).unique(
            "product", keep="first", maintain_order=True
        )
        groups[place, chosen["product"].to_numpy()] = (chosen["label"].rank("dense") - 1).to_numpy()
    return groups
