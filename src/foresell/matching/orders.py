"""The same order from several sources: the shop, a marketplace, the books.

An order of another source is the same if its number is (prefixes and leading zeros aside), or if it is alike:
the same buyer, amount, time and goods. Each order matches one of each other source at most, the likeliest
first; of an order that several sources bring, the one of the source that the settings prefer counts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings

if TYPE_CHECKING:
    import polars

# Amounts of two sources that round alike differ by less; converted ones, by their rates.
CENT = 0.011
CONVERTED_TOLERANCE = 0.03
BUYER_COLUMNS = ("customer_id", "card_token")
LINK_COLUMNS = ("order_id", "kept_order_id", "confidence", "method", "evidence", "known_at")
# A number of fewer digits than this is too common to name an order.
LEAST_DIGITS = 3


@dataclass(frozen=True)
class MatchedOrders:
    """`links`: rows of `order_links` that should be believed (without `link_id`), sorted.

    `num_orders`: source → orders. `pairs`: "source = source" → orders that both have.
    """

    links: "polars.DataFrame"
    num_orders: dict[str, int]
    pairs: dict[str, int]

    def as_record(self) -> dict[str, object]:
        methods = self.links.group_by("method").len().sort("method")
        return {
            "orders_by_source": self.num_orders,
            "copies": self.links.height,
            "copies_by_method": dict(methods.iter_rows()),
            "matched_sources": self.pairs,
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """Two orders of different sources, by their places; `score` 0-1."""

    left: int
    right: int
    score: float
    method: str
    evidence: str


def match_orders(tables: Tables, settings: Settings) -> MatchedOrders:
    """Find the copies among the orders. Customers are read as the tables have them: matched ones, persons.

    Numbers alike: only within `order_window_hours`, with equal amounts (where one is unknown, of the same
    customer), and not if both the customers and all goods differ. Likeness: the same customer or card, and
    the same amount, within the window; the score is the mean of 1 for the amount, how close the times are
    and how alike the goods, where both have lines; `order_score_limit` decides. Cancelled orders
    match too: whether a sale counts is for the order that is kept to say.
    """
    import polars as pl

    counts = _count_by_source(tables)
    if len(counts) < 2:
        return MatchedOrders(_link_rows([]), counts, {})
    orders = _orders(tables, settings.store.currency)
    window = settings.matching.order_window_hours
    by_number = _pairs(orders.drop_nulls("number"), ["number"], window)
    is_same_amount = pl.col("amount_gap") <= pl.col("tolerance")
    is_same_buyer = (pl.col("customer_id") == pl.col("customer_id_right")).fill_null(False)
    by_number = by_number.filter(is_same_amount | (pl.col("amount_gap").is_null() & is_same_buyer))
    alike = [
        _pairs(orders.drop_nulls(buyer), [buyer], window).filter(is_same_amount) for buyer in BUYER_COLUMNS
    ]
    goods = _goods(tables, [by_number, *alike])
    found = [*_scored(by_number, goods, window, "number")]
    for pairs_alike in alike:
        found += _scored(pairs_alike, goods, window, "likeness")
    limit = settings.matching.order_score_limit
    held = _one_to_one(
        [p for p in found if p.method == "number" or p.score >= limit], orders["source"].to_list()
    )
    preferred = {source: place for place, source in enumerate(settings.matching.order_sources)}
    sources = orders["source"].to_list()
    names = [" = ".join(sorted((sources[pair.left], sources[pair.right]))) for pair in held]
    pairs = {name: names.count(name) for name in sorted(set(names))}
    return MatchedOrders(_links(held, orders, preferred), counts, pairs)


def _orders(tables: Tables, currency: str) -> "polars.DataFrame":
    """Orders that count, sorted by id, with `place`, `number` (digits that name it), `whole` and
    `goods`: amounts in the store's currency, null where unknown or without a rate."""
    import polars as pl

    orders = tables.current("orders")
    kept = orders.filter(~orders.is_test.fill_null(False))
    lines = tables.current("order_lines")
    sums = lines.group_by("order_id").agg(lines_amount=lines.line_amount.cast("float64").sum())
    rates = tables.current("exchange_rates")
    rates = rates.select(local_date="date", currency="currency", rate=rates.rate_to_store)
    joined = kept.left_join(sums, "order_id").drop("order_id_right")
    joined = joined.left_join(rates, ["local_date", "currency"])
    money = {name: joined[f"{name}_amount"].cast("float64") for name in ("total", "shipping", "tax", "lines")}
    rows: pl.DataFrame = joined.select(
        "order_id", "source", "created_at", "currency", *BUYER_COLUMNS, "rate", **money
    ).to_polars()
    own = pl.col("currency") == currency
    rate = pl.when(own).then(1.0).otherwise("rate")
    rest = pl.col("total") - pl.col("shipping").fill_null(0) - pl.col("tax").fill_null(0)
    number = pl.col("order_id").str.extract(r"(\d+)\D*$").str.strip_chars_start("0")
    return (
        rows.sort("order_id")
        .with_row_index("place")
        .with_columns(
            pl.col("created_at").cast(pl.Datetime("us", "UTC")),
            (pl.coalesce("total", "lines") * rate).alias("whole"),
            (pl.coalesce("lines", rest) * rate).alias("goods"),
            pl.when(number.str.len_chars() >= LEAST_DIGITS).then(number).alias("number"),
        )
    )


