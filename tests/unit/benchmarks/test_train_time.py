"""Who was faster, and by how much at least."""

from typing import Any

import pytest
from benchmarks.speed.train_time.__main__ import verdict


def course(contestant: str, *scores: float, pace: float, cut_off: bool = False) -> dict[str, Any]:
    """An epoch every `pace` seconds."""
    epochs = [{"seconds": pace * (n + 1), "ndcg_10": score} for n, score in enumerate(scores)]
    best = max(epochs, key=lambda epoch: epoch["ndcg_10"])
    return {"contestant": contestant, "epochs": epochs, "best": best, "cut_off": cut_off}


OURS = course("foresell", 0.02, 0.06, 0.08, pace=10)


def test_a_rival_that_came_to_its_end_is_measured_at_its_best() -> None:
    found = verdict(course("recbole", 0.01, 0.05, 0.04, pace=50), OURS)
    assert (found["levels_of"], found["is_met"]) == ("recbole", True)
    best = found["levels"][0]
    assert (best["recbole"], best["foresell"], best["times_faster"]) == (100, 20, 5)
    assert not any(level["is_at_least"] for level in found["levels"])
    assert not verdict(course("recbole", 0.05, pace=59), OURS)["is_met"]
    assert not verdict(course("recbole", 0.09, pace=900), OURS)["is_met"]  # we never get there


@pytest.mark.parametrize(("pace", "is_met"), [(44.0, False), (45.0, True)])
def test_one_that_was_cut_off_takes_longer_to_all_that_it_had_not_reached(pace: float, is_met: bool) -> None:
    found = verdict(course("recbole", 0.01, 0.02, pace=pace, cut_off=True), OURS)
    assert (found["levels_of"], found["is_met"]) == ("foresell", is_met)
    best = found["levels"][0]
    assert (best["is_at_least"], best["recbole"], best["foresell"]) == (True, 2 * pace, 30)


def test_one_cut_off_above_our_best_is_not_beaten() -> None:
    found = verdict(course("recbole", 0.09, pace=900, cut_off=True), OURS)
    assert (found["levels_of"], found["is_met"]) == ("recbole", False)
