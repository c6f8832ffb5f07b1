"""Where nothing can be gained, no policy gains: a short form of `python -m benchmarks.quality.policies`."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SEEDS = range(1, 7)
SHORT = {"customers": 500, "days": 20}


@pytest.fixture(scope="module")
def variants() -> Any:
    sys.path.insert(0, str(REPOSITORY))
    try:
        return importlib.import_module("benchmarks.quality.policies.variants")
    finally:
        sys.path.remove(str(REPOSITORY))


def test_every_gain_holds_zero_on_even_ground(variants: Any) -> None:
    """95% for all policies at once."""
    # Where stock has no end all ways to replenish are one.
    names = [name for name in variants.VARIANTS if not name.endswith(" of cover")]
    found = variants.gains("even_ground", SEEDS, names=names, shop=SHORT, together=True)
    assert [gain.policy for gain in found if not gain.holds_zero] == []
    assert all(gain.profit.first > 0 for gain in found)


def test_an_error_in_the_money_would_be_seen(variants: Any) -> None:
    """The same measure finds a gain where there is one."""
    [gain] = variants.gains("many_tastes", SEEDS, names=["prices 25% down"], shop=SHORT)
    assert gain.profit.difference.upper < 0
