"""What answers requests while customers act, catalogs change and models are exchanged."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from foresell.contracts.errors import InputError
from foresell.predict.recommend.rank import SCORES_AT_ONCE
from foresell.predict.recommend.rules.constraints import CustomerFacts
from foresell.predict.recommend.serving.histories import Histories
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.people import People, told
from foresell.predict.recommend.serving.pipeline import Absence, answer, why_not
from foresell.predict.recommend.serving.request import Action, Answer, Request

# Customers whose scores are held together.
MOST_AT_ONCE = 256
# Customers whose vectors an index is learned and judged by.
NUM_SAMPLED = 256


class Shown(Protocol):
    """What was shown before: `days` back, to a customer."""

    def __call__(self, customer_id: str, days: int, now: datetime) -> Mapping[str, int]:
        """product_id → times shown."""


def nothing_shown(customer_id: str, days: int, now: datetime) -> Mapping[str, int]:
    return {}


class Recommender:
    """Answers from one `Knowledge`, which `swap` replaces by one assignment: an answer is made from the old
    or from the new, never from both, and none has to wait. Safe for many threads."""

    def __init__(self, knowledge: Knowledge, histories: Histories, shown: Shown = nothing_shown) -> None:
        self._now: tuple[Knowledge, People] = (knowledge, People(knowledge, histories))
        self._shown = shown
        # Of a customer's best products by vectors, the share that `prepare` found to be found; None: not
        # measured, or the model has no vectors.
        self.recall: float | None = None

    @property
    def knowledge(self) -> Knowledge:
        return self._now[0]

    @property
    def histories(self) -> Histories:
        return self._now[1].histories

    def prepare(self) -> None:
        """Make now what the first customers would wait for: seconds, or some ten with millions of products.
        A server calls it before it answers, and after it swaps; others answer meanwhile."""
        known, people = self._now
        known.prepare()
        people.prepare()
        everybody = people.histories.customers()
        some = everybody[:: 1 + len(everybody) // NUM_SAMPLED]
        self.recall = known.fitted.prepare(told([people.past(one) for one in some])) if some else None

    def customers(self) -> list[str]:
        """All who have a history, ascending."""
        return self._now[1].histories.customers()

    def swap(self, knowledge: Knowledge, histories: Histories | None = None) -> None:
        """From now on answer from this. What customers did since the old histories were read is kept where no
        new ones are given."""
        own = self._now[1].histories if histories is None else histories
        self._now = (knowledge, People(knowledge, own))

    def observe(self, customer_id: str, action: Action) -> None:
        """A customer just did something: the next answer knows."""
        self._now[1].histories.observe(customer_id, action)

    def answer(
        self, requests: Sequence[Request], now: datetime | None = None, *, with_reasons: bool = True
    ) -> list[Answer]:
        """The answers, in the order of the requests. Those of one surface are scored together. Without
        reasons the items have none, which is faster.

        Raises InputError for a moment without a time zone.
        """
        at = datetime.now(UTC) if now is None else now
        if at.tzinfo is None:
            raise InputError("The moment has no time zone", received=at, do="Give a time in UTC.")
        known, people = self._now
        found: dict[int, Answer] = {}
        for surface in dict.fromkeys(request.surface for request in requests):
            places = [place for place, request in enumerate(requests) if request.surface == surface]
            at_once = max(1, min(MOST_AT_ONCE, SCORES_AT_ONCE // max(known.assortment.size, 1)))
            for start in range(0, len(places), at_once):
                some = places[start : start + at_once]
                asked = [requests[place] for place in some]
                facts = [self._facts(known, people, request, at) for request in asked]
                found.update(zip(some, answer(known, people, asked, at, facts, with_reasons), strict=True))
        return [found[place] for place in range(len(requests))]

    def why_not(self, request: Request, product_id: str, now: datetime | None = None) -> Absence:
        """What kept a product out of the answer to a request, or where it stands in it."""
        at = datetime.now(UTC) if now is None else now
        known, people = self._now
        facts = self._facts(known, people, request, at)
        return why_not(known, people, request, product_id, at, facts)

    def _facts(self, known: Knowledge, people: People, request: Request, now: datetime) -> CustomerFacts:
        """What rules may ask of the customer, read only where a rule asks."""
        rules = known.compiled(request.surface, now)
        if request.customer_id is None:
            return CustomerFacts()
        bought, shown = np.empty(0, dtype=np.int64), {}
        if rules.bought:
            past = people.past(request.customer_id)
            bought = past.on_sale[past.weight >= 1.0]
        if rules.shown_days is not None:
            times = self._shown(request.customer_id, rules.shown_days, now)
            positions = known.assortment.position_of(times)
            shown = {
                int(position): count
                for position, count in zip(positions, times.values(), strict=True)
                if position >= 0
            }
        return CustomerFacts(request.customer_id, known.ages.get(request.customer_id), bought, shown)
