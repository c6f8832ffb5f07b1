"""The benchmarks of customers and sessions: who learns from what, and what nobody may see."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import ModuleType

import numpy as np
import polars as pl
import pytest

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def sessions(load: Load, tmp_path_factory: pytest.TempPathFactory) -> object:
    """Two sessions a month, of which one buys."""
    module = load("online_shoppers.sessions")
    rows = [
        {
            **dict.fromkeys(module.NUMBERS, 2.0),
            **dict.fromkeys(module.CODES, 3),
            "ProductRelated_Duration": 10.0,
            "Informational": 0.0,
            "Month": month,
            "VisitorType": "New_Visitor",
            "Weekend": "False",
            "Revenue": bought,
        }
        for month in module.MONTHS
        for bought in ("True", "False")
    ]
    path = tmp_path_factory.mktemp("shoppers") / "sessions.csv"
    pl.DataFrame(rows).write_csv(path)
    return module.read_sessions(path)


def test_what_follows_from_the_columns_by_hand(sessions: object) -> None:
    row = sessions.examples.features.row(0, named=True)
    assert row["seconds_a_page_ProductRelated"] == 5.0
    assert row["seconds_a_page_Informational"] == 2.0
    assert row["pages"] == 4.0
    assert row["product_share"] == 0.5
    assert row["month"] == 2.0
    assert sessions.examples.labels[:2].tolist() == [1.0, 0.0]


def test_the_test_months_and_the_leak_are_in_no_pair(load: Load, sessions: object) -> None:
    pytest.importorskip("optuna")
    benchmark = load("online_shoppers.__main__")
    pairs = benchmark._pairs(sessions, (benchmark.LEAK,))
    assert len(pairs) == 7
    for train, judged in pairs:
        assert judged.keys["cutoff_at"].n_unique() == 1
        assert train.keys.join(judged.keys, on="cutoff_at", how="semi").is_empty()
        for part in (train, judged):
            assert part.keys["cutoff_at"].max() <= datetime(2018, 10, 1, tzinfo=UTC)
        assert benchmark.LEAK not in train.features.columns


def test_parts_are_of_like_size_and_class(load: Load) -> None:
    pytest.importorskip("optuna")
    labels = (np.arange(100) < 15).astype(float)
    part = load("online_shoppers.__main__").parts_of(labels, seed=1)
    assert np.bincount(part).tolist() == [20] * 5
    assert np.bincount(part, labels).tolist() == [3.0] * 5


def test_no_label_of_an_origin_is_known_later_than_the_next_split_begins(load: Load) -> None:
    origins = load("customer_tasks.origins")
    first, horizon = datetime(2017, 1, 1, tzinfo=UTC), timedelta(days=28)
    found = origins.origins(first, first + timedelta(days=365), horizon, 2, 4, timedelta(days=84))
    assert len(found) == 4
    assert found[0].test + horizon == first + timedelta(days=365)
    for one in found:
        assert max(one.train) + horizon <= one.validation
        assert one.validation + horizon <= one.test
        assert min(one.train) >= first + timedelta(days=84)
    assert all(later.test - one.test == horizon for later, one in pairwise(found))
    short = origins.origins(first, first + timedelta(days=150), horizon, 2, 4, timedelta(days=60))
    assert len(short) == 1
