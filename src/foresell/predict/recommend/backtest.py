"""The recommenders against each other, on held-out time, through the interfaces that serve them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.evaluation.compare import Trial, leaderboard
from foresell.evaluation.intervals import Interval, bootstrap_mean
from foresell.evaluation.ranking import RankingScores, ranking_scores, relevant_products
from foresell.evaluation.splits import Fold, split_at_end
from foresell.features.asof import after, asof
from foresell.predict.recommend import competing, left_out, load_model
from foresell.predict.recommend.catalog import IMPORT_MORE, NOTHING
from foresell.predict.recommend.interactions import described_products, interactions
from foresell.predict.recommend.spending import spending

TASK = "recommend"
MAIN_SCORE = "ndcg"
WINDOW = timedelta(days=28)
SEED = 0
SCORES = ("recall", "ndcg", "mrr", "novelty", "stratified_recall", "revenue", "margin")
# Of each customer that `behavior` trains on: older ones cost time, and tell of what is no more.
MOST_ACTIONS = 100
Say = Callable[[str], None]


def config_of(model: str, settings: Settings) -> Any:
    """The model's config under the store's settings; what foretells is to foretell the backtest's window."""
    of_all = {"half_life_days": settings.recommend.half_life_days}
    window_days = WINDOW / timedelta(days=1)
    if model not in ("behavior", "hybrid"):
        return load_model(model).config(**of_all)
    encoding = {"preset": settings.behavior.preset, "text_encoder": settings.behavior.text_encoder}
    if model == "hybrid":
        repeats = settings.recommend.repeats == "include"
        return load_model(model).config(**of_all, **encoding, window_days=window_days, repeats=repeats)
    return load_model(model).config(
        **of_all,
        **encoding,
        target_horizon_days=window_days,
        only_new_targets=True,
        most_actions=MOST_ACTIONS,
        use_habit=True,
        use_newcomers=True,
        use_steps=False,
    )


def main_score(settings: Settings) -> str:
    """The score that chooses; higher is better."""
    return f"{MAIN_SCORE}@{settings.recommend.k}"


def backtest(
    tables: Tables,
    settings: Settings,
    *,
    models: Sequence[str] | None = None,
    window: timedelta = WINDOW,
    say: Say = lambda step: None,
) -> pl.DataFrame:
    """The `leaderboard` of the contracts: each model on the validation and the test window.

    Both windows lie at the end of the history (`evaluation.splits.split_at_end`). A model learns from
    what was known at a window's start (`features.asof`), recommends to every customer who has a history
    and takes something relevant in the window, and is scored by `evaluation.ranking` at k of the
    settings, in hits and, where there are order lines, in money; repeats as the settings say (stated in
    `note`). Intervals: 95%, bootstrap over customers. `models`: by default all that compete and can; the
    note says which cannot. `say` is told each step.
    Raises InputError where there is nothing to learn from.
    """
    times = interactions(tables)["occurred_at"]
    first, last = times.min(), times.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise InputError(NOTHING, do=IMPORT_MORE)
    split = split_at_end(first.astimezone(UTC), last.astimezone(UTC), window)
    chosen = competing() if models is None else models
    trials = [trial for fold in split.folds() for trial in _trials(tables, settings, fold, chosen, say)]
    return leaderboard(trials, datetime.now(UTC))


def _trials(
    tables: Tables, settings: Settings, fold: Fold, models: Sequence[str], say: Say
) -> Iterator[Trial]:
    known = asof(tables, settings, fold.cutoff)
    past, products = interactions(known), described_products(known)
    later = after(tables, settings, fold.cutoff, fold.until - fold.cutoff)
    taken = interactions(later)
    with_history = taken.join(past.select("customer_id").unique(), on="customer_id", how="semi")
    exclude = past if settings.recommend.repeats == "exclude" else None
    relevant = relevant_products(with_history, exclude)
    if (spent := spending(later, settings)) is not None:
        relevant = relevant.join(spent, on=["customer_id", "product_id"], how="left")
    judged = relevant["customer_id"].unique()
    conditions = (
        f"repeats {settings.recommend.repeats}d",
        f"{len(judged)} customers",
        f"{fold.cutoff:%Y-%m-%d %H:%M} to {fold.until:%Y-%m-%d %H:%M} UTC",
        left_out(models),
    )
    note = "; ".join(filter(None, conditions))
    for name in models:
        say(f"{fold.split}: {name}")
        model, config = load_model(name), config_of(name, settings)
        started = perf_counter()
        fitted = model.fit(past, config, products)
        fitted_at = perf_counter()
        recommended = fitted.recommend(
            past, settings.recommend.k, exclude=exclude, customers=judged, with_reasons=False
        )
        seconds = (fitted_at - started, perf_counter() - fitted_at)
        found = ranking_scores(recommended, relevant, settings.recommend.k, past)
        yield Trial(TASK, name, fold.split, _named_scores(found), *seconds, note)


def _named_scores(found: RankingScores) -> dict[str, Interval]:
    values = {
        f"{name}@{found.k}": bootstrap_mean(found.per_customer[name].fill_null(np.nan), seed=SEED)
        for name in SCORES
        if name in found.per_customer.columns
    }
    return {**values, f"coverage@{found.k}": Interval(found.coverage, np.nan, np.nan)}
