"""Examples: who, which label, which cutoffs; and what cannot be learned from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings
from foresell.features.feature import Feature
from foresell.features.leak import LeakError
from foresell.features.spec import CustomerSpec
from foresell.predict.customers import leaks
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.leaks import check_leak, suspicious_features
from foresell.predict.customers.live import LiveFeatures
from foresell.predict.customers.task import Task, read_task
from foresell.predict.customers.tasks import TASKS
from foresell.predict.customers.training import (
    completed,
    cutoffs_for,
    features_of,
    history,
    scoring_features,
    spec_for,
    suggest_churn_days,
    training_examples,
)

SETTINGS = Settings()
CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
# Few features, since each costs time, and most of these tests are not about them.
FEW = CustomerSpec(has_orders=True, has_events=False, windows=(30,))
BUYS_TEA = read_task(
    """
    [task]
    name = "buys_tea"
    horizon_days = 14
    [population]
    min_orders = 1
    within_days = 40
    [label]
    category = "tea"
    """
)


def order(key: str, customer: str, day: str, **cells: object) -> dict[str, object]:
    at = f"{day}T12:00:00Z"
    return {
        "order_id": key,
        "customer_id": customer,
        "created_at": at,
        "local_date": day,
        "currency": "USD",
        **cells,
    }


def line(order_id: str, product: str, amount: float) -> dict[str, object]:
    return {
        "order_line_id": order_id,
        "order_id": order_id,
        "product_id": product,
        "quantity": 1,
        "line_amount": amount,
    }


ORDERS = [
    order("a1", "a", "2026-02-01"),
    order("a2", "a", "2026-03-05"),
    order("b1", "b", "2026-02-10"),
    order("b2", "b", "2026-03-15"),  # the first day after the 14 days has begun
    order("c1", "c", "2026-02-20"),
    order("c2", "c", "2026-03-03"),
    order("c3", "c", "2026-03-06", cancelled_at="2026-03-07T00:00:00Z"),
    order("d1", "d", "2025-12-01"),  # too long ago for the population
    order("d2", "d", "2026-03-02"),
    order("e1", "e", "2026-03-02"),  # unknown at the cutoff
    order("z1", "z", "2026-04-01"),
]
SHOP = {
    "orders": ORDERS,
    "order_lines": [
        line("a1", "t", 5),
        line("a2", "t", 7),
        line("b2", "t", 9),
        line("c2", "x", 11),
        line("c3", "t", 13),
        line("d2", "t", 15),
    ],
    "products": [{"product_id": "t", "category": "tea"}, {"product_id": "x", "category": "other"}],
    "refunds": [
        {
            "refund_id": "r",
            "order_id": "a1",
            "created_at": "2026-03-04T00:00:00Z",
            "local_date": "2026-03-04",
            "amount": 5,
            "currency": "USD",
        }
    ],
    "customers": [
        {"customer_id": "a", "birth_year": 1990, "gender": "f"},
        {"customer_id": "b", "age_band": "19-24"},
    ],
}


def asked(kind: str, **more: object) -> Task:
    label = BUYS_TEA.label.model_copy(update={"kind": kind, "category": "", **more})
    return replace(BUYS_TEA, label=label)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (BUYS_TEA, [1, 0, 0]),
        (asked("order"), [1, 0, 1]),
        (asked("no_order"), [0, 1, 0]),
        (asked("amount"), [7, 0, 11]),
        (asked("amount", category="tea"), [7, 0, 0]),
        (asked("days_to_order"), [4.5, 14, 2.5]),
        (asked("return"), [1, 0, 0]),
        (asked("order", begins_days=3.0), [1, 0, 0]),
    ],
)
def test_labels_are_what_came_in_the_window(make_tables: Any, task: Task, expected: list[float]) -> None:
    tables = make_tables(SHOP)
    found = training_examples(tables, SETTINGS, task, [CUTOFF], FEW)
    assert found.keys["entity_id"].to_list() == ["a", "b", "c"]
    assert found.labels.tolist() == expected
    assert found.groups.to_dict(as_series=False) == {
        "age_band": ["30-39", "19-24", None],
        "gender": ["f", None, None],
    }


def test_who_did_not_order_is_censored_where_asked(make_tables: Any) -> None:
    tables, task = make_tables(SHOP), asked("days_to_order")
    found = training_examples(tables, SETTINGS, task, [CUTOFF], FEW, is_censored_nan=True)
    np.testing.assert_array_equal(found.labels, [4.5, np.nan, 2.5])


def test_a_declared_task_reads_only_the_features_it_names(make_tables: Any) -> None:
    tables = make_tables(SHOP)
    spec = spec_for(tables, SETTINGS, BUYS_TEA, CUTOFF)
    only = read_task('[task]\nname="t"\nhorizon_days=14\n[features]\nonly=["orders_30d", "focus_orders_30d"]')
    with pytest.raises(NotFoundError, match="'focus_orders_30d' that is none"):
        features_of(only, spec.about(None))
    assert [feature.name for feature in features_of(only, spec)] == ["orders_30d", "focus_orders_30d"]


def test_features_may_be_those_of_some_days_before(make_tables: Any) -> None:
    tables = make_tables(SHOP)
    late = replace(BUYS_TEA, features=BUYS_TEA.features.model_copy(update={"ends_days": -14.0}))
    found = training_examples(tables, SETTINGS, late, [CUTOFF], FEW)
    assert found.features["orders_ever"].to_list() == [1, 1, 0]
    assert found.features["days_since_order"].to_list() == [13.5, 4.5, None]


def test_somebody_of_whom_nothing_is_known_is_told_only_when_named(make_tables: Any) -> None:
    tables = make_tables(SHOP)
    spec = FEW
    keys, features, groups = scoring_features(tables, SETTINGS, BUYS_TEA, spec, CUTOFF, ["e", "a"])
    assert keys["entity_id"].to_list() == ["e", "a"]
    assert features["orders_ever"].to_list() == [0, 1]
    assert features["days_since_order"].to_list() == [None, 27.5]
    assert groups["gender"].to_list() == [None, "f"]
    live_keys, live = LiveFeatures.load(tables, SETTINGS, BUYS_TEA, spec, CUTOFF).of(["e", "a"], CUTOFF)
    assert_frame_equal(live, features, rel_tol=1e-12)
    assert_frame_equal(live_keys, keys)


@pytest.mark.parametrize(
    ("change", "cutoff", "words"),
    [
        ({}, datetime(2025, 11, 1, tzinfo=UTC), "outside the data"),
        ({}, datetime(2026, 5, 1, tzinfo=UTC), "outside the data"),
        ({"horizon_days": 60.0}, CUTOFF, "goes beyond the data"),
        (
            {"population": BUYS_TEA.population.model_copy(update={"min_orders": 9})},
            CUTOFF,
            "Nobody is in the",
        ),
        ({"label": BUYS_TEA.label.model_copy(update={"category": "unheard of"})}, CUTOFF, "are the same"),
        ({"horizon_days": 0.0}, CUTOFF, "has no horizon yet"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    make_tables: Any, change: dict[str, Any], cutoff: datetime, words: str
) -> None:
    tables = make_tables(SHOP)
    with pytest.raises(InputError, match=words):
        training_examples(tables, SETTINGS, replace(BUYS_TEA, **change), [cutoff], FEW)


def test_an_open_task_takes_what_most_bought(make_tables: Any) -> None:
    tables = make_tables(SHOP)
    task = completed(tables, SETTINGS, TASKS["will_buy_category"], datetime(2026, 4, 2, tzinfo=UTC))
    assert task.label.category == "tea"
    unseen = replace(BUYS_TEA, label=BUYS_TEA.label.model_copy(update={"category": "teas"}))
    with pytest.raises(NotFoundError, match="Did you mean 'tea'"):
        completed(tables, SETTINGS, unseen, CUTOFF)
    with pytest.raises(InputError, match="does not say which category"):
        cutoffs_for(TASKS["will_buy_category"], *history(tables, task))


def test_the_horizon_of_churn_holds_nine_of_ten_gaps(make_tables: Any) -> None:
    # Of b all ten gaps are of a day; of a one is of 12: each weighs a half, so nine tenths need 12.
    orders = [order(f"b{day}", "b", f"2026-01-{day:02}") for day in range(1, 12)]
    orders += [order("a1", "a", "2026-01-01"), order("a2", "a", "2026-01-13"), order("z", "c", "2026-03-20")]
    tables = make_tables({"orders": orders})
    assert suggest_churn_days(tables, SETTINGS, datetime(2026, 4, 1, tzinfo=UTC)) == 12
    with pytest.raises(InputError, match="Nobody ordered twice"):
        suggest_churn_days(tables, SETTINGS, datetime(2026, 1, 2, tzinfo=UTC))


@given(
    horizon=st.floats(1, 120),
    days=st.floats(30, 800),
    tests=st.integers(1, 3),
    validations=st.integers(1, 3),
    about=st.sampled_from(["churn", "cart_abandonment"]),
)
def test_no_label_window_reaches_the_next_split(
    horizon: float, days: float, tests: int, validations: int, about: str
) -> None:
    task = replace(TASKS[about], horizon_days=horizon)
    first = datetime(2025, 1, 1, tzinfo=UTC)
    until = first + timedelta(days=days)
    try:
        plan = cutoffs_for(task, first, until, tests=tests, validations=validations)
    except InputError:
        assume((tests + validations + 1) * task.span < 0.7 * (until - first))
        raise
    assert len(plan.test) == tests
    assert len(plan.validation) == validations
    for split in (plan.train, plan.validation, plan.test):
        assert list(split) == sorted(set(split))
    assert plan.train[0] > first
    assert plan.train[-1] + task.span <= plan.validation[0]
    assert plan.validation[-1] + task.span <= plan.test[0]
    assert plan.test[-1] + task.span <= until


def test_a_planted_leak_of_a_whole_task_is_caught(make_tables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, spec = make_tables(SHOP), FEW
    check_leak(tables, SETTINGS, BUYS_TEA, CUTOFF, spec)

    def a_week_late(*given: Any) -> Any:
        return scoring_features(*given[:-1], given[-1] + timedelta(days=7))

    monkeypatch.setattr(leaks, "scoring_features", a_week_late)
    with pytest.raises(LeakError):
        check_leak(tables, SETTINGS, BUYS_TEA, CUTOFF, spec)


def test_a_single_feature_that_tells_the_label_is_suspicious() -> None:
    chance = np.random.default_rng(1)
    labels = (chance.random(400) < 0.3).astype(float)
    names = ["honest", "told", "told_by_absence", "told_by_category"]
    described = tuple(Feature(name, name, name, "orders") for name in names)
    features = pl.DataFrame(
        {
            "honest": labels + chance.normal(size=400),
            "told": -labels + chance.normal(size=400) / 100,
            "told_by_absence": [None if label else 1.0 for label in labels],
            "told_by_category": ["yes" if label else "no" for label in labels],
        }
    )
    keys = pl.DataFrame({"entity_id": [str(place) for place in range(400)], "cutoff_at": [CUTOFF] * 400})
    assert set(suspicious_features(Examples(keys, features, labels, described))) == set(names[1:])
