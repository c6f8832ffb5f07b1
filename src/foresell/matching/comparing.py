"""What of two customers can be compared, which pairs are worth comparing, and how they compare.

Names, addresses and devices are tokens: they agree or not. Nothing here depends on the order of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.matching.identifiers import identifiers
from foresell.matching.weights import UNKNOWN, Field

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import polars

AGREES = ("other", "same")
FIELDS = (
    Field("name", ("other", "some", "all"), (0.1, 0.1, 0.8)),
    Field("address", AGREES, (0.4, 0.6)),
    Field("place", ("other", "country", "city"), (0.05, 0.15, 0.8)),
    Field("birth_year", AGREES, (0.02, 0.98)),
    Field("gender", AGREES, (0.03, 0.97)),
    Field("ip", AGREES, (0.5, 0.5)),
    Field("device", AGREES, (0.5, 0.5)),
    Field("card", AGREES, (0.5, 0.5)),
    Field("basket", ("other", "some", "much"), (0.3, 0.4, 0.3)),
)
POSITION = {field.name: position for position, field in enumerate(FIELDS)}
TOKEN_FIELDS = ("name", "address", "ip", "device", "card")
# Baskets that share this part of what either holds are much alike.
MUCH_ALIKE = 0.3
# Pairs are made of customers who share a token, or a name and something else. A block of more customers is
# left out: it says little of two of them.
MOST_IN_BLOCK = 50
MOST_PAIRS = 2_000_000
# So many pairs are compared at a time, which bounds the memory.
PAIRS_AT_ONCE = 300_000
NUM_RANDOM_PAIRS = 50_000


@dataclass(frozen=True)
class Comparable:
    """`people`: customer_id, country, city, birth_year, gender, a row a customer who has anything to compare.
    `tokens`: kind (of TOKEN_FIELDS), token, customer_id, each once."""

    people: "polars.DataFrame"
    tokens: "polars.DataFrame"


def comparable(tables: Tables, most_customers: int) -> Comparable:
    """What is known of every customer. What more than `most_customers` share, but a name, is left out."""
    import polars as pl

    found = identifiers(tables)
    found = found.filter(found.id_type.isin(TOKEN_FIELDS)).rename(kind="id_type", token="id_token")  # noqa: S106
    found = found.select("kind", "token", "customer_id").union(_visitors(tables))
    tokens: pl.DataFrame = found.to_polars().unique()
    usable = (pl.col("kind") == "name") | (pl.len().over("kind", "token") <= most_customers)
    customers = tables.current("customers").select("customer_id", "country", "city", "birth_year", "gender")
    told: pl.DataFrame = customers.to_polars()
    words = [
        pl.col(name).str.strip_chars().str.to_lowercase().replace("", None)
        for name in ("country", "city", "gender")
    ]
    others = tokens.select("customer_id").unique().join(told, on="customer_id", how="anti")
    people = pl.concat([told.with_columns(words), others], how="diagonal").sort("customer_id")
    return Comparable(people, tokens.filter(usable))


def _visitors(tables: Tables) -> "ir.Table":
    """The devices that customers were seen on, as (kind, token, customer_id)."""
    import ibis

    events = tables.current("events")
    seen = events.filter(events.customer_id.notnull(), events.anonymous_id.notnull())
    token = (ibis.literal("visitor:") + seen.anonymous_id).name("token")
    return seen.select(ibis.literal("device").name("kind"), token, seen.customer_id).distinct()


def candidates(known: Comparable) -> "polars.DataFrame":
    """The pairs worth comparing: left < right, each once, sorted."""
    import polars as pl

    named = known.tokens.filter(pl.col("kind") == "name").join(known.people, on="customer_id")
    blocks = [known.tokens.select("customer_id", pl.concat_str("kind", pl.lit(":"), "token").alias("block"))]
    for column in ("birth_year", "city"):
        of_both = named.filter(pl.col(column).is_not_null())
        key = pl.concat_str(pl.lit(f"name+{column}:"), "token", pl.lit("|"), column)
        blocks.append(of_both.select("customer_id", key.alias("block")))
    rows = pl.concat(blocks)
    sizes = rows.group_by("block").len("size").filter(pl.col("size").is_between(2, MOST_IN_BLOCK))
    sizes = sizes.sort("size", "block")
    made = (pl.col("size") * (pl.col("size") - 1) // 2).cum_sum()
    rows = rows.join(sizes.filter(made <= MOST_PAIRS), on="block", how="semi")
    pairs = rows.join(rows, on="block", suffix="_other").filter(
        pl.col("customer_id") < pl.col("customer_id_other")
    )
    return pairs.select(left="customer_id", right="customer_id_other").unique().sort("left", "right")


def random_pairs(known: Comparable) -> "polars.DataFrame":
    """Pairs by chance, the same ones for the same customers; all pairs where there are few."""
    import numpy as np
    import polars as pl

    ids = known.people["customer_id"].sort()
    if len(ids) * (len(ids) - 1) // 2 <= NUM_RANDOM_PAIRS:
        left, right = np.triu_indices(len(ids), 1)
    else:
        left, right = np.random.default_rng(0).integers(0, len(ids), (2, NUM_RANDOM_PAIRS))
    kept = left != right
    return pl.DataFrame({"left": ids.gather(left[kept]), "right": ids.gather(right[kept])})


def baskets(tables: Tables, customers: "polars.Series") -> "polars.DataFrame":
    """What these customers bought: customer_id, token (the product), each once."""
    import ibis

    wanted = ibis.memtable({"customer_id": customers.to_list()}, schema={"customer_id": "string"})
    orders = tables.current("orders").select("order_id", "customer_id").semi_join(wanted, "customer_id")
    lines = tables.current("order_lines").select("order_id", token="product_id")  # noqa: S106
    bought = lines.inner_join(orders, "order_id").select("customer_id", "token").distinct()
    frame: polars.DataFrame = bought.to_polars()
    return frame


def levels(pairs: "polars.DataFrame", known: Comparable, bought: "polars.DataFrame") -> "np.ndarray":
    """How the pairs compare: pairs × FIELDS, the number of the level, UNKNOWN where either side lacks it."""
    import numpy as np

    parts = [_levels(part, known, bought) for part in pairs.iter_slices(PAIRS_AT_ONCE)]
    return np.concatenate([np.empty((0, len(FIELDS)), np.int8), *parts])


def _levels(pairs: "polars.DataFrame", known: Comparable, bought: "polars.DataFrame") -> "np.ndarray":
    import polars as pl

    told = pairs.with_row_index("pair")
    for side in ("left", "right"):
        renamed = {name: f"{name}_{side}" for name in known.people.columns if name != "customer_id"}
        told = told.join(known.people.rename({"customer_id": side, **renamed}), on=side, how="left")
    columns = {name: _same(name) for name in ("birth_year", "gender")}
    columns["place"] = _place()
    for kind in TOKEN_FIELDS:
        told = _with_overlap(told, known.tokens.filter(pl.col("kind") == kind), kind)
        columns[kind] = _names_alike() if kind == "name" else _overlaps(kind)
    told = _with_overlap(told, bought, "basket")
    columns["basket"] = _baskets_alike()
    chosen = [columns[field.name].fill_null(UNKNOWN).cast(pl.Int8).alias(field.name) for field in FIELDS]
    return told.sort("pair").select(chosen).to_numpy()


def _same(name: str) -> "polars.Expr":
    import polars as pl

    return (pl.col(f"{name}_left") == pl.col(f"{name}_right")).cast(pl.Int64)


def _place() -> "polars.Expr":
    import polars as pl

    country, city = (pl.col(f"{name}_left") == pl.col(f"{name}_right") for name in ("country", "city"))
    elsewhere = country.not_().fill_null(False)
    return pl.when(elsewhere).then(0).when(city).then(2).when(country).then(1).when(city.not_()).then(0)


def _with_overlap(pairs: "polars.DataFrame", tokens: "polars.DataFrame", name: str) -> "polars.DataFrame":
    """Adds how many tokens each side has (null: none) and how many both have."""
    import polars as pl

    counts = tokens.group_by("customer_id").len()
    for side in ("left", "right"):
        renamed = counts.rename({"customer_id": side, "len": f"{name}_num_{side}"})
        pairs = pairs.join(renamed, on=side, how="left")
    both = pairs.select("pair", "left", "right").join(tokens, left_on="left", right_on="customer_id")
    both = both.join(tokens, left_on=["right", "token"], right_on=["customer_id", "token"])
    common = both.group_by("pair").agg(pl.len().alias(f"{name}_num_common"))
    return pairs.join(common, on="pair", how="left").with_columns(pl.col(f"{name}_num_common").fill_null(0))


def _nums(name: str) -> "Sequence[polars.Expr]":
    import polars as pl

    return [pl.col(f"{name}_num_{what}").cast(pl.Int64) for what in ("left", "right", "common")]


def _overlaps(name: str) -> "polars.Expr":
    import polars as pl

    left, right, common = _nums(name)
    return pl.when(left.is_not_null() & right.is_not_null()).then((common > 0).cast(pl.Int64))


def _names_alike() -> "polars.Expr":
    """All: the same names, or two or more of which one side has no others."""
    import polars as pl

    left, right, common = _nums("name")
    fewer = pl.min_horizontal(left, right)
    all_same = ((common == left) & (common == right)) | ((common == fewer) & (fewer >= 2))
    known = left.is_not_null() & right.is_not_null()
    return pl.when(known & all_same).then(2).when(known).then((common > 0).cast(pl.Int64))


def _baskets_alike() -> "polars.Expr":
    import polars as pl

    left, right, common = _nums("basket")
    part = common / (left + right - common)
    known = left.is_not_null() & right.is_not_null()
    return pl.when(known & (part >= MUCH_ALIKE)).then(2).when(known).then((common > 0).cast(pl.Int64))
