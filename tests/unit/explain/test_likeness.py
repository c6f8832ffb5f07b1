"""How unlike customers are: of each feature at most 1, whatever its unit; the unknown is like the unknown."""

import polars as pl
import pytest

from foresell.explain.likeness import Likeness
from foresell.features.feature import Feature

SPEND = Feature("spend", "spend", "消费", "money")
CHANNEL = Feature("channel", "channel", "渠道", "category", "category")


def test_differences_count_over_the_middle_range_and_categories_as_one():
    seen = pl.DataFrame({"spend": [float(i) for i in range(101)], "channel": ["web"] * 101})
    likeness = Likeness.learn(seen, (SPEND, CHANNEL))
    first = pl.DataFrame({"spend": [10.0, None], "channel": ["web", None]})
    second = pl.DataFrame({"spend": [19.0, 1000.0, None], "channel": ["web", "shop", None]})
    # The middle 90% of 0 to 100 is 90 wide.
    assert likeness.distances(first, second)[0].tolist() == pytest.approx([0.05, 1.0, 1.0])
    assert likeness.distances(first, second)[1].tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert likeness.only(["channel"]).distances(first, second)[0].tolist() == [0.0, 1.0, 1.0]
    assert likeness.only([]).distances(first, second).tolist() == [[0.0] * 3] * 2


def test_a_feature_that_is_the_same_for_nearly_all_still_tells_apart():
    likeness = Likeness.learn(pl.DataFrame({"spend": [0.0] * 100 + [5.0]}), (SPEND,))
    apart = likeness.distances(pl.DataFrame({"spend": [0.0]}), pl.DataFrame({"spend": [0.0, 5.0]}))
    assert apart.tolist() == [[0.0, 1.0]]
