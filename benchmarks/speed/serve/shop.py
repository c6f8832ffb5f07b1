"""The shop that is asked: made once for a size, and what is asked of it."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from foresell.predict.recommend import load_model
from foresell.predict.recommend.backtest import config_of
from foresell.predict.recommend.interactions import described_products, interactions
from foresell.services.access.accounts import add_key
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.production import put_to_work
from foresell.services.rules import put_rules
from foresell.services.shop import Shop, create_shop
from foresell.store.models import Origin

EVENTS_EACH = 12
CATEGORIES, BRANDS, NUM_WORDS = 40, 300, 3_000
MODEL = "session_knn"
KEY_FILE = "key.txt"
BATCH = 50
RULES = """
[[rules]]
name = "not what is out of stock"
kind = "exclude"
category = "category 7"

[[rules]]
name = "more of our own brand"
kind = "boost"
brand = "brand 3"
factor = 1.5

[[rules]]
name = "few of one category"
kind = "cap"
by = "category"
most = 4

[[rules]]
name = "not what they have"
kind = "already_bought"
"""


def make_shop(work: Path, products: int, customers: int) -> tuple[Path, str]:
    """The store and a key with every scope that is needed."""
    store = work / f"{products}-{customers}"
    if not (store / KEY_FILE).exists():
        work.mkdir(parents=True, exist_ok=True)
        shop = create_shop(store)
        _fill(shop, work, products, customers)
        _fit(shop)
        put_rules(shop, RULES, "the benchmark's rules", "benchmark")
        _, secret = add_key(shop, "benchmark", ["events:write", "recommend:read"], "benchmark")
        (store / KEY_FILE).write_text(secret)
    return store, (store / KEY_FILE).read_text()


def _fill(shop: Shop, work: Path, products: int, customers: int) -> None:
    random = np.random.default_rng(7)
    numbers = np.arange(products)
    catalog = pl.DataFrame({"product_id": numbers, "price": random.uniform(1, 90, products).round(2)})
    catalog = catalog.with_columns(
        product_id=pl.format("p{}", "product_id"),
        title=pl.format("{} {} {}", *(_words(random, products) for _ in range(3))),
        category=pl.format("category {}", pl.Series(random.integers(0, CATEGORIES, products))),
        brand=pl.format("brand {}", pl.Series(random.integers(0, BRANDS, products))),
    )
    num = customers * EVENTS_EACH
    # Popularity spreads as in shops: a tenth of the products have more than half of the events, and most have
    # some.
    popularity = random.lognormal(0.0, 1.5, products)
    chosen = random.choice(products, num, p=popularity / popularity.sum())
    first = datetime.now(UTC) - timedelta(days=60)
    seconds = pl.Series(random.integers(0, 60 * 86_400, num))
    events = pl.DataFrame({"event_id": np.arange(num)}).with_columns(
        event_id=pl.format("h{}", "event_id"),
        event_name=pl.Series(random.choice(["view_item", "add_to_cart", "purchase"], num, p=[0.7, 0.2, 0.1])),
        occurred_at=(pl.lit(first) + pl.duration(seconds=seconds)).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        customer_id=pl.format("c{}", pl.Series(random.integers(0, customers, num))),
        product_id=pl.format("p{}", pl.Series(chosen)),
    )
    for name, frame in (("products", catalog), ("events", events)):
        path = work / f"{name}.parquet"
        frame.write_parquet(path)
        import_files(shop, ImportRequest(path, name))
        path.unlink()


def _words(random: np.random.Generator, number: int) -> pl.Expr:
    return pl.format("word{}", pl.Series(random.integers(0, NUM_WORDS, number)))


def _fit(shop: Shop) -> None:
    with shop.reading_matched() as tables:
        config = config_of(MODEL, shop.settings)
        fitted = load_model(MODEL).fit(interactions(tables), config, described_products(tables))
        weights = getattr(fitted, "to_weights", dict)()
    put_to_work(
        shop, "recommend", MODEL, asdict(config), fitted.to_tables(), origin=Origin(), weights=weights
    )


def recommendation_requests(key: str, customers: int, *, is_served: bool = False) -> Iterator[bytes]:
    """Each about another customer, until all were asked about. `is_served`: each answer is logged, and on the
    disk, before it is given."""
    number = 0
    while True:
        body = {
            "surface": "customer",
            "customer_id": f"c{number * 7919 % customers}",
            "k": 10,
            "seed": number,
            "is_served": is_served,
        }
        yield http_request("/v1/recommendations", key, json.dumps(body).encode())
        number += 1


def event_batches(key: str, name: str) -> Iterator[bytes]:
    run, number = f"{name}-{uuid.uuid4().hex[:8]}", 0
    while True:
        now = datetime.now(UTC).isoformat()
        events = [
            {
                "event_id": f"{run}-{place}",
                "event_name": "view_item",
                "occurred_at": now,
                "customer_id": f"c{place % 40_000}",
                "session_id": f"s{place % 90_000}",
                "product_id": f"p{place * 31 % 4_000}",
                "price": 9.9,
                "currency": "EUR",
            }
            for place in range(number, number + BATCH)
        ]
        yield http_request("/v1/events", key, json.dumps(events).encode())
        number += BATCH


def http_request(path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
