"""What the shop sells at a moment: the products that can be recommended, and what rules may ask of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.features.counted import about_goods, goods, sales
from foresell.features.ids import places
from foresell.features.products import in_main_currency, labels

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from numpy.typing import NDArray

MOMENT = pl.Datetime("us", "UTC")
PRODUCTS = pl.Schema(
    {
        "product_id": pl.String(),
        "parent_product_id": pl.String(),
        "name": pl.String(),
        "category": pl.String(),
        "labels": pl.List(pl.String()),
        "department": pl.String(),
        "brand": pl.String(),
        "price": pl.Float64(),
        "cost": pl.Float64(),
        "margin": pl.Float64(),
        "status": pl.String(),
        "on_hand": pl.Float64(),
        "created_at": MOMENT,
        "first_seen_at": MOMENT,
        "min_age": pl.Int64(),
        "is_on_offer": pl.Boolean(),
        "discount_rate": pl.Float64(),
    }
)
TEXTS = ("parent_product_id", "title", "category", "department", "brand", "status")
AGE_MEMBERS = ("min_age", "age_limit")
# The first whole number of "18", 18.0, "18+" or "from 18"; nothing of a list or an object.
AGE = r"^[^\d{\[]*(\d{1,3})"
# A day begins so long before its UTC midnight where it begins first.
EARLIEST_DAY = timedelta(hours=14)


@dataclass(frozen=True, eq=False)
class Assortment:
    """The products on sale, a row a product (no services), ascending by product_id (by code point).

    A product's position is its row. Columns of `products`, null where unknown:

    product_id, parent_product_id (of a variant)
    name                 the title, else the category, else the department
    category, department, brand, status    trimmed, never empty; status in small letters
    labels               List(String), as `features.products`; empty where nothing is known
    price, cost, margin  Float64, of one unit, in the catalog's main currency; margin = price − cost
    on_hand              Float64, over all locations, each by its newest day; null: stock is not known
    created_at, first_seen_at  UTC; first_seen_at is created_at, else the first sale, else the first event
    min_age              Int64, years; of the attributes `min_age` and `age_limit` the greater; null: no limit
    is_on_offer          Boolean, never null: some promotion runs, at whatever place
    discount_rate        Float64, 0-1, the greatest of those promotions; null: none says it
    """

    products: pl.DataFrame

    @classmethod
    def of(cls, products: pl.DataFrame) -> "Assortment":
        """From rows with any of the columns, product_id among them; the rest is null (no offer). Labels that
        are not given are those of category, department and brand.

        Raises InputError for columns that an assortment has not, and for an id that is missing or twice.
        """
        unknown = set(products.columns) - set(PRODUCTS)
        if unknown or "product_id" not in products.columns:
            raise InputError(
                "These rows are no assortment",
                received=products.columns,
                do=f"Columns: {', '.join(PRODUCTS)}.",
            )
        ids = products["product_id"]
        if ids.null_count() or ids.n_unique() != len(ids):
            raise InputError("A product of an assortment has one row and an id", do="Group by product_id.")
        columns = [
            pl.col(name).cast(kind) if name in products.columns else pl.lit(None, kind).alias(name)
            for name, kind in PRODUCTS.items()
        ]
        frame = products.select(columns).with_columns(pl.col("is_on_offer").fill_null(value=False))
        known = labels() if "labels" not in products.columns else pl.col("labels").fill_null([])
        with_path = frame.with_columns(category_path=pl.lit(None, pl.String))
        return cls(with_path.with_columns(labels=known).select(*PRODUCTS).sort("product_id").rechunk())

    @property
    def product_ids(self) -> pl.Series:
        return self.products["product_id"]

    @cached_property
    def ids(self) -> list[str]:
        """`product_ids`, of which one is read in nanoseconds."""
        return self.product_ids.to_list()

    @property
    def size(self) -> int:
        return self.products.height

    def position_of(self, product_ids: "pl.Series | Iterable[str | None]") -> "NDArray[np.int64]":
        """The position of each id, in their order; −1 for one that is not sold here, or null."""
        ids = (
            pl.Series(product_ids, dtype=pl.String) if not isinstance(product_ids, pl.Series) else product_ids
        )
        return places(self.product_ids, ids)

    @cached_property
    def labeled(self) -> pl.DataFrame:
        """position (UInt32), label (as in `labels`, in small letters): one row a product and label."""
        rows = self.products.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("position"), label="labels")
        return rows.explode("label").drop_nulls().with_columns(pl.col("label").str.to_lowercase())

    def labeled_as(self, kind: str, texts: Iterable[str]) -> "NDArray[np.uint32]":
        """Positions of the products with any of the texts as a label of the kind (category, brand …)."""
        wanted = [f"{kind}:{plain(text)}" for text in texts]
        return self.labeled.filter(pl.col("label").is_in(wanted))["position"].to_numpy()


def plain(text: str) -> str:
    """A text as it is compared."""
    return text.strip().lower()


def read_assortment(tables: Tables, at: datetime) -> Assortment:
    """What the shop sold at a moment, as far as the tables know it (read them through `features.asof` for
    what was known then).

    A shop without a catalog sells what its order lines and events name; all else is then unknown. Where
    there is a catalog, products that it lacks are not sold, nor are those that it created after `at`. Stock
    of days that had not begun by `at` anywhere, and sales and events after it, are not read.
    Raises InputError for a moment without a time zone.
    """
    if at.tzinfo is None:
        raise InputError("The moment has no time zone", received=at, do="Give a time in UTC.")
    moment = at.astimezone(UTC)
    catalog = _catalog(tables, moment) if tables.has_rows("products") else None
    seen = _first_seen(tables, moment, has_catalog=catalog is not None)
    frame = seen.select("product_id") if catalog is None else catalog
    for more in (seen, _stock(tables, moment), _offers(tables, moment)):
        frame = frame.join(more, on="product_id", how="left")
    if "created_at" in frame.columns:
        frame = frame.with_columns(first_seen_at=pl.coalesce("created_at", "first_seen_at"))
    return Assortment.of(frame)


def _catalog(tables: Tables, at: datetime) -> pl.DataFrame:
    import ibis

    rows = goods(tables)
    rows = rows.filter(rows.created_at.isnull() | (rows.created_at <= at))
    # Of long texts only those that can say an age are read.
    says_age = ibis.or_(*(rows.attributes.contains(f'"{member}"') for member in AGE_MEMBERS))
    frame: pl.DataFrame = rows.select(
        "product_id",
        *TEXTS,
        "category_path",
        "currency",
        "created_at",
        price=rows.price.cast("float64"),
        cost=rows.cost.cast("float64"),
        attributes=ibis.ifelse(says_age, rows.attributes, ibis.null("string")),
    ).to_polars()
    frame = frame.with_columns(labels=labels()).with_columns(
        *(pl.col(name).str.strip_chars().replace("", None) for name in TEXTS),
        *(in_main_currency(frame, name).alias(name) for name in ("price", "cost")),
        created_at=pl.col("created_at").cast(MOMENT),
        min_age=_least_age(),
    )
    return frame.select(
        *("product_id", "parent_product_id", "category", "labels", "department", "brand", "price", "cost"),
        *("created_at", "min_age"),
        name=pl.coalesce("title", "category", "department"),
        margin=pl.col("price") - pl.col("cost"),
        status=pl.col("status").str.to_lowercase(),
    )


def _least_age() -> pl.Expr:
    ages = [
        pl.col("attributes").str.json_path_match(f"$.{member}").str.extract(AGE).cast(pl.Int64)
        for member in AGE_MEMBERS
    ]
    return pl.max_horizontal(ages)


def _first_seen(tables: Tables, at: datetime, *, has_catalog: bool) -> pl.DataFrame:
    """product_id, first_seen_at: the first sale, else the first event.

    Events are read where they are needed: without a catalog they name products, without sales their times.
    """
    has_sales = tables.has_rows("order_lines")
    seen = [_first(about_goods(sales(tables), tables), at)] if has_sales else []
    if not (has_catalog and has_sales):
        seen.append(_first(about_goods(tables.current("events"), tables), at))
    empty = pl.DataFrame(schema={"product_id": pl.String, "first_seen_at": MOMENT})
    return pl.concat([empty, *seen]).unique("product_id", keep="first", maintain_order=True)


def _first(rows: "ir.Table", at: datetime) -> pl.DataFrame:
    past = rows.filter(rows.product_id.notnull(), rows.occurred_at <= at)
    return _read(past.group_by("product_id").agg(first_seen_at=past.occurred_at.min())).with_columns(
        pl.col("first_seen_at").cast(MOMENT)
    )


def _stock(tables: Tables, at: datetime) -> pl.DataFrame:
    rows = tables.current("inventory")
    known = rows.filter(rows.as_of_date <= (at + EARLIEST_DAY).date())
    by_place = known.group_by("product_id", "location_id").agg(on_hand=known.on_hand.argmax(known.as_of_date))
    return _read(by_place.group_by("product_id").agg(on_hand=by_place.on_hand.sum()))


def _offers(tables: Tables, at: datetime) -> pl.DataFrame:
    import ibis

    rows = tables.current("promotions")
    running = rows.filter(rows.starts_at <= at, rows.ends_at.isnull() | (rows.ends_at > at))
    best = running.group_by("product_id").agg(discount_rate=running.discount_rate.max())
    return _read(best.mutate(is_on_offer=ibis.literal(value=True)))


def _read(table: "ir.Table") -> pl.DataFrame:
    frame: Any = table.to_polars()
    return pl.DataFrame(frame)
