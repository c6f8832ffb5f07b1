"""A made-up shop: what it sells, and what its customers did, in any size and bounded memory."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from foresell.behavior.vocabulary import Vocabulary

SEED = 5
CUSTOMERS_AT_ONCE = 20_000
START = 1_704_067_200
MICROSECONDS = 1_000_000
NUM_CATEGORIES, NUM_BRANDS = 400, 3_000
WORDS = ("soft", "bright", "large", "cotton", "steel", "garden", "winter", "lamp", "chair", "shirt", "bottle")
EVENTS = ("add_to_cart", "purchase", "view_item")
EVENT_SHARES = (0.15, 0.1, 0.75)
CHANNELS = ("app", "web")
# Of the steps, so many go on to one of the products beside the last; the rest begin anew, by popularity.
SHARE_BESIDE, BESIDE = 0.6, 20
POPULARITY_EXPONENT = 0.9


def vocabulary(num_products: int) -> Vocabulary:
    ids = pl.int_range(num_products, eager=True).cast(pl.String).str.zfill(9).rename("product_id")
    return Vocabulary(("p" + ids).rename("product_id"), EVENTS, CHANNELS)


def products(num_products: int) -> pl.DataFrame:
    """The frame of `features.products`: a category, a brand, a price and a title each."""
    random = np.random.default_rng([SEED, 0])
    category, brand = (random.integers(most, size=num_products) for most in (NUM_CATEGORIES, NUM_BRANDS))
    words = [np.array(WORDS)[random.integers(len(WORDS), size=num_products)] for _ in range(4)]
    frame = pl.DataFrame(
        {"category": category, "brand": brand, **{f"word{i}": one for i, one in enumerate(words)}}
    )
    return frame.select(
        vocabulary(num_products).product_ids,
        labels=pl.concat_list(pl.format("category:{}", "category"), pl.format("brand:{}", "brand")),
        price=pl.Series(random.lognormal(3, 1, num_products).round(2)),
        text=pl.concat_str([f"word{i}" for i in range(4)], separator=" ") + pl.format(" {}", "brand"),
    )


def actions(num_events: int, num_customers: int, num_products: int) -> Iterator[pa.RecordBatch]:
    """Exactly so many, sorted as `write_sequences` wants them: a few customers do most."""
    random = np.random.default_rng([SEED, 1])
    weights = random.lognormal(0, 1, num_customers)
    lengths = 1 + random.multinomial(num_events - num_customers, weights / weights.sum())
    popularity = np.cumsum(np.arange(1, num_products + 1) ** -POPULARITY_EXPONENT)
    ids = vocabulary(num_products).product_ids.to_arrow()
    for first in range(0, num_customers, CUSTOMERS_AT_ONCE):
        some = lengths[first : first + CUSTOMERS_AT_ONCE]
        products = _products(some, popularity, random)
        number = len(products)
        customers = pl.Series(np.repeat(np.arange(first, first + len(some)), some)).cast(pl.String)
        columns = {
            "customer_id": ("c" + customers.str.zfill(9)).to_arrow(),
            "occurred_at": pa.array(_moments(some, random), pa.timestamp("us", "UTC")),
            "event_name": _names(EVENTS, random.choice(len(EVENTS), number, p=EVENT_SHARES)),
            "product_id": ids.take(pa.array(products)),
            "quantity": pa.array(random.integers(1, 4, number).astype(float)),
            "channel": _names(CHANNELS, random.integers(len(CHANNELS), size=number)),
        }
        yield pa.RecordBatch.from_pydict(columns)


def _products(
    lengths: NDArray[np.int64], popularity: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of products: chains of neighbors, each chain begun by popularity."""
    number = int(lengths.sum())
    begun = np.searchsorted(popularity, random.random(number) * popularity[-1])
    is_begun = random.random(number) >= SHARE_BESIDE
    is_begun[np.cumsum(lengths) - lengths] = True
    begun_at = np.maximum.accumulate(np.where(is_begun, np.arange(number), 0))
    steps = np.where(is_begun, 0, random.integers(1, BESIDE, number)).cumsum()
    found: NDArray[np.int64] = (begun[begun_at] + steps - steps[begun_at]) % len(popularity)
    return found


def _moments(lengths: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Microseconds of Unix time: minutes to weeks between a customer's actions."""
    gaps = random.lognormal(8, 3, int(lengths.sum())).clip(1, 5_000_000).astype(np.int64)
    times = gaps.cumsum()
    starts = np.cumsum(lengths) - lengths
    return (START + times - np.repeat(times[starts], lengths)) * MICROSECONDS


def _names(names: tuple[str, ...], which: NDArray[np.int64]) -> pa.Array:
    return pa.array(names).take(pa.array(which))
