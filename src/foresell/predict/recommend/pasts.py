"""What a ranker knows of each customer: what they took, how often and when, and of which groups."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.catalog import SECONDS_A_DAY, Catalog
from foresell.predict.recommend.product_facts import FACTS, GROUPS, ProductFacts
from foresell.predict.recommend.rank import Floats, Ints

HALF_LIVES_DAYS = (15.0, 30.0, 90.0, 365.0)
COUNTS = tuple(f"count_{days:.0f}_days" for days in HALF_LIVES_DAYS)
OF_PAIR = (
    *COUNTS,
    "times",
    "share_of_baskets",
    "days_since_last",
    "days_since_first",
    "baskets_since_last",
    "own_gap",
    "due",
    "due_for_others",
)
OF_CUSTOMER = (
    "baskets",
    "baskets_28_days",
    "days_since_basket",
    "days_between_baskets",
    "basket_size",
    "distinct_products",
    "repeat_share",
    "usual_price",
)
OF_GROUP = ("count", "share", "days_since_last", "distinct", "due")
PAIR_FEATURES = (
    *OF_PAIR,
    *OF_CUSTOMER,
    *FACTS,
    "dearer_than_usual",
    *(f"{group}_{name}" for group in GROUPS for name in OF_GROUP),
)
GROUP_HALF_LIFE_DAYS = 90.0
# Own gaps count as so many times themselves beside the product's usual gap.
SHRINK = 1.0
RECENT_SECONDS = int(28 * SECONDS_A_DAY)
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Of each customer some things (products or groups), ascending: those of customer c are rows offsets[c] …
    offsets[c + 1] − 1. `values`: (N, F)."""

    offsets: Ints
    things: Ints
    values: Floats

    def between(self, first: int, last: int) -> "Found":
        begin, end = self.offsets[first], self.offsets[last]
        return Found(self.offsets[first : last + 1] - begin, self.things[begin:end], self.values[begin:end])

    @property
    def customers(self) -> Ints:
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def at(self, customers: Ints, things: Ints) -> Floats:
        """(M, F) values of the pairs; NaN for one that is not there."""
        found = np.full((len(customers), self.values.shape[1]), np.nan, np.float32)
        if not len(self.things):
            return found
        width = max(int(self.things.max()), int(things.max(initial=0))) + 1
        keys, wanted = self.customers * width + self.things, customers * width + things
        places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        is_there = (keys[places] == wanted) & (things >= 0)
        found[is_there] = self.values[places[is_there]]
        return found


@dataclass(frozen=True)
class Pasts:
    """`taken`: OF_PAIR of what each customer took; `customers`: (C, B) OF_CUSTOMER; `groups`: OF_GROUP of
    each of GROUPS."""

    taken: Found
    customers: Floats
    groups: tuple[Found, ...]

    def between(self, first: int, last: int) -> "Pasts":
        return Pasts(
            self.taken.between(first, last),
            self.customers[first:last],
            tuple(one.between(first, last) for one in self.groups),
        )


def pasts(histories: pl.DataFrame, number: int, catalog: Catalog, facts: ProductFacts) -> Pasts:
    """Of customers 0 … `number` − 1, by the column `customer`. Ages are as of the facts' moment, or of a
    customer's newest interaction where that is later."""
    days = pl.col("occurred_at").dt.epoch("us") / (1e6 * SECONDS_A_DAY)
    known = (
        catalog.with_positions(histories)
        .select("customer", "product", "weight", day=days)
        .sort("customer", "product", "day")
    )
    of = known["customer"].to_numpy().astype(np.int64)
    product = known["product"].to_numpy().astype(np.int64)
    day, weight = known["day"].to_numpy(), known["weight"].to_numpy()
    now = np.full(number, facts.until)
    np.maximum.at(now, of, day)
    age = now[of] - day
    baskets, basket_of = _baskets(of, day, number)
    taken = _taken(of, product, age, weight, baskets, basket_of, facts)
    own = _customers(of, age, baskets, taken, facts)
    is_first = np.zeros(len(of))
    is_first[_starts(of, product)] = 1
    groups = tuple(
        _of_group(of, facts.groups[place][product], is_first, age, weight, number)
        for place in range(len(GROUPS))
    )
    return Pasts(taken, own, groups)


def _baskets(of: Ints, day: Doubles, number: int) -> tuple[Ints, Ints]:
    """Where the moments of each customer begin (offsets, (C + 1,)), and the number of each row's, from 0."""
    order = np.lexsort((day, of))
    is_new = np.ones(len(of), bool)
    is_new[1:] = (np.diff(of[order]) != 0) | (np.diff(day[order]) != 0)
    offsets = _offsets(of[order][is_new], number)
    running = np.cumsum(is_new) - 1
    number_of = np.empty(len(of), np.int64)
    number_of[order] = running - offsets[of[order]]
    return offsets, number_of


