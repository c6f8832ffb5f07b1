"""One window: what each recommender scores a customer, and products without history ranked by content."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import polars as pl

from foresell.evaluation.ranking import RankingScores, ranking_scores, relevant_products
from foresell.predict.recommend import load_model
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.habit import learn_habit
from foresell.predict.recommend.held_back import held_back

K = 10
COLD_KS = (10, 100, 1_000)
# What of the behavior model is left out or done otherwise; each is a training of its own.
ABLATIONS: dict[str, dict[str, Any]] = {
    "behavior, ids only": {"use_labels": False, "use_price": False, "use_text": False, "text_encoder": ""},
    "behavior, foretells repeats too": {"only_new_targets": False},
    "behavior, without time": {"use_time": False},
}


@dataclass(frozen=True)
class Window:
    """`past`: interactions before the window; `taken`: in it, of customers with a past; `products`: the
    catalog."""

    past: pl.DataFrame
    taken: pl.DataFrame
    products: pl.DataFrame


@dataclass(frozen=True)
class Tried:
    """`scores` with repeats, `new_scores` of products new to the customer; `cold`: see `cold_scores`."""

    name: str
    scores: RankingScores
    new_scores: RankingScores
    cold: dict[int, pl.DataFrame] | None
    fit_seconds: float


def tried(window: Window, name: str, config: Any) -> Iterator[Tried]:
    """The model of that name as it is; of `behavior` also its two halves, each alone."""
    started = perf_counter()
    fitted: Any = load_model(name.split(",")[0]).fit(window.past, config, window.products)
    seconds = perf_counter() - started
    yield _judged(window, name, fitted, seconds)
    if name != "behavior":
        return
    yield _judged(window, "behavior, model alone", replace(fitted, habit=None), seconds)
    yield _judged(window, "behavior, habit alone", _habit_alone(window, fitted), seconds)


def _judged(window: Window, name: str, fitted: FittedRecommender, seconds: float) -> Tried:
    with_repeats = _scored(window, fitted, relevant_products(window.taken), None)
    own = window.past.select("customer_id", "product_id").unique()
    new = _scored(window, fitted, relevant_products(window.taken, window.past), own)
    knows_new = name in ("transition", "behavior") or name in ABLATIONS
    cold = cold_scores(window, fitted) if knows_new else None
    return Tried(name, with_repeats, new, cold, seconds)


def _scored(
    window: Window, fitted: FittedRecommender, relevant: pl.DataFrame, exclude: pl.DataFrame | None
) -> RankingScores:
    customers = relevant["customer_id"].unique()
    found = fitted.recommend(window.past, K, exclude=exclude, customers=customers, with_reasons=False)
    return ranking_scores(found, relevant, K, window.past)


def never_taken(window: Window) -> pl.Series:
    """The catalog's products of which something is said, and that nobody had taken before the window."""
    is_said = (pl.col("labels").list.len() > 0) | pl.col("text").is_not_null()
    said = window.products.filter(is_said).select("product_id")
    return said.join(window.past, on="product_id", how="anti")["product_id"]


def cold_scores(window: Window, fitted: FittedRecommender) -> dict[int, pl.DataFrame]:
    """k → the scores of each customer who took one of `never_taken`, all products with a history left out."""
    cold = never_taken(window).implode()
    relevant = relevant_products(window.taken).filter(pl.col("product_id").is_in(cold))
    sold = window.past.select(customer_id=pl.lit(None, pl.String), product_id="product_id").unique()
    customers = relevant["customer_id"].unique()
    found = fitted.recommend(
        window.past, max(COLD_KS), exclude=sold, customers=customers, with_reasons=False
    ).filter(pl.col("score") > 0)
    return {k: ranking_scores(found, relevant, k, window.past).per_customer for k in COLD_KS}


def _habit_alone(window: Window, fitted: Any) -> Any:
    """The habit learned and used where the model thinks all products equally likely."""
    blank = deepcopy(fitted.model)
    for tensor in blank.state_dict().values():
        tensor.zero_()
    even = replace(fitted, model=blank, habit=None, newcomers=None)
    learned, later = held_back(window.past, fitted.config.target_horizon_days)
    return replace(even, habit=learn_habit(even.catalog, learned, later, even.chances_of))
