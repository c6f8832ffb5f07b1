"""Customers of three kinds that anybody would tell apart."""

import numpy as np
import polars as pl
import pytest

from foresell.features.feature import Feature
from foresell.predict.customers.segments.segmentation import Customers

DESCRIBED = (
    Feature("recency_days", "days since the last order", "距上次下单的天数", "days"),
    Feature("orders", "orders", "订单数", "orders"),
    Feature("monetary_value", "net sales", "净销售额", "money"),
    Feature("country", "country", "国家", "category", "category"),
)
# Kind → mean recency, orders and net sales.
KINDS = np.array([(4.0, 40.0, 2000.0), (30.0, 10.0, 300.0), (200.0, 2.0, 40.0)])


def make_customers(num=300, seed=0, prefix="c"):
    random = np.random.default_rng(seed)
    kind = random.integers(3, size=num)
    values = KINDS[kind] * np.exp(0.2 * random.normal(size=(num, 3)))
    directions = np.eye(3)[kind] + 0.1 * random.normal(size=(num, 3))
    features = pl.DataFrame(
        {
            "recency_days": values[:, 0],
            "orders": np.round(values[:, 1]),
            "monetary_value": values[:, 2],
            "country": pl.Series(random.choice(["DE", "FR"], num), dtype=pl.String),
        }
    )
    ids = pl.Series([f"{prefix}{place}" for place in range(num)])
    return Customers(ids, features, DESCRIBED, directions.astype(np.float32)), kind


@pytest.fixture(scope="session")
def customers():
    return make_customers()[0]


@pytest.fixture(scope="session")
def kinds():
    return make_customers()[1]


@pytest.fixture(scope="session")
def more_customers():
    """Other people of the same kinds."""
    return make_customers(num=120, seed=9, prefix="d")
