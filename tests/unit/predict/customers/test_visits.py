"""Moments of visits: which are in the population, and what came of each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foresell.contracts.settings import Settings
from foresell.predict.customers.leaks import check_leak
from foresell.predict.customers.tasks import TASKS
from foresell.predict.customers.training import spec_for, training_examples

SETTINGS = Settings()
CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def visit(key: str, *names: str, start: datetime = START, pause: float = 60.0) -> list[dict[str, object]]:
    return [
        {
            "event_id": f"{key}-{place:03}",
            "session_id": key,
            "event_name": name,
            "occurred_at": (start + timedelta(seconds=place * pause)).isoformat(),
            "local_date": start.date().isoformat(),
        }
        for place, name in enumerate(names)
    ]


EVENTS = [
    *visit("before", "view_item", start=datetime(2026, 1, 1, tzinfo=UTC)),
    *visit("bought", "view_item", "add_to_cart", "view_item", "purchase", "view_item"),
    *visit("left", "add_to_cart", "view_item"),
    *visit("looked", *["view_item"] * 6),
    *visit("slow", "add_to_cart", "purchase", pause=2 * 86_400),
    *visit("at_once", "view_item", "add_to_cart", pause=0),
    *visit("after", "view_item", start=datetime(2026, 4, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "cart_abandonment",
            {"at_once": [1], "bought": [0, 0], "left": [1, 1], "slow": [1]},
        ),
        (
            "purchase_intent",
            {"at_once": [0], "bought": [1, 1, 1], "left": [0, 0], "looked": [0, 0, 0, 0], "slow": [0]},
        ),
    ],
)
def test_moments_and_what_came_of_them(make_tables: Any, name: str, expected: dict[str, list[float]]) -> None:
    tables, task = make_tables({"events": EVENTS}), TASKS[name]
    spec = spec_for(tables, SETTINGS, task, START + timedelta(days=5))
    found = training_examples(tables, SETTINGS, task, [CUTOFF], spec)
    told: dict[str, list[float]] = {}
    for session, label in zip(found.keys["entity_id"], found.labels, strict=True):
        told.setdefault(session, []).append(label)
    assert told == expected
    # Right after its event; of six, the 1st, 2nd, 3rd and 5th are taken.
    looked = found.keys.filter(found.keys["entity_id"] == "looked")["cutoff_at"].to_list()
    assert looked in ([], [START + timedelta(minutes=minute, microseconds=1) for minute in (0, 1, 2, 4)])


def test_visits_do_not_know_the_future(make_tables: Any) -> None:
    tables, task = make_tables({"events": EVENTS}), TASKS["cart_abandonment"]
    cutoff = START + timedelta(seconds=90)
    check_leak(tables, SETTINGS, task, cutoff, spec_for(tables, SETTINGS, task, cutoff))
