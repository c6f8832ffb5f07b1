"""A shop that is being served: events in, answers out, and what keeps both up to date behind them."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import BusyError, NotFoundError
from foresell.services.live.accepting import Acceptance, Outcome, Taken
from foresell.services.live.customers import LiveScores
from foresell.services.live.limits import Limits, Pressure
from foresell.services.live.mind import Mind
from foresell.services.live.moving import Moved, move_events, pending_rows
from foresell.services.live.others import EventRow, Keeps, OtherFiles, Others
from foresell.services.live.reading import ReadingShop
from foresell.services.live.variants import Variants
from foresell.services.live.visits import Visits
from foresell.services.recommend import absence_record, answer_record
from foresell.services.served import log_answers, showings
from foresell.services.shop import Shop
from foresell.store.event_log import run_id_of

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.request import Answer, Request

log = logging.getLogger("foresell.live")
# How often it is looked what other processes have accepted.
LEARN_SECONDS = 0.2
# Answers that somebody may yet report as shown.
MOST_UNSHOWN = 20_000


class LiveShop:
    """Open it with `start`, close it with `stop`. Safe for many threads."""

    def __init__(
        self,
        shop: Shop,
        limits: Limits | None = None,
        num_engines: int = 2,
        log: Keeps | None = None,
        others: Others | None = None,
    ) -> None:
        """`log`, `others`: what keeps events, and what tells of other processes; None: the store's files."""
        self.limits = limits or Limits()
        self.shop = ReadingShop(shop.folder, num_engines)
        # Its own engine: moving must not wait for those who read.
        self._moving = shop
        self.mind = Mind()
        # What is moved while histories are read would be told twice.
        self._behind = threading.Lock()
        self.visits = Visits()
        self.scores = LiveScores()
        self.variants = Variants()
        self.log: Keeps = log or shop.folder.events
        self._others = others
        self._learning = threading.Lock()
        self._ended = threading.Event()
        self._learner = threading.Thread(target=self._keep_learning, name="learner", daemon=True)
        # Segments that were there when it was looked last; what is gone since is in the tables.
        self._waiting: set[str] = set()
        self.acceptance = Acceptance(shop, self._observe, self.limits, self.log)
        self.pressure = Pressure(self.limits, self.log.num_bytes)
        self._unshown: OrderedDict[str, Answer] = OrderedDict()
        self._unshown_lock = threading.Lock()

    def start(self) -> None:
        """Bring into the tables what a process before this one accepted, then read what answers need. Where
        somebody else writes for long, or moves, what waits is kept in mind instead."""
        self._others = self._others or OtherFiles(self.shop)
        rows = pending_rows(self._moving.folder.events.pending())
        self.acceptance.remember(row["event_id"] for row in rows if "event_id" in row)
        if self.log.leads():
            with suppress(BusyError):
                self.move()
        self.refresh()
        self._learner.start()

    def stop(self) -> None:
        self._ended.set()
        if self._learner.is_alive():
            self._learner.join(timeout=10)
        if self._others is not None:
            self._others.close()
        self.log.follow()
        self.shop.close()

    def learn(self) -> None:
        """Observe what other processes accepted, and note what they showed, since the last time."""
        with self._learning:
            if self._others is None:
                return
            for row in self.acceptance.heard(self._others.news()):
                self._observe(row)
            if shown := self._others.shown():
                self.mind.hear(shown)

    def _keep_learning(self) -> None:
        while not self._ended.wait(LEARN_SECONDS):
            try:
                self.learn()
            except Exception:  # the thread must live on: what cannot be read now may be the next time
                log.exception("learning what other processes do")

    def move(self) -> Moved:
        """Bring what was accepted into the tables; BusyError while somebody else writes for a minute."""
        with self._behind:
            moved = move_events(self._moving)
        self.scores.renew(self._moving, [run.run_id for run in moved.runs])
        return moved

    def note_moved(self) -> None:
        """What another process has moved into the tables since the last time."""
        there = {run_id_of(path) for path in self._moving.folder.events.pending()}
        gone, self._waiting = self._waiting - there, there
        if gone:
            self.scores.renew(self._moving, sorted(gone))

    def refresh(self) -> None:
        """Read what answers need anew; errors as `Mind.refresh`, and what answered before goes on."""
        with self._behind, self.log.still(alone=False):
            # What was moved until now must not be learned later: the tables tell it.
            self.learn()
            self.visits.renew()
            self.scores.refresh(self._moving)
            self.mind.refresh(self._moving, self.learn)
            self.variants.refresh(self._moving, self.mind.now)

    def forget(self) -> None:
        """Forget what people did lately: somebody was erased."""
        self.mind.forget()
        self.visits.forget()
        self.scores.forget()
        self.variants.forget()

    def _observe(self, row: EventRow) -> None:
        self.mind.observe(row)
        self.visits.observe(row)

    def accept(self, body: Any, shape: str | None = None) -> list[Outcome]:
        return self.acceptance.accept(body, shape)

    def begin(self, body: Any, shape: str | None = None) -> Taken:
        return self.acceptance.begin(body, shape)

    def recent(self, customer_id: str) -> list[dict[str, str | None]]:
        return self.mind.recent(self.mind.person(customer_id))

    def recommend(self, requests: "Sequence[Request]", *, is_served: bool) -> list[dict[str, object]]:
        """The answers as records, each with its `request_id`. `is_served`: customers will see them; else they
        are logged when `report_shown` says so."""
        answers = self.answer(requests)
        return self.records(answers, self.note_served(answers) if is_served else self.note_unshown(answers))

    def records(self, answers: "Sequence[Answer]", ids: Sequence[str]) -> list[dict[str, object]]:
        """Answers as `recommend` gives them, each with its `request_id`."""
        names = self.mind.answering.recommender.knowledge.names
        return [
            {"request_id": request_id, **answer_record(self.shop, answer, names, answer.request)}
            for request_id, answer in zip(ids, answers, strict=True)
        ]

    def answer(self, requests: "Sequence[Request]") -> "list[Answer]":
        """As `recommend` answers, at once; to be noted as served or unshown. ConflictError where no
        recommender is in production."""
        chosen = [self.variants.of(request) for request in requests]
        own = [None if one is None else one.recommender for one in chosen]
        common = [request for request, one in zip(requests, own, strict=True) if one is None]
        given = iter(self.mind.answering.recommender.answer(common) if common else ())
        answers = []
        for request, variant, recommender in zip(requests, chosen, own, strict=True):
            answer = next(given) if recommender is None else recommender.answer([request])[0]
            answers.append(answer if variant is None else variant.marked(answer))
        return answers

    def predict_visit(self, session_id: str, task: str) -> dict[str, object]:
        """Errors as `Visits.predict`."""
        return self.visits.predict(self.shop, session_id, task)

    def predict_customer(self, customer_id: str, task: str) -> dict[str, object]:
        """Errors as `LiveScores.predict`."""
        return self.scores.predict(self.shop, self.mind.person(customer_id), task)

    def why_not(self, request: "Request", product_id: str) -> dict[str, object]:
        absence = self.mind.answering.recommender.why_not(request, product_id)
        return absence_record(self.shop, request, product_id, absence)

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
        return self.note_served([answer])[0]

    def shown_or_none(self, request_id: str) -> str | None:
        """As `report_shown`; None for an answer that is not remembered here."""
        try:
            return self.report_shown(request_id)
        except NotFoundError:
            return None

    def note_served(self, answers: "Sequence[Answer]") -> list[str]:
        """Log answers that customers will see; their ids, once they are on the disk."""
        self.variants.expose(self.shop, answers)
        ids = log_answers(self.shop, answers)
        self.mind.hear(showings(answers))
        return ids

    def note_unshown(self, answers: "Sequence[Answer]") -> list[str]:
        """Remember answers until `report_shown` says that they were; their ids."""
        ids = [token_hex(12) for _ in answers]
        with self._unshown_lock:
            self._unshown.update(zip(ids, answers, strict=True))
            while len(self._unshown) > MOST_UNSHOWN:
                self._unshown.popitem(last=False)
        return ids
