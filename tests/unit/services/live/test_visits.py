"""A visit while it lasts: what its events so far say, by a model that learned from visits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings
from foresell.features.live_session import LiveVisits
from foresell.features.session import session_described
from foresell.features.spec import CustomerSpec
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.fitted import KIND, fit_task
from foresell.predict.customers.tasks import TASKS
from foresell.services.live.accepting import Acceptance
from foresell.services.live.visits import MOST_VISITS, Visits
from foresell.services.production import put_to_work
from foresell.services.shop import Shop, create_shop
from foresell.store.models import Origin

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPEC = CustomerSpec(False, True, event_names=("view_item", "add_to_cart"))
TASK = TASKS["purchase_intent"]


def visit(number: int, num_carts: int) -> list[dict[str, Any]]:
    names = ["view_item", *["add_to_cart"] * num_carts]
    return [
        {
            "event_id": f"{number}-{place}",
            "event_name": name,
            "occurred_at": NOW + timedelta(seconds=60 * place),
            "session_id": f"s{number}",
            "product_id": f"p{place}",
        }
        for place, name in enumerate(names)
    ]


def examples(first: int, number: int) -> Examples:
    """Whoever puts something into the cart buys, and nobody else does."""
    known = LiveVisits(SPEC, Settings(), {}, {})
    carts = [one % 2 for one in range(first, first + number)]
    features = pl.concat([known.features(visit(first + n, some)) for n, some in enumerate(carts)])
    keys = pl.DataFrame({"entity_id": [f"s{first + n}" for n in range(number)], "cutoff_at": [NOW] * number})
    return Examples(keys, features, np.array(carts, dtype=np.float64), session_described(SPEC))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    shop = create_shop(tmp_path / "store")
    fitting = fit_task(
        "one_feature",
        examples(0, 80),
        examples(80, 80),
        "happens",
        costs=TASK.costs,
        task=TASK.as_record(),
        spec=SPEC.as_record(),
    )
    fitted = fitting.fitted
    put_to_work(shop, TASK.name, KIND, fitted.to_config(), fitted.to_tables(), origin=Origin(cutoff=NOW))
    return shop


def sent(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "occurred_at": event["occurred_at"].isoformat()} for event in events]


def test_what_is_said_of_a_visit_follows_its_events(shop: Shop) -> None:
    visits = Visits()
    accepting = Acceptance(shop, visits.observe)
    first, *carts = sent(visit(1, 2))
    accepting.accept(first)
    before = visits.predict(shop, "s1", "purchase_intent")
    accepting.accept(carts)
    after = visits.predict(shop, "s1", "purchase_intent")
    assert (before["num_events"], after["num_events"]) == (1, 3)
    assert before["score"] < 0.5 < after["score"]  # type: ignore[operator]
    assert before["is_asked"]
    bought = {**first, "event_id": "b", "event_name": "purchase"}
    accepting.accept(bought)
    assert not visits.predict(shop, "s1", "purchase_intent")["is_asked"]


def test_a_visit_or_task_that_is_not_known(shop: Shop) -> None:
    visits = Visits()
    with pytest.raises(NotFoundError):
        visits.predict(shop, "s1", "purchase_intent")
    visits.observe(
        {"session_id": "s1", "event_name": "view_item", "event_id": "a", "occurred_at": NOW.isoformat()}
    )
    with pytest.raises(NotFoundError):
        visits.predict(shop, "s1", "churn")
    with pytest.raises(InputError):
        visits.predict(shop, "s1", "../churn.toml")


def test_the_longest_silent_visit_is_forgotten_first() -> None:
    visits = Visits()
    for number in range(MOST_VISITS + 1):
        row = {
            "session_id": f"s{number}",
            "event_id": "a",
            "event_name": "login",
            "occurred_at": NOW.isoformat(),
        }
        visits.observe(row)
        if number == 1:
            visits.observe({**row, "session_id": "s0"})
    assert "s1" not in visits._visits
    assert "s0" in visits._visits
