"""The whole answer, as a visitor waits for it: profile, scores, rules, caps, the list and its reasons."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from benchmarks.speed.recommend.vectors import sessions

from foresell.predict.recommend import load_model
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.rules.reading import rule_from_record
from foresell.predict.recommend.serving.counts import Trends
from foresell.predict.recommend.serving.histories import Histories
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.recommender import Recommender
from foresell.predict.recommend.serving.request import Request

NUM_CATEGORIES, NUM_BRANDS = 50, 2_000
CONFIGS: dict[str, dict[str, Any]] = {"behavior": {"preset": "tiny", "max_epochs": 1, "use_steps": False}}
# A fifth of the products is forbidden: ten of fifty categories.
RULES = (
    {"name": "ten categories", "kind": "exclude", "category": [f"category {n}" for n in range(10)]},
    {"name": "in stock", "kind": "in_stock", "least": 1.0, "allow_unknown": True},
    {"name": "three a brand", "kind": "cap", "by": "brand", "most": 3},
    {"name": "nothing twice", "kind": "already_bought"},
)


def answering(model: str, num_products: int, k: int) -> Callable[[int, int], list[list[str]]]:
    """(first customer, number of them) → the ids of their answers."""
    taken = sessions(num_products)
    assortment = _assortment(num_products)
    content = assortment.products.select("product_id", "labels", "price", text="name")
    chosen = load_model(model)
    fitted = chosen.fit(taken, chosen.config(**CONFIGS.get(model, {})), content)
    rules = tuple(rule_from_record(dict(rule), "benchmark") for rule in RULES)
    known = Knowledge(fitted, model, assortment, lambda: taken, _no_trends, content, rules)
    histories = Histories.of(taken)
    histories.prepare()
    recommender, people, now = Recommender(known, histories), histories.customers(), datetime.now(UTC)

    def answer(first: int, number: int) -> list[list[str]]:
        asked = [Request("customer", k, customer_id=one) for one in people[first : first + number]]
        return [[item.product_id for item in found.items] for found in recommender.answer(asked, now)]

    return answer


def _assortment(num: int) -> Assortment:
    random = np.random.default_rng(5)
    return Assortment.of(
        pl.DataFrame(
            {
                "product_id": [str(number) for number in range(num)],
                "name": [f"product number {number}" for number in range(num)],
                "category": [f"category {n}" for n in random.integers(NUM_CATEGORIES, size=num)],
                "brand": [f"brand {n}" for n in random.integers(NUM_BRANDS, size=num)],
                "price": random.lognormal(3, 1, num),
                "on_hand": random.integers(0, 100, num).astype(float),
            }
        )
    )


def _no_trends() -> Trends:
    names = {"product_id": pl.String, "location_id": pl.String, "recent": pl.Int64, "before": pl.Int64}
    return Trends(pl.DataFrame(schema=names))
