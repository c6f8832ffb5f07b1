"""A model fitted anew serves only if it passes its trial; what was in production goes on."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import ConflictError
from foresell.evaluation.compare import Trial, leaderboard
from foresell.evaluation.intervals import Interval
from foresell.services.canary import CanaryError, Judged, Probe, require_sane
from foresell.services.production import load_production, put_to_work, scores_of
from foresell.services.results import write_results
from foresell.services.shop import Shop
from foresell.store.model_versions import pointers
from foresell.store.models import Artifact, Origin

Scores = dict[str, tuple[float, float, float]]


def board_of(scores: Scores) -> pl.DataFrame:
    """Model → score on validation, with its interval."""
    trials = [
        Trial("recommend", name, "validation", {"ndcg": Interval(*one)}, 0.0, 0.0)
        for name, one in scores.items()
    ]
    return leaderboard(trials, datetime.now(UTC))


def fit(shop: Shop, model: str, scores: Scores, probe: Probe | None = None) -> str:
    """As a fit ends: the model is put to work, then the leaderboard is written."""
    board = board_of(scores)
    label = put_to_work(
        shop,
        "recommend",
        model,
        {},
        {"products": pl.DataFrame({"value": [1]})},
        origin=Origin(),
        scores=scores_of(board, model),
        judged=Judged(board, model, "ndcg", True, probe),
    )
    write_results(shop, "leaderboard", board, replaces={"task": "recommend"})
    return label


def test_worse_than_production_beyond_the_interval_is_refused(shop: Shop) -> None:
    first = {"markov": (0.30, 0.28, 0.32), "popularity": (0.20, 0.18, 0.22)}
    assert fit(shop, "markov", first) == "recommend/0001"
    # On the same windows: markov is at .25 now, popularity at .20.
    later = {"markov": (0.25, 0.24, 0.26), "popularity": (0.20, 0.19, 0.21)}
    with pytest.raises(CanaryError, match="0001 goes on"):
        fit(shop, "popularity", later)
    assert load_production(shop, "recommend").version == "0001"
    assert pointers(shop.folder.models, "recommend") == {"candidate": "0002", "production": "0001"}
    # The same kind is worse than it was, on other windows: what counts is this fit's.
    assert fit(shop, "markov", later) == "recommend/0003"


def test_as_good_within_the_interval_serves(shop: Shop) -> None:
    fit(shop, "markov", {"markov": (0.30, 0.28, 0.32)})
    both = {"markov": (0.30, 0.28, 0.32), "popularity": (0.27, 0.25, 0.29)}
    assert fit(shop, "popularity", both) == "recommend/0002"


def test_what_was_not_judged_again_counts_by_its_own_interval(shop: Shop) -> None:
    fit(shop, "markov", {"markov": (0.30, 0.28, 0.32)})
    with pytest.raises(CanaryError, match="when it was fitted"):
        fit(shop, "popularity", {"popularity": (0.20, 0.18, 0.22)})
    assert fit(shop, "popularity", {"popularity": (0.29, 0.27, 0.31)}) == "recommend/0003"


def answers_nonsense(_candidate: Artifact) -> None:
    require_sane(np.array([0.1, np.nan]), "scores")


def breaks(_candidate: Artifact) -> None:
    raise ValueError("a shape")


@pytest.mark.parametrize("probe", [answers_nonsense, breaks])
def test_one_that_fails_its_probe_is_refused(shop: Shop, probe: Probe) -> None:
    with pytest.raises(CanaryError, match="Nothing is in production"):
        fit(shop, "markov", {"markov": (0.9, 0.8, 1.0)}, probe)
    assert "production" not in pointers(shop.folder.models, "recommend")


@pytest.mark.parametrize(
    ("values", "bounds"), [([], (0, 1)), ([np.inf], (0, 1)), ([0.5, 1.2], (0, 1)), ([-0.1], (0, 1))]
)
def test_answers_out_of_bounds_are_named(values: list[float], bounds: tuple[float, float]) -> None:
    with pytest.raises(ConflictError):
        require_sane(np.array(values), "chances", *bounds)
    require_sane(np.array([0.0, 1.0]), "chances", 0.0, 1.0)