def _count_by_source(tables: Tables) -> dict[str, int]:
    orders = tables.current("orders")
    counts = orders.group_by("source").agg(num_orders=orders.count()).order_by("source")
    return dict(counts.to_polars().iter_rows())


def _goods(tables: Tables, pairs: "Sequence[polars.DataFrame]") -> dict[str, frozenset[str]]:
    """Order → its products, of the orders in these pairs."""
    import ibis

    ids = {order_id for frame in pairs for side in ("", "_right") for order_id in frame[f"order_id{side}"]}
    wanted = ibis.memtable({"order_id": sorted(ids)}, schema={"order_id": "string"})
    lines = tables.current("order_lines").select("order_id", "product_id").semi_join(wanted, "order_id")
    found: dict[str, set[str]] = {}
    for order_id, product_id in lines.distinct().to_polars().iter_rows():
        found.setdefault(order_id, set()).add(product_id)
    return {order_id: frozenset(products) for order_id, products in found.items()}


def _pairs(orders: "polars.DataFrame", on: Sequence[str], window_hours: float) -> "polars.DataFrame":
    """Orders of two sources that agree `on` something, within the window, each pair once."""
    import polars as pl

    columns = {"place", "order_id", "source", "created_at", "currency", "whole", "goods", "customer_id", *on}
    # Only orders of the same or a neighboring stretch of time are looked at together: a customer of
    # thousands of orders does not make millions of pairs.
    stretch = (pl.col("created_at").dt.epoch("s") / (window_hours * 3600)).floor().cast(pl.Int64)
    rows = orders.select(sorted(columns)).with_columns(stretch.alias("stretch"))
    beside = pl.concat([rows.with_columns(pl.col("stretch") + step) for step in (-1, 0, 1)])
    pairs = rows.join(beside, on=[*on, "stretch"], suffix="_right")
    pairs = pairs.filter(pl.col("source") < pl.col("source_right"))
    if "customer_id" in on:
        pairs = pairs.with_columns(pl.col("customer_id").alias("customer_id_right"))
    hours = (pl.col("created_at") - pl.col("created_at_right")).abs().dt.total_seconds() / 3600
    gap = pl.min_horizontal(
        (pl.col("whole") - pl.col("whole_right")).abs(), (pl.col("goods") - pl.col("goods_right")).abs()
    )
    is_same_money = pl.col("currency") == pl.col("currency_right")
    largest = pl.max_horizontal("whole", "whole_right").abs()
    tolerance = pl.when(is_same_money).then(CENT).otherwise(largest * CONVERTED_TOLERANCE + CENT)
    told = pairs.with_columns(
        hours.alias("hours_apart"), gap.alias("amount_gap"), tolerance.alias("tolerance")
    )
    both = [f"{name}{side}" for name in ("place", "order_id", "customer_id") for side in ("", "_right")]
    near = told.filter(pl.col("hours_apart") <= window_hours)
    return near.select(*both, "hours_apart", "amount_gap", "tolerance")


