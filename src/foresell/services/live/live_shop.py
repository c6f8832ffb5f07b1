"""A shop that is being served: events in, answers out, and what keeps both up to date behind them."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import BusyError, NotFoundError
from foresell.services.live.accepting import Acceptance, EventRow, Outcome
from foresell.services.live.limits import Limits, Pressure
from foresell.services.live.mind import Mind
from foresell.services.live.moving import Moved, move_events, pending_rows
from foresell.services.live.reading import ReadingShop
from foresell.services.live.together import Together
from foresell.services.live.visits import Visits
from foresell.services.recommend import absence_record, answer_record
from foresell.services.served import log_answers
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.request import Answer, Request

# Answers that somebody may yet report as shown.
MOST_UNSHOWN = 20_000


class LiveShop:
    """Open it with `start`, close it with `stop`. Safe for many threads."""

    def __init__(self, shop: Shop, limits: Limits | None = None, num_engines: int = 2) -> None:
        self.limits = limits or Limits()
        self.shop = ReadingShop(shop.folder, num_engines)
        # Its own engine: moving must not wait for those who read.
        self._moving = shop
        self.mind = Mind()
        # What is moved while histories are read would be told twice.
        self._behind = threading.Lock()
        self.visits = Visits()
        self.acceptance = Acceptance(shop, self._observe, self.limits)
        self.pressure = Pressure(self.limits, shop.folder.events.num_bytes)
        self._together: Together[Request, Answer] = Together(self._answer)
        self._unshown: OrderedDict[str, Answer] = OrderedDict()
        self._unshown_lock = threading.Lock()

    def start(self) -> None:
        """Bring into the tables what a process before this one accepted, then read what answers need. Where
        somebody else writes for long, what waits is kept in mind instead."""
        rows = pending_rows(self._moving, self._moving.folder.events.pending())
        self.acceptance.remember(row["event_id"] for row in rows if "event_id" in row)
        with suppress(BusyError):
            self.move()
        self.refresh()

    def stop(self) -> None:
        self.shop.close()

    def move(self) -> Moved:
        """Bring what was accepted into the tables; BusyError while somebody else writes for a minute."""
        with self._behind:
            return move_events(self._moving)

    def refresh(self) -> None:
        """Read what answers need anew; errors as `Mind.refresh`, and what answered before goes on."""
        with self._behind:
            self.visits.renew()
            self.mind.refresh(self._moving)

    def forget(self) -> None:
        """Forget what people did lately: somebody was erased."""
        self.mind.forget()
        self.visits.forget()

    def _observe(self, row: EventRow) -> None:
        self.mind.observe(row)
        self.visits.observe(row)

    def accept(self, body: Any, shape: str | None = None) -> list[Outcome]:
        return self.acceptance.accept(body, shape)

    def recent(self, customer_id: str) -> list[dict[str, str | None]]:
        return self.mind.recent(self.mind.person(customer_id))

    def recommend(self, requests: "Sequence[Request]", *, is_served: bool) -> list[dict[str, object]]:
        """The answers as records, each with its `request_id`. `is_served`: customers will see them; else they
        are logged when `report_shown` says so."""
        answering = self.mind.answering
        answers = [self._together.ask(request) for request in requests]
        ids = self._log(answers) if is_served else self._keep(answers)
        names = answering.recommender.knowledge.names
        return [
            {"request_id": request_id, **answer_record(self.shop, answer, names, answer.request)}
            for request_id, answer in zip(ids, answers, strict=True)
        ]

    def predict_visit(self, session_id: str, task: str) -> dict[str, object]:
        """Errors as `Visits.predict`."""
        return self.visits.predict(self.shop, session_id, task)

    def why_not(self, request: "Request", product_id: str) -> dict[str, object]:
        absence = self.mind.answering.recommender.why_not(request, product_id)
        return absence_record(self.shop, request, product_id, absence)

    def _answer(self, requests: "Sequence[Request]") -> "list[Answer]":
        return self.mind.answering.recommender.answer(requests)

    def report_shown(self, request_id: str) -> str:
        """An answer that was not logged was shown; returns the id that it is logged by. NotFoundError for
        one that is not remembered."""
        with self._unshown_lock:
            answer = self._unshown.pop(request_id, None)
        if answer is None:
            raise NotFoundError(
                "No such answer waits to be shown",
                do="Report it within minutes, once; answers asked for as served are logged already.",
            )
        return self._log([answer])[0]

    def _log(self, answers: "Sequence[Answer]") -> list[str]:
        ids = log_answers(self.shop, answers)
        self.mind.answering.shown.note(answers)
        return ids

    def _keep(self, answers: "Sequence[Answer]") -> list[str]:
        ids = [token_hex(12) for _ in answers]
        with self._unshown_lock:
            self._unshown.update(zip(ids, answers, strict=True))
            while len(self._unshown) > MOST_UNSHOWN:
                self._unshown.popitem(last=False)
        return ids
