"""Customers now: what a task's model says of one of them, from facts kept in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from foresell.contracts.errors import ConflictError, ForesellError, NotFoundError
from foresell.services.customers.predict import refuse_sessions, unit_of
from foresell.services.customers.tasks import load_task
from foresell.services.shop import Shop
from foresell.store.model_versions import check_name

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.live import LiveFeatures

TIMES = {"orders": "created_at", "events": "occurred_at"}
# Of more than these, moved at once, the facts are read anew when a task is asked next.
MOST_RENEWED = 20_000


@dataclass(frozen=True)
class AskedTask:
    """A task's model in production (`label`) and all that it reads of customers, until `until`."""

    fitted: "FittedTask"
    label: str
    features: "LiveFeatures"
    until: datetime


class LiveScores:
    """Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, AskedTask] = {}
        # What is being read was begun before the newest renewal where these differ.
        self._turn = 0

    def forget(self) -> None:
        """From now on ask models and tables anew."""
        with self._lock:
            self._turn += 1
            self._asked = {}

    def refresh(self, shop: Shop) -> None:
        """Read the models in production and everybody's facts anew, of the tasks that were asked; until then
        answers go on by what was known. A task that has no model now is no longer known."""
        for name in list(self._asked):
            try:
                made = self._read(shop, name)
            except ForesellError:
                made = None
            with self._lock:
                self._asked = {key: one for key, one in self._asked.items() if key != name}
                if made is not None:
                    self._asked[name] = made

    def renew(self, shop: Shop, run_ids: Sequence[str]) -> None:
        """The events of these runs have come into the tables: read anew what concerns their customers."""
        with self._lock:
            self._turn += 1
            known = dict(self._asked)
        if not known or not run_ids:
            return
        with shop.reading_matched() as tables:
            customers = _named_in(tables, run_ids)
            if len(customers) > MOST_RENEWED:
                self.forget()
                return
            until = _newest(tables)
            newer = {
                name: replace(one, features=one.features.renewed(tables, customers, until), until=until)
                for name, one in known.items()
            }
        with self._lock:
            self._asked = {name: newer[name] for name, one in self._asked.items() if known.get(name) is one}

    def predict(self, shop: Shop, customer_id: str, name: str) -> dict[str, object]:
        """What a task says of a customer now. The first one asked waits for everybody's facts to be read.

        NotFoundError for a task that was not fitted, and for a customer of whom neither an order nor an event
        is known; InputError for a task about visits; ConflictError for a model that reads vectors.
        """
        asked = self._asked.get(name) or self._first(shop, name)
        if not asked.features.known.knows(customer_id):
            raise NotFoundError(
                f"Nothing that the customer '{customer_id}' did is known yet",
                do="Check the id; what was sent a moment ago is known within a minute.",
            )
        _, features = asked.features.of([customer_id], asked.until)
        [scored] = asked.fitted.scored(features).to_dicts()
        task = asked.features.task
        return {
            "customer_id": customer_id,
            "task": task.name,
            "question": task.text,
            "model": asked.label,
            "unit": unit_of(shop, task),
            **{column: scored[column] for column in ("score", "lower", "upper", "is_chosen")},
            "cutoff_at": asked.until.isoformat(),
            "horizon_days": task.horizon_days,
        }

    def _first(self, shop: Shop, name: str) -> AskedTask:
        turn = self._turn
        made = self._read(shop, name)
        with self._lock:
            if turn == self._turn:
                self._asked[name] = made
        return made

    def _read(self, shop: Shop, name: str) -> AskedTask:
        from foresell.features.spec import spec_of
        from foresell.predict.customers.live import LiveFeatures

        # A name that ends as a file does would be read as one.
        check_name(name)
        fitted, task, label = load_task(shop, name)
        refuse_sessions(task)
        if fitted.reads_vectors:
            raise ConflictError(
                f"The model of '{name}' reads vectors, which are made for all customers at once",
                do=f"Ask for its last scores, or fit one that reads none: foresell fit {name} --model trees",
            )
        with shop.reading_matched() as tables:
            until = _newest(tables)
            spec = spec_of(fitted.spec)
            features = LiveFeatures.load(tables, shop.settings, task, spec, until)
        return AskedTask(fitted, label, features, until)


def _newest(tables: "Tables") -> datetime:
    """The first moment after every order and event."""
    found = []
    for name, column in TIMES.items():
        if tables.has_rows(name):
            rows = tables.current(name)
            found.append(rows.agg(last=rows[column].max()).to_pyarrow().to_pylist()[0]["last"])
    last: datetime = max(one for one in found if one is not None)
    return last.astimezone(UTC) + timedelta(microseconds=1)


def _named_in(tables: "Tables", run_ids: Sequence[str]) -> list[str]:
    rows = tables.current("events")
    rows = rows.filter(rows.ingest_run_id.isin(list(run_ids)), rows.customer_id.notnull())
    names: list[str] = rows.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist()
    return sorted(names)