def _scored(
    pairs: "polars.DataFrame", goods: Mapping[str, frozenset[str]], window_hours: float, method: str
) -> Iterator[Pair]:
    import polars as pl

    differs = (pl.col("customer_id") != pl.col("customer_id_right")).fill_null(False).alias("differs")
    columns = ("place", "place_right", "order_id", "order_id_right", "hours_apart", "amount_gap", differs)
    for left, right, left_id, right_id, hours, gap, other_buyer in pairs.select(columns).iter_rows():
        parts = {"time": 1 - hours / window_hours}
        if gap is not None:
            parts["amount"] = 1.0
        ours, theirs = goods.get(left_id), goods.get(right_id)
        if ours and theirs:
            parts["goods"] = len(ours & theirs) / len(ours | theirs)
            if other_buyer and not parts["goods"]:
                continue
        score = sum(parts.values()) / len(parts)
        told: dict[str, Any] = {name: round(part, 4) for name, part in parts.items()}
        evidence = json.dumps({**told, "hours_apart": round(hours, 3), "score": round(score, 4)})
        yield Pair(left, right, score, method, evidence)


def _one_to_one(pairs: Sequence[Pair], sources: Sequence[str]) -> list[Pair]:
    """The pairs that hold: numbers before likeness, the likeliest first, ties by place; never two orders of
    one source for the same order, over whatever ways."""
    group_of: dict[int, set[int]] = {}
    held = []
    for pair in sorted(pairs, key=lambda p: (p.method != "number", -p.score, p.left, p.right)):
        ours, theirs = (group_of.get(place, {place}) for place in (pair.left, pair.right))
        if pair.right in ours or {sources[place] for place in ours} & {sources[place] for place in theirs}:
            continue
        joined = ours | theirs
        group_of.update(dict.fromkeys(joined, joined))
        held.append(pair)
    return held


def _links(
    held: Sequence[Pair], orders: "polars.DataFrame", preferred: Mapping[str, int]
) -> "polars.DataFrame":
    """A row a copy: every order of a group but the one whose source goes first."""
    neighbors: dict[int, list[Pair]] = {}
    for pair in held:
        neighbors.setdefault(pair.left, []).append(pair)
        neighbors.setdefault(pair.right, []).append(pair)
    rows = orders.select("order_id", "source", "created_at").rows()

    def rank(place: int) -> tuple[int, str, int]:
        source = rows[place][1]
        return preferred.get(source, len(preferred)), source, place

    reached: set[int] = set()
    links = []
    for kept in sorted(neighbors, key=rank):
        if kept not in reached:
            reached.add(kept)
            for copy, pair, score in _copies(kept, neighbors, reached):
                known_at: datetime = max(rows[kept][2], rows[copy][2])
                links.append((rows[copy][0], rows[kept][0], score, pair.method, pair.evidence, known_at))
    return _link_rows(links)


def _link_rows(links: Sequence[tuple[object, ...]]) -> "polars.DataFrame":
    import polars as pl

    schema: dict[str, Any] = dict.fromkeys(LINK_COLUMNS, pl.String)
    schema |= {"confidence": pl.Float64, "known_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(links, schema, orient="row").sort("order_id")


def _copies(
    kept: int, neighbors: Mapping[int, Sequence[Pair]], reached: set[int]
) -> Iterator[tuple[int, Pair, float]]:
    """The other orders of a group, each with the pair that leads to it and the least score on the way."""
    ahead = [(kept, 1.0)]
    while ahead:
        here, confidence = ahead.pop()
        for pair in neighbors[here]:
            other = pair.right if pair.left == here else pair.left
            if other not in reached:
                reached.add(other)
                least = min(confidence, 1.0 if pair.method == "number" else round(pair.score, 4))
                yield other, pair, least
                ahead.append((other, least))
