"""The leaderboard is the contract's table; the choice looks at validation only."""

from datetime import UTC, datetime

import numpy as np
import pytest

from foresell.contracts.errors import NotFoundError
from foresell.contracts.results import leaderboard as contract
from foresell.evaluation.compare import Trial, choose, leaderboard
from foresell.evaluation.intervals import Interval
from foresell.evaluation.splits import Split

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def trial(model: str, split: Split, value: float, score: str = "ndcg@10") -> Trial:
    return Trial(
        "recommend", model, split, {score: Interval(value, value - 0.1, np.nan)}, 1.5, 0.5, "repeats"
    )


def test_rows_are_those_of_the_contract_and_undefined_scores_are_left_out() -> None:
    board = leaderboard([trial("a", "test", 0.5), trial("b", "test", np.nan)], NOW)
    assert board.columns == [column.name for column in contract.columns]
    (row,) = board.to_dicts()
    assert (row["model"], row["value"], row["lower"], row["upper"]) == ("a", 0.5, 0.4, None)
    assert (row["fit_seconds"], row["predict_seconds"], row["note"]) == (1.5, 0.5, "repeats")


def test_the_choice_is_made_on_validation_though_the_test_says_otherwise() -> None:
    board = leaderboard(
        [
            trial("a", "validation", 0.6),
            trial("b", "validation", 0.5),
            trial("a", "test", 0.1),
            trial("b", "test", 0.9),
        ],
        NOW,
    )
    assert choose(board, "ndcg@10", higher_is_better=True) == "a"
    assert choose(board, "ndcg@10", higher_is_better=False) == "b"


def test_equal_models_are_chosen_by_name() -> None:
    board = leaderboard([trial("z", "validation", 0.5), trial("m", "validation", 0.5)], NOW)
    assert choose(board, "ndcg@10", higher_is_better=True) == "m"
    assert choose(board, "ndcg@10", higher_is_better=False) == "m"


def test_an_unknown_score_names_the_known_ones() -> None:
    board = leaderboard([trial("a", "validation", 0.5)], NOW)
    with pytest.raises(NotFoundError, match="ndcg@10"):
        choose(board, "auc", higher_is_better=True)
