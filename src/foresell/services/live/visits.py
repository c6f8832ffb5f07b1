"""Visits while they last: what happened in each so far, and what a task about visits says of it now."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.live.others import EventRow
from foresell.services.shop import Shop
from foresell.store.model_versions import check_name

if TYPE_CHECKING:
    from foresell.features.live_session import LiveVisits
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import Task

# Visits that are kept, the longest silent forgotten first, and events of each: a robot's visit has no end.
MOST_VISITS, MOST_EVENTS = 20_000, 200
NUMBERS = ("quantity", "price", "value")
# What a visit's features are not made of.
LEFT_OUT = ("properties", "page_url", "referrer", "search_query", "received_at")


@dataclass(frozen=True)
class Asked:
    """A task's model in production, with what it must know beside a visit."""

    fitted: "FittedTask"
    task: "Task"
    label: str
    known: "LiveVisits"


class Visits:
    """Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: OrderedDict[str, list[EventRow]] = OrderedDict()
        self._asked: dict[str, Asked] = {}

    def observe(self, row: EventRow) -> None:
        session = row.get("session_id")
        if session is None:
            return
        with self._lock:
            events = self._visits.setdefault(session, [])
            self._visits.move_to_end(session)
            if len(events) < MOST_EVENTS:
                place = len(events)
                # What another process accepted may come later than what was done after it.
                while place and events[place - 1]["occurred_at"] > row["occurred_at"]:
                    place -= 1
                events.insert(place, {name: value for name, value in row.items() if name not in LEFT_OUT})
            if len(self._visits) > MOST_VISITS:
                self._visits.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._visits.clear()

    def renew(self) -> None:
        """From now on ask models and tables anew."""
        self._asked = {}

    def predict(self, shop: Shop, session_id: str, name: str) -> dict[str, object]:
        """What a task says of a visit after its last event. The first one asked waits for orders and products
        to be read.

        NotFoundError for a visit that this process has not seen and a task that was not fitted; InputError
        for a task about customers.
        """
        with self._lock:
            events = list(self._visits.get(session_id, ()))
        if not events:
            raise NotFoundError(
                f"Nothing is known of a visit '{session_id}'",
                do="Send its events with this session_id; those of long ago are in the store, and not here.",
            )
        asked = self._asked.get(name) or self._load(shop, name)
        typed = [_typed(row) for row in events]
        [scored] = asked.fitted.scored(asked.known.features(typed)).to_dicts()
        return {
            "session_id": session_id,
            "task": asked.task.name,
            "question": asked.task.text,
            "model": asked.label,
            "num_events": len(events),
            "is_asked": _is_asked(asked.task, typed),
            "score": scored["score"],
            "is_chosen": scored["is_chosen"],
        }

    def _load(self, shop: Shop, name: str) -> Asked:
        from foresell.features.live_session import LiveVisits
        from foresell.features.spec import spec_of
        from foresell.services.customers.tasks import load_task

        # A name that ends as a file does would be read as one.
        check_name(name)
        fitted, task, label = load_task(shop, name)
        if task.about != "session":
            raise InputError(
                f"'{name}' is about customers",
                do=f"Ask /v1/customers/ID/predictions or /v1/predictions/{name}.",
            )
        if fitted.reads_vectors:
            raise ConflictError(
                f"The model of '{name}' reads vectors, which a visit that lasts has not", do="Fit another."
            )
        spec = spec_of(fitted.spec)
        with shop.reading_matched() as tables:
            known = LiveVisits.load(tables, shop.settings, spec, datetime.now(UTC))
        self._asked[name] = Asked(fitted, task, label, known)
        return self._asked[name]


def _typed(row: EventRow) -> Mapping[str, Any]:
    numbers = {name: float(row[name]) for name in NUMBERS if name in row}
    return {**row, **numbers, "occurred_at": datetime.fromisoformat(row["occurred_at"])}


def _is_asked(task: "Task", events: list[Mapping[str, Any]]) -> bool:
    """Whether the task is about this moment of the visit: its event has happened, its goal has not."""
    names = [event["event_name"] for event in events]
    asked = task.population
    has_begun = asked.event in names if asked.event else True
    return has_begun and len(names) >= asked.min_events and task.label.event not in names
