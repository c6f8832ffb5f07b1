"""What a serving process keeps in mind: a model and rules that answer, and what everybody does just now.

Accepted events are seen by the next answer. A newer model, rules or tables take the place of the old ones as
a whole, while answers go on; a model that fails its trial is not let in.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from foresell.contracts.errors import ConflictError, ForesellError, NotFoundError
from foresell.services.live.links import Links
from foresell.services.live.moving import pending_rows
from foresell.services.live.others import EventRow
from foresell.services.served import Showing
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.services.served import ShownBefore

# Of each of so many people the newest events are kept, by these columns.
MOST_PEOPLE, MOST_EVENTS = 20_000, 20
SHOWN_COLUMNS = ("event_id", "event_name", "occurred_at", "product_id", "session_id")
OCCURRED_AT = SHOWN_COLUMNS.index("occurred_at")
# After so many, what was observed is read from the tables again, and no longer held one by one.
MOST_OBSERVED = 500_000
# How far back it is known what was shown: rules may cap what is shown more often.
SHOWN_DAYS = 366
NUM_TRIED = 16


@dataclass(frozen=True)
class Answering:
    """What answers now."""

    recommender: "Recommender"
    shown: "ShownBefore"
    links: Links
    label: str
    rules_version: int


class Mind:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answering: Answering | None = None
        self._links = Links()
        self._recent: OrderedDict[str, list[tuple[str | None, ...]]] = OrderedDict()
        self._num_observed = 0
        # What is observed while something newer is being read.
        self._meanwhile: list[EventRow] | None = None
        self._shown_meanwhile: list[Showing] | None = None
        # name/version of a model that was not let in → why.
        self.refused: dict[str, str] = {}

    @property
    def answering(self) -> Answering:
        """ConflictError where no recommender is in production."""
        if self._answering is None:
            raise ConflictError("No recommender is in production", do="Run: foresell fit recommend")
        return self._answering

    @property
    def now(self) -> Answering | None:
        """As `answering`; None where no recommender is in production."""
        return self._answering

    @property
    def label(self) -> str | None:
        return None if self._answering is None else self._answering.label

    def answers_by(self, version: object, rules_version: object) -> bool:
        """Whether it answers by this version of the recommender and of the rules."""
        now = self._answering
        return now is not None and (now.label, now.rules_version) == (f"recommend/{version}", rules_version)

    def observe(self, row: EventRow) -> None:
        """An accepted event: the next answer knows."""
        with self._lock:
            if self._meanwhile is not None:
                self._meanwhile.append(row)
            person = self._links.person(row)
            if person is None:
                return
            self._keep(person, row)
            self._num_observed += 1
            if self._answering is not None:
                _observe(self._answering.recommender, person, row)

    @property
    def is_full(self) -> bool:
        return self._num_observed > MOST_OBSERVED

    def recent(self, person: str) -> list[dict[str, str | None]]:
        """The newest events of somebody that this process has seen, oldest first: SHOWN_COLUMNS."""
        with self._lock:
            kept = list(self._recent.get(person, ()))
        return [dict(zip(SHOWN_COLUMNS, one, strict=True)) for one in kept]

    def person(self, customer_id: str) -> str:
        return self._links.customers.get(customer_id, customer_id)

    def forget(self) -> None:
        """Forget what people did lately: somebody was erased. The tables tell the rest anew."""
        with self._lock:
            self._recent.clear()

    def hear(self, shown: "Sequence[Showing]") -> None:
        """What was logged as served, here or by other processes."""
        with self._lock:
            if self._shown_meanwhile is not None:
                self._shown_meanwhile += shown
            if self._answering is not None:
                self._answering.shown.hear(shown)

    def refresh(self, shop: Shop, learn: Callable[[], None] = lambda: None) -> None:
        """Read model, rules, links and histories anew. No mover may run meanwhile, or some of what it moves
        would count twice in people's tastes until the next time. `learn`: observes what other processes have
        accepted until now.

        A model that fails its trial stays out, and why is noted in `refused`; without any model only links
        are read.
        """
        with self._lock:
            self._meanwhile, self._shown_meanwhile = [], []
        try:
            pending = pending_rows(shop.folder.events.pending())
            fresh, links = _read(shop)
            if fresh is not None:
                self._try(fresh)
                for row in pending:
                    _observe_row(fresh, links, row)
            # What of them is among the pending must not come once more.
            learn()
        except BaseException:
            self._meanwhile = self._shown_meanwhile = None
            raise
        seen = {row.get("event_id") for row in pending}
        with self._lock:
            meanwhile, self._meanwhile = self._meanwhile or [], None
            shown, self._shown_meanwhile = self._shown_meanwhile or [], None
            if fresh is not None:
                fresh.shown.hear(shown)
            self._links = links
            for row in meanwhile:
                if fresh is not None and row.get("event_id") not in seen:
                    _observe_row(fresh, links, row)
            self._answering = fresh or self._answering
            self._num_observed = 0

    def _try(self, fresh: Answering) -> None:
        try:
            trial(fresh.recommender)
        except ForesellError as error:
            self.refused[fresh.label] = error.what
            raise
        self.refused.pop(fresh.label, None)

    def _keep(self, person: str, row: EventRow) -> None:
        kept = self._recent.get(person)
        if kept is None:
            kept = self._recent[person] = []
            if len(self._recent) > MOST_PEOPLE:
                self._recent.popitem(last=False)
        elif len(kept) >= MOST_EVENTS:
            del kept[0]
        place = len(kept)
        # What another process accepted may come later than what was done after it.
        while place and str(kept[place - 1][OCCURRED_AT]) > row["occurred_at"]:
            place -= 1
        kept.insert(place, tuple(map(row.get, SHOWN_COLUMNS)))


def _read(shop: Shop) -> tuple[Answering | None, Links]:
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.services.recommender import make_recommender
    from foresell.services.served import ShownBefore

    with shop.reading_matched() as tables:
        links = Links.of(tables)
        try:
            made = make_recommender(shop, tables)
        except NotFoundError:
            return None, links
        shown = ShownBefore(tables, SHOWN_DAYS)
        known = made.knowledge
        recommender = Recommender(known, made.histories, shown)
        recommender.prepare()
    return Answering(recommender, shown, links, known.model, known.rules_version), links


def _observe_row(answering: Answering, links: Links, row: EventRow) -> None:
    person = links.person(row)
    if person is not None:
        _observe(answering.recommender, person, row)


def _observe(recommender: "Recommender", person: str, row: EventRow) -> None:
    from foresell.predict.recommend.serving.request import Action

    product = row.get("product_id")
    if product is not None:
        at = datetime.fromisoformat(row["occurred_at"])
        recommender.observe(person, Action(product, at, row["event_name"]))


def trial(recommender: "Recommender") -> None:
    """Ask a recommender before customers do. ConflictError where it answers nothing, or what is no number."""
    from foresell.predict.recommend.serving.request import Request

    everybody = recommender.customers()
    asked: Sequence[Request] = [
        Request("customer", 10, one) for one in everybody[:: 1 + len(everybody) // NUM_TRIED]
    ]
    if recommender.knowledge.assortment.size == 0 or not asked:
        return
    answers = recommender.answer(asked)
    if not any(answer.items for answer in answers):
        raise ConflictError(
            "The model recommends nothing to anybody", do="Put another version in production."
        )
    if not all(isfinite(item.score) for answer in answers for item in answer.items):
        raise ConflictError("The model gives scores that are no numbers", do="Put another in production.")
