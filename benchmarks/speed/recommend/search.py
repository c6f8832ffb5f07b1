"""Whether mistyped titles find their product, and how fast: of a store, or of a made-up catalog.

    python -m benchmarks.speed.recommend.search --store FOLDER
    python -m benchmarks.speed.recommend.search --products 100000

A query is a product's title (without titles: brand and category) in which one letter of every word of four
letters or more is left out, doubled, exchanged with its neighbor or another one. It is answered if a product
of that very text is among the first ten.
"""

import argparse
import json
import random
import resource
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from foresell.behavior.text import load_encoder
from foresell.predict.recommend.search.catalog import SAID
from foresell.predict.recommend.search.product_search import ProductSearch

K, NUM_QUERIES, SEED = 10, 500, 17
SHORTEST = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHARE_FORBIDDEN = 0.2
NUM_WORDS, NUM_BRANDS = 4_000, 2_000
SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ter",
    "san",
    "ve",
    "ron",
    "dal",
    "pi",
    "gust",
    "ne",
    "bar",
    "fel",
    "ho",
    "wex",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--store", type=Path)
    source.add_argument("--products", type=int)
    parser.add_argument("--encoder", default="hashed:256")
    given = parser.parse_args()
    said = made_up(given.products) if given.store is None else of_store(given.store)
    started = time.process_time()
    index = ProductSearch.of(said, load_encoder(given.encoder))
    built = time.process_time() - started
    told = {"products": said.height, "build_cpu_seconds": built, **asked(index, said)}
    told["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(told, indent=1))


def asked(index: ProductSearch, said: pl.DataFrame) -> dict[str, Any]:
    """The shares of exact and mistyped titles that are answered; times of the mistyped, with a filter."""
    draw = random.Random(SEED)  # noqa: S311
    texts = said.select(
        pl.coalesce("title", pl.concat_str("brand", "category", separator=" ", ignore_nulls=True))
    ).to_series()
    places = [place for place, text in enumerate(texts) if text]
    chosen = draw.sample(places, min(NUM_QUERIES, len(places)))
    eligible = np.random.default_rng(SEED).random(said.height) >= SHARE_FORBIDDEN
    eligible[chosen] = True
    exact, mistyped, milliseconds = [], [], []
    for place in chosen:
        exact.append(is_found(index, texts, texts[place], place, eligible))
        query = with_mistakes(texts[place], draw)
        started = time.perf_counter()
        mistyped.append(is_found(index, texts, query, place, eligible))
        milliseconds.append(1_000 * (time.perf_counter() - started))
    p50, p90 = np.percentile(milliseconds, [50, 90])
    shares = {"exact_in_10": np.mean(exact), "mistyped_in_10": np.mean(mistyped)}
    return {"queries": len(chosen), **shares, "p50_ms": p50, "p90_ms": p90}


def is_found(index: ProductSearch, texts: pl.Series, query: str, place: int, eligible: Any) -> bool:
    found = index.search(query, K, eligible).positions_K
    return texts[place] in [texts[int(position)] for position in found]


def with_mistakes(text: str, draw: random.Random) -> str:
    return " ".join(mistaken(word, draw) if len(word) >= SHORTEST else word for word in text.split())


def mistaken(word: str, draw: random.Random) -> str:
    place = draw.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    return draw.choice(
        [
            before + after,
            before + 2 * letter + after,
            before + after[0] + letter + after[1:],
            before + draw.choice(LETTERS) + after,
        ]
    )


def of_store(folder: Path) -> pl.DataFrame:
    from foresell.predict.recommend.assortment import read_assortment
    from foresell.predict.recommend.search.catalog import said_of_products
    from foresell.services.shop import open_shop

    with open_shop(folder).reading() as tables:
        return said_of_products(tables, read_assortment(tables, datetime.now(UTC)))


def made_up(num: int) -> pl.DataFrame:
    """Titles of five words, the frequent ones in many."""
    draw = random.Random(SEED)  # noqa: S311
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(2, 4))) for _ in range(NUM_WORDS)]
    weights = [1 / (place + 10) for place in range(NUM_WORDS)]
    brands = ["".join(draw.choices(SYLLABLES, k=3)).title() for _ in range(NUM_BRANDS)]
    rows = [
        (
            f"p{place:08d}",
            " ".join(draw.choices(words, weights, k=5)),
            draw.choice(brands),
            draw.choice(words[:200]),
            " ".join(draw.choices(words, weights, k=25)),
        )
        for place in range(num)
    ]
    return pl.DataFrame(rows, schema=SAID, orient="row")


if __name__ == "__main__":
    main()
