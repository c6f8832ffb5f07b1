"""What all customers do, against which one customer's tastes, prices and discounts are seen."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.predict.customers.profiles.lines import parts, read_lines, read_products, read_refunds

TASTES = ("category", "brand", "department", "attribute")
# An attribute that most products have of their own names the product, and one with a single value nothing.
MOST_VALUES, LEAST_VALUES = 100, 2
# A product's own share of discounted lines counts beside so many lines of its category's share.
PRIOR_LINES = 20.0
# A category's prices need so many lines to say what is dear in it.
LEAST_PRICES = 20
QUANTILES = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Of everyone before one cutoff; nobody's rows are in it.

    products   product_id, title, category, brand, department, is_good; expected (share of the product's lines
               that are discounted, drawn toward its category's), log_price and log_spread (mean and standard
               deviation of the log price of one unit in its category; null: too few lines)
    kinds      product_id, kind (of TASTES), value: what a product is; of attributes "name: value"
    shares     kind, value, share: of all (order, value) pairs of that kind
    net_sales  (101,) quantiles of customers' net sales, less refunds
    refunded   money paid back over money spent
    """

    products: pl.DataFrame
    kinds: pl.DataFrame
    shares: pl.DataFrame
    net_sales: np.ndarray
    refunded: float
    num_customers: int

    def to_tables(self) -> dict[str, pl.DataFrame]:
        """The tables of an artifact; `from_tables` is the inverse."""
        whole = pl.DataFrame({"refunded": [self.refunded], "num_customers": [self.num_customers]})
        return {
            "products": self.products,
            "kinds": self.kinds,
            "shares": self.shares,
            "net_sales": pl.DataFrame({"quantile": QUANTILES, "net_sales": self.net_sales}),
            "whole": whole,
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> "Backdrop":
        whole = tables["whole"].row(0, named=True)
        return cls(
            tables["products"],
            tables["kinds"],
            tables["shares"],
            tables["net_sales"]["net_sales"].to_numpy(),
            float(whole["refunded"]),
            int(whole["num_customers"]),
        )


def make_backdrop(tables: Tables, settings: Settings, cutoff: datetime) -> Backdrop:
    """Raises InputError where nobody had ordered before the cutoff."""
    past = asof(tables, settings, cutoff)
    read = [(read_lines(part, settings), read_refunds(part, settings)) for part in parts(past)]
    return backdrop_of(
        [lines for lines, _ in read], pl.concat([back for _, back in read]), read_products(past)
    )


def backdrop_of(
    lines_by_part: Iterable[pl.DataFrame], refunds: pl.DataFrame, products: pl.DataFrame
) -> Backdrop:
    """The same from lines already read, each customer's in one part, and everybody's refunds."""
    kinds = _kinds(products)
    sold, pairs, net = [], [], []
    for lines in lines_by_part:
        sold.append(_sold(lines))
        pairs.append(order_values(lines, kinds).group_by("kind", "value").len())
        net.append(lines.group_by("customer_id").agg(pl.col("net").sum()))
    everyone = pl.concat(net)
    if everyone.is_empty():
        raise InputError("Nobody had ordered by then", do="Choose a later date, or import orders.")
    counted = pl.concat(pairs).group_by("kind", "value").agg(pl.col("len").sum())
    back = refunds.group_by("customer_id").agg(pl.col("amount").sum())
    kept = everyone.join(back, on="customer_id", how="left").select(
        pl.col("net") - pl.col("amount").fill_null(0)
    )
    spent = float(everyone["net"].sum())
    return Backdrop(
        _with_expectations(pl.concat(sold), products),
        kinds,
        counted.select("kind", "value", share=pl.col("len") / pl.col("len").sum().over("kind")),
        np.quantile(kept["net"].to_numpy(), QUANTILES),
        float(refunds["amount"].sum()) / spent if spent > 0 else 0.0,
        len(everyone),
    )


def order_values(lines: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """customer_id, order_id, date, kind, value: each value once an order, however many lines have it."""
    bought = lines.select("customer_id", "order_id", "product_id", "date").drop_nulls("product_id")
    return bought.join(kinds, on="product_id").drop("product_id").unique(["order_id", "kind", "value"])


def log_price() -> pl.Expr:
    """Of one unit before discount; null where quantity or price is not above 0."""
    priced = (pl.col("quantity") > 0) & (pl.col("gross") > 0)
    return pl.when(priced).then((pl.col("gross") / pl.col("quantity")).log())


def _sold(lines: pl.DataFrame) -> pl.DataFrame:
    price = log_price()
    return lines.group_by("product_id").agg(
        num_lines=pl.len(),
        num_discounted=(pl.col("discount") > 0).sum(),
        num_priced=price.is_not_null().sum(),
        log_sum=price.sum(),
        log_squares=(price**2).sum(),
    )


def _with_expectations(sold: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    numbers = ("num_lines", "num_discounted", "num_priced", "log_sum", "log_squares")
    whole = sold.group_by("product_id").agg(pl.col(*numbers).sum())
    named = products.select("product_id", "title", "category", "brand", "department", is_good=pl.lit(True))
    joined = whole.join(named, on="product_id", how="left").with_columns(pl.col("is_good").fill_null(False))
    group = pl.col("category").fill_null("")
    of_all = pl.col("num_discounted").sum() / pl.col("num_lines").sum()
    in_category = pl.col("num_discounted").sum().over(group) + PRIOR_LINES * of_all
    in_category = in_category / (pl.col("num_lines").sum().over(group) + PRIOR_LINES)
    expected = (pl.col("num_discounted") + PRIOR_LINES * in_category) / (pl.col("num_lines") + PRIOR_LINES)
    count = pl.col("num_priced").sum().over(group)
    mean = pl.col("log_sum").sum().over(group) / count
    variance = (pl.col("log_squares").sum().over(group) / count - mean**2).clip(0.0)
    is_known = (count >= LEAST_PRICES) & pl.col("category").is_not_null() & (variance > 0)
    return joined.select(
        *named.columns,
        expected=expected,
        log_price=pl.when(is_known).then(mean),
        log_spread=pl.when(is_known).then(variance.sqrt()),
    ).sort("product_id")


def _kinds(products: pl.DataFrame) -> pl.DataFrame:
    found = [
        products.select("product_id", kind=pl.lit(kind), value=pl.col(kind)).drop_nulls("value")
        for kind in TASTES[:3]
    ]
    return pl.concat([*found, _attributes(products)])


def _attributes(products: pl.DataFrame) -> pl.DataFrame:
    """What the attributes (JSON) of products say, of those names that have few values and are no ids."""
    rows = [
        (product, name, str(value))
        for product, text in products.select("product_id", "attributes").drop_nulls().iter_rows()
        for name, value in _entries(text)
        if not name.endswith("_id")
    ]
    schema = {"product_id": pl.String, "name": pl.String, "value": pl.String}
    told = pl.DataFrame(rows, schema=schema, orient="row")
    values = pl.col("value").n_unique().over("name")
    told = told.filter(values.is_between(LEAST_VALUES, MOST_VALUES))
    named = pl.concat_str("name", "value", separator=": ")
    return told.select("product_id", kind=pl.lit("attribute"), value=named)


def _entries(text: str) -> list[tuple[str, object]]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    if not isinstance(found, dict):
        return []
    return [
        (name, value) for name, value in found.items() if isinstance(value, str | bool | int) and value != ""
    ]
