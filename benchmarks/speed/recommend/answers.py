"""The whole answer, as a visitor waits for it: history, vector or votes, search, rules, caps, reasons."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from benchmarks.speed.recommend.vectors import Floats, sessions

from foresell.predict.recommend import load_model
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.rules.reading import rule_from_record
from foresell.predict.recommend.serving.counts import Trends
from foresell.predict.recommend.serving.histories import Histories
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.recommender import Recommender
from foresell.predict.recommend.serving.request import Request

NUM_CATEGORIES, NUM_BRANDS = 50, 2_000
# What a product's vector is multiplied by, so that scores differ about as those of trained models do.
SPREAD = 0.25
# Of the counts mixed in, as the behavior model does by default where they help.
SHARE_OF_COUNTS = 0.3
# A fifth of the products is forbidden: ten of fifty categories.
RULES = (
    {"name": "ten categories", "kind": "exclude", "category": [f"category {n}" for n in range(10)]},
    {"name": "in stock", "kind": "in_stock", "least": 1.0, "allow_unknown": True},
    {"name": "three a brand", "kind": "cap", "by": "brand", "most": 3},
    {"name": "nothing twice", "kind": "already_bought"},
)


@dataclass(frozen=True)
class Answering:
    """`answer`: (first customer, number of them) → the ids of their answers."""

    answer: Callable[[int, int], list[list[str]]]
    recall: float | None


def answering(model: str, vectors: Floats, k: int) -> Answering:
    """`model`: session_knn; behavior, whose products have these vectors; or behavior+counts."""
    taken = sessions(len(vectors))
    assortment = _assortment(len(vectors))
    fitted = _behavior(vectors, taken) if model.startswith("behavior") else _fit(model, taken)
    if model == "behavior+counts":
        fitted = _with_counts(fitted, taken)
    rules = tuple(rule_from_record(dict(rule), "benchmark") for rule in RULES)
    known = Knowledge(fitted, model, assortment, lambda: taken, _no_trends, None, rules)
    recommender = Recommender(known, Histories.of(taken))
    recommender.prepare()
    people, now = recommender.customers(), datetime.now(UTC)

    def answer(first: int, number: int) -> list[list[str]]:
        asked = [Request("customer", k, customer_id=one) for one in people[first : first + number]]
        return [[item.product_id for item in found.items] for found in recommender.answer(asked, now)]

    return Answering(answer, recommender.recall)


def _fit(model: str, taken: pl.DataFrame) -> FittedRecommender:
    chosen = load_model(model)
    return chosen.fit(taken, chosen.config(), None)


def _behavior(vectors: Floats, taken: pl.DataFrame) -> FittedRecommender:
    """Of the preset `small`, width 64, as it is before training but for the products' vectors: what an answer
    costs does not depend on what was learned."""
    import torch

    from foresell.behavior.content import content
    from foresell.behavior.model import BehaviorModel, Sizes
    from foresell.predict.recommend.models.behavior import BehaviorConfig
    from foresell.predict.recommend.sequence_model import FittedSequenceModel, vocabulary_of

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = BehaviorConfig(preset="small", width=vectors.shape[1], use_steps=False)
    catalog = Catalog.from_interactions(taken, 30.0, (str(number) for number in range(len(vectors))))
    model = BehaviorModel(
        config.chosen().model, Sizes(catalog.size, 0, 0), content(None, vocabulary_of(catalog))
    )
    with torch.no_grad():
        model.products.ids.weight[1:] = torch.from_numpy(vectors * np.float32(SPREAD))
    model.eval()
    return FittedSequenceModel(config, catalog, model, [], {})


def _with_counts(fitted: FittedRecommender, taken: pl.DataFrame) -> FittedRecommender:
    from foresell.features.ids import places
    from foresell.predict.recommend.steps import Steps

    graph = _fit("transition", taken)
    columns = places(graph.catalog.product_ids, fitted.catalog.product_ids)
    return replace(fitted, steps=Steps("transition", graph, SHARE_OF_COUNTS, columns))


def _assortment(num: int) -> Assortment:
    random = np.random.default_rng(5)
    return Assortment.of(
        pl.DataFrame(
            {
                "product_id": pl.Series(np.arange(num)).cast(pl.String),
                "category": _drawn("category", NUM_CATEGORIES, num, random),
                "brand": _drawn("brand", NUM_BRANDS, num, random),
                "price": random.lognormal(3, 1, num),
                "on_hand": random.integers(0, 100, num).astype(float),
            }
        )
    )


def _drawn(what: str, number: int, size: int, random: np.random.Generator) -> pl.Series:
    names = pl.Series([f"{what} {one}" for one in range(number)])
    return names.gather(random.integers(number, size=size))


def _no_trends() -> Trends:
    names = {"product_id": pl.String, "location_id": pl.String, "recent": pl.Int64, "before": pl.Int64}
    return Trends(pl.DataFrame(schema=names))