def _offsets(of: Ints, number: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(of, minlength=number))]).astype(np.int64)


def _starts(of: Ints, things: Ints) -> Ints:
    """Where each (customer, thing) begins; both sorted."""
    is_new = np.ones(len(of), bool)
    is_new[1:] = (np.diff(of) != 0) | (np.diff(things) != 0)
    return np.flatnonzero(is_new)


def _taken(
    of: Ints,
    product: Ints,
    age: Doubles,
    weight: Doubles,
    baskets: Ints,
    basket_of: Ints,
    facts: ProductFacts,
) -> Found:
    starts = _starts(of, product)
    whose, things = of[starts], product[starts]
    ends = np.append(starts[1:], len(of))[: len(starts)] - 1
    times = (ends - starts + 1).astype(np.float64)
    since_first, since_last = age[starts], age[ends]
    num_baskets = np.diff(baskets)[whose]
    with np.errstate(invalid="ignore", divide="ignore"):
        own_gap = np.where(times > 1, (since_first - since_last) / (times - 1), np.nan)
        usual = facts.of("usual_gap")[things]
        drawn = (since_first - since_last + SHRINK * usual) / (times - 1 + SHRINK)
        columns = [
            *(np.log1p(_sums(weight * 2.0 ** (-age / days), starts)) for days in HALF_LIVES_DAYS),
            times,
            times / (num_baskets - basket_of[starts]),
            since_last,
            since_first,
            num_baskets - 1 - basket_of[ends],
            own_gap,
            since_last / drawn,
            since_last / usual,
        ]
    return Found(_offsets(whose, len(baskets) - 1), things, np.stack(columns, 1).astype(np.float32))


def _sums(values: Doubles, starts: Ints) -> Doubles:
    return np.add.reduceat(values, starts) if len(starts) else np.empty(0)


def _customers(of: Ints, age: Doubles, baskets: Ints, taken: Found, facts: ProductFacts) -> Floats:
    number = len(baskets) - 1
    num_rows, num_baskets = np.bincount(of, minlength=number), np.diff(baskets)
    num_distinct = np.diff(taken.offsets)
    newest, oldest = np.full(number, np.inf), np.full(number, -np.inf)
    np.minimum.at(newest, of, age)
    np.maximum.at(oldest, of, age)
    seconds = np.round(age * SECONDS_A_DAY).astype(np.int64)
    is_recent = seconds < RECENT_SECONDS
    recent = np.unique(of[is_recent] * RECENT_SECONDS + seconds[is_recent]) // RECENT_SECONDS
    price = facts.of("price")[taken.things]
    has_price = ~np.isnan(price)
    priced = taken.customers[has_price]
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = [
            num_baskets,
            np.bincount(recent, minlength=number),
            newest,
            (oldest - newest) / (num_baskets - 1),
            num_rows / num_baskets,
            num_distinct,
            1 - num_distinct / num_rows,
            np.bincount(priced, price[has_price], minlength=number) / np.bincount(priced, minlength=number),
        ]
    values = np.stack(columns, 1).astype(np.float32)
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def _of_group(of: Ints, group: Ints, is_first: Doubles, age: Doubles, weight: Doubles, number: int) -> Found:
    """`is_first`: 1 in one row of each customer and product, else 0; a product is of one group."""
    order = np.lexsort((-age, group, of))
    order = order[group[order] >= 0]
    whose, which, ages = of[order], group[order], age[order]
    starts = _starts(whose, which)
    ends = np.append(starts[1:], len(whose))[: len(starts)] - 1
    counts = _sums(weight[order] * 2.0 ** (-ages / GROUP_HALF_LIFE_DAYS), starts)
    moments = np.ones(len(order))
    moments[1:] = np.diff(ages) != 0
    moments[starts] = 1
    num_moments = _sums(moments, starts)
    distinct = _sums(is_first[order], starts)
    owner = whose[starts]
    total = np.bincount(owner, counts, minlength=number)[owner]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (ages[starts] - ages[ends]) / (num_moments - 1)
        due = np.where(gap > 0, ages[ends] / gap, np.nan)
        columns = [np.log1p(counts), counts / total, ages[ends], distinct, due]
    return Found(_offsets(owner, number), which[starts], np.stack(columns, 1).astype(np.float32))


def pair_features(past: Pasts, facts: ProductFacts, customers: Ints, products: Ints) -> Floats:
    """(M, F) float32 of PAIR_FEATURES; NaN where nothing is known."""
    own, sold = past.customers[customers], facts.values[products]
    dearer = facts.of("price")[products] - own[:, OF_CUSTOMER.index("usual_price")]
    by_group = [
        found.at(customers, groups[products]) for found, groups in zip(past.groups, facts.groups, strict=True)
    ]
    taken = past.taken.at(customers, products)
    return np.concatenate([taken, own, sold, dearer[:, None], *by_group], axis=1)
