"""From a shop's tables to what everybody will spend, and the questions that have no answer."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.predict.customers.value.last_period import again
from foresell.predict.customers.value.naive import FittedNaive, NaiveConfig
from foresell.predict.customers.value.shop import competing, fit_shop_value, outlook_of_customers

SETTINGS = Settings.model_validate({"store": {"time_zone": "UTC", "currency": "EUR"}})
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NUM_DAYS, HORIZON = 120, 20


def rows() -> dict[str, list[dict[str, object]]]:
    random = np.random.default_rng(0)
    orders, lines = [], []
    for who in range(120):
        day, worth = random.uniform(0, 80), random.gamma(4, 10)
        rate, leaves, first = random.gamma(1, 1 / 12), random.beta(0.8, 3), True
        while day < NUM_DAYS:
            key, at = f"o{len(orders)}", START + timedelta(days=int(day))
            head = {"order_id": key, "customer_id": f"c{who:03}", "currency": "EUR"}
            orders.append({**head, "created_at": at.isoformat(), "local_date": str(at.date())})
            amount = round(float(random.gamma(6, worth / 6)) + 0.01, 2)
            of = {"order_line_id": f"l{key}", "order_id": key, "product_id": "p", "quantity": 1}
            lines.append({**of, "line_amount": amount})
            if not first and random.random() < leaves:
                break
            day, first = day + random.exponential(1 / rate), False
    return {"orders": orders, "order_lines": lines}


@pytest.fixture
def tables(make_tables):
    return make_tables(rows())


def test_a_shop_learns_what_its_customers_are_worth(tables) -> None:
    found = fit_shop_value(
        tables,
        SETTINGS,
        horizon_days=HORIZON,
        models=["last_period", "bg_nbd"],
        changes={"bg_nbd": {"num_draws": 50}},
        samples=10,
    )
    assert found.until == datetime(2026, 5, 1, tzinfo=UTC)
    assert found.customers.to_list() == sorted({str(row["customer_id"]) for row in rows()["orders"]})
    assert found.outlook["mean"].sum() > 0
    assert {trial.split for trial in found.backtest.trials} == {"validation", "test"}
    some = found.customers[[5, 2]].to_list()
    earlier = datetime(2026, 4, 1, tzinfo=UTC)
    customers, outlook = outlook_of_customers(found.fitted, tables, SETTINGS, earlier, some)
    assert customers.to_list() == some
    assert outlook["mean"].is_between(0, 1e6).all()
    now = outlook_of_customers(found.fitted, tables, SETTINGS, found.until)[1]
    assert now["mean"].to_list() == found.outlook["mean"].to_list()


def test_moments_and_customers_without_orders_are_refused(tables) -> None:
    fitted = FittedNaive(NaiveConfig(horizon_days=HORIZON), again)
    for moment in (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)):
        with pytest.raises(InputError, match="no orders of that moment"):
            outlook_of_customers(fitted, tables, SETTINGS, moment)
    with pytest.raises(InputError, match="no order before the cutoff"):
        outlook_of_customers(fitted, tables, SETTINGS, datetime(2026, 4, 1, tzinfo=UTC), ["nobody"])


def test_a_horizon_that_is_too_long_is_refused(tables) -> None:
    with pytest.raises(InputError, match="too long for the history"):
        fit_shop_value(tables, SETTINGS, horizon_days=40)


def test_models_compete_where_their_library_is() -> None:
    assert {"last_period", "mean_frequency", "bg_nbd"} <= set(competing())
