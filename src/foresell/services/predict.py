"""Fit what a shop predicts, and put the best in production."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.canary import Judged
from foresell.services.forecasting.fit import fit_forecast
from foresell.services.leaderboards import Leaderboard, read_leaderboard
from foresell.services.production import PRODUCTION, Task, judged_card, put_to_work, scores_of
from foresell.services.recommender import make_recommender, recommend_to_all
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, counting, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

    from foresell.contracts.protocols import Tables
    from foresell.store.models import Artifact

TASKS: tuple[Task, ...] = ("recommend", "forecast")
# What recommends while the history is too short to judge models.
SIMPLEST = "popularity"
# Customers who are asked for in a trial.
NUM_PROBED = 16


def fit(shop: Shop, task: Task, progress: Progress = silent) -> None:
    """Judge every model on held-out time, fit the best on everything, and put it in production.

    The leaderboard, and what the chosen model says now, are written to the result tables. The choice
    is by validation; the test scores are only reported. A history too short to hold weeks out is
    learned by the simplest model, unjudged. InputError where there is nothing to learn from.
    """
    if task == "forecast":
        fit_forecast(shop, progress=progress)
        return
    with writing(shop, f"fit {task}", progress):
        _fit_recommender(shop, progress)


def leaderboard(shop: Shop, task: str, progress: Progress = silent) -> Leaderboard:
    """The leaderboard of the last fit; recommend and forecast are fitted now where they never were."""
    if known := [fitted for fitted in TASKS if fitted == task]:
        ensure_fitted(shop, known[0], progress)
    return read_leaderboard(shop, task)


def ensure_fitted(shop: Shop, task: Task, progress: Progress) -> None:
    from foresell.store.model_versions import pointers

    if PRODUCTION not in pointers(shop.folder.models, task):
        progress(f"no model of '{task}' yet: fitting", 0, None)
        fit(shop, task, progress)


def _fit_recommender(shop: Shop, progress: Progress) -> None:
    from foresell.evaluation.compare import choose
    from foresell.evaluation.compare import leaderboard as make_leaderboard
    from foresell.predict.recommend import competing, load_model
    from foresell.predict.recommend.backtest import backtest, config_of, main_score
    from foresell.predict.recommend.interactions import described_products, interactions
    from foresell.store.models import Origin

    say = counting(progress, num_steps=2 * len(competing()))
    with shop.reading_matched() as tables:
        learned = interactions(tables)
        try:
            board = backtest(tables, shop.settings, say=say)
            best = choose(board, main_score(shop.settings), higher_is_better=True)
        except (InputError, NotFoundError):
            if learned.is_empty():
                raise
            board, best = make_leaderboard([], datetime.now(UTC)), SIMPLEST
        progress(f"fitting {best} on everything", 0, None)
        config = config_of(best, shop.settings)
        fitted = load_model(best).fit(learned, config, described_products(tables))
        weights: dict[str, NDArray[Any]] = getattr(fitted, "to_weights", dict)()
        scores = scores_of(board, best)
        label = put_to_work(
            shop,
            "recommend",
            best,
            asdict(fitted.config),
            fitted.to_tables(),
            origin=Origin(),
            weights=weights,
            scores=scores,
            card=judged_card(scores, SIMPLEST),
            judged=Judged(
                board, best, main_score(shop.settings), True, partial(_probe, shop, tables, learned)
            ),
        )
        write_results(shop, "leaderboard", board, replaces={"task": "recommend"})
        progress("recommending to every customer", 0, None)
        rows = recommend_to_all(shop, tables, (fitted, label), learned)
    write_results(shop, "recommendations", rows, replaces={})


def _probe(shop: Shop, tables: "Tables", learned: "polars.DataFrame", candidate: "Artifact") -> None:
    """Some customers are recommended something, by scores that are numbers."""
    from foresell.predict.recommend import load_model
    from foresell.services.live.mind import trial

    weights = [candidate.weights] if candidate.weights else []
    fitted = load_model(candidate.kind).load(candidate.config, candidate.tables, *weights)
    some = learned["customer_id"].unique().sort().head(NUM_PROBED)
    past = learned.filter(learned["customer_id"].is_in(some.implode()))
    made = make_recommender(shop, tables, model=(fitted, candidate.label), past=past)
    made.prepare()
    trial(made)
