"""Customers' histories as one `Knowledge` reads them: products by their positions, in microseconds."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foresell.features.ids import place, places
from foresell.predict.recommend.rank import Floats, Ints
from foresell.predict.recommend.serving.histories import Histories
from foresell.predict.recommend.serving.request import Action, Request
from foresell.predict.recommend.timelines import Timelines

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.knowledge import Knowledge

# Customers whose vectors are kept: some 100 MB at most.
MOST_KEPT = 100_000
# Pasts that are kept until there are so many.
MOST_PASTS = 64
# Products of new actions whose places are kept until there are so many.
MOST_PLACED = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Numbers of products that neither the model nor any history knows begin far below all others.
STRANGE = -(1 << 40)


@dataclass(frozen=True, eq=False)
class Past:
    """One customer's actions, oldest first. `product`: position in the model's catalog (below 0: not in it);
    `on_sale`: position in the assortment (−1: not sold); `at`: microseconds since 1970."""

    product: Ints
    on_sale: Ints
    at: Ints
    weight: NDArray[np.float64]

    @property
    def is_heard_of(self) -> bool:
        """Whether the model knows any of the products, or any is sold."""
        return bool((self.product >= 0).any() or (self.on_sale >= 0).any())


class People:
    """Made anew for each `Knowledge`; customers who act are seen by the next answer. Safe for threads."""

    def __init__(self, known: "Knowledge", histories: Histories) -> None:
        self._known = known
        self.histories = histories
        self._vectors: OrderedDict[str, tuple[int, Floats]] = OrderedDict()
        # The same customer's is asked for several times within an answer.
        self._pasts: dict[str, tuple[int, Past]] = {}
        self._placed: dict[str, tuple[int | None, int]] = {}
        self._lock = Lock()

    @cached_property
    def _places(self) -> tuple[Ints, Ints]:
        """Of each product of the past: where it is in the model's catalog, and in the assortment."""
        ids = self.histories.columns.product_ids
        in_model = places(self._known.fitted.catalog.product_ids, ids)
        unknown = -1 - np.arange(len(ids))
        return np.where(in_model >= 0, in_model, unknown), self._known.assortment.position_of(ids)

    def prepare(self) -> None:
        """Make now what the first customer would wait for."""
        self.histories.prepare()
        _ = self._places

    def num_observed(self, customer_id: str | None) -> int:
        """How many actions came since the past was read: to be asked before the past is."""
        return self.histories.num_observed.get(customer_id or "", 0)

    def past(self, customer_id: str | None, then: Iterable[Action] = ()) -> Past:
        """What a customer did, and what came after it."""
        if customer_id is None:
            return self._with(_nothing(), list(then))
        version, after = self.num_observed(customer_id), list(then)
        kept = self._pasts.get(customer_id)
        if kept is None or kept[0] != version:
            kept = version, self._read(customer_id)
            if len(self._pasts) >= MOST_PASTS:
                self._pasts.clear()
            self._pasts[customer_id] = kept
        return self._with(kept[1], after) if after else kept[1]

    def _read(self, customer_id: str) -> Past:
        columns, rows = self.histories.columns, self.histories.rows(customer_id)
        codes = columns.codes[rows]
        in_model, on_sale = self._places
        past = Past(in_model[codes], on_sale[codes], columns.at[rows], columns.weight[rows])
        return self._with(past, self.histories.newest(customer_id))

    def _with(self, past: Past, actions: Sequence[Action]) -> Past:
        telling = sorted(
            (one for one in actions if one.weight > 0), key=lambda one: (one.occurred_at, one.product_id)
        )
        if not telling:
            return past
        at = np.array([(one.occurred_at - EPOCH) // MICROSECOND for one in telling])
        order = np.argsort(np.concatenate([past.at, at]), kind="stable")
        in_model, on_sale = self.positions([one.product_id for one in telling])
        return Past(
            np.concatenate([past.product, in_model])[order],
            np.concatenate([past.on_sale, on_sale])[order],
            np.concatenate([past.at, at])[order],
            np.concatenate([past.weight, [one.weight for one in telling]])[order],
        )

    def positions(self, product_ids: Sequence[str]) -> tuple[Ints, Ints]:
        """Of a few products: as `Past.product` and `Past.on_sale`."""
        strange = dict.fromkeys(product_ids)
        numbers = {one: STRANGE - number for number, one in enumerate(strange)}
        placed = [self._placed.get(one) or self._place(one) for one in product_ids]
        in_model = [
            found if found is not None else numbers[one]
            for one, (found, _) in zip(product_ids, placed, strict=True)
        ]
        return np.array(in_model, np.int64), np.array([on_sale for _, on_sale in placed], np.int64)

    def _place(self, product_id: str) -> tuple[int | None, int]:
        """Where it is in the model (None: neither model nor any history knows it), and on sale; kept, since
        what was done lately is asked for in every answer."""
        found: int | None = place(self._known.fitted.catalog.product_ids, product_id)
        if found is not None and found < 0:
            code = place(self.histories.columns.product_ids, product_id)
            found = -1 - code if code >= 0 else None
        placed = found, place(self._known.assortment.product_ids, product_id)
        if len(self._placed) >= MOST_PLACED:
            self._placed.clear()
        self._placed[product_id] = placed
        return placed

    def kept_vector(self, customer_id: str, num_observed: int) -> Floats | None:
        """The customer's vector, if it was kept after so many observed actions."""
        with self._lock:
            kept = self._vectors.get(customer_id)
            if kept is None or kept[0] != num_observed:
                return None
            self._vectors.move_to_end(customer_id)
            return kept[1]

    def keep_vector(self, customer_id: str, num_observed: int, vector: Floats) -> None:
        with self._lock:
            self._vectors[customer_id] = (num_observed, vector)
            self._vectors.move_to_end(customer_id)
            if len(self._vectors) > MOST_KEPT:
                self._vectors.popitem(last=False)


def told(pasts: Sequence[Past]) -> Timelines:
    """Of several customers, over the model's catalog."""
    offsets = np.cumsum([0, *(len(one.at) for one in pasts)])
    return Timelines(
        offsets,
        np.concatenate([one.product for one in pasts]),
        np.concatenate([one.at for one in pasts]),
        np.concatenate([one.weight for one in pasts]),
    )


def actions(request: Request, now: datetime) -> list[Action]:
    """What a request tells beside what was observed: the session, and the basket as of now."""
    return [*request.session, *(Action(one, now, "add_to_cart") for one in request.basket)]


def _nothing() -> Past:
    none = np.empty(0, np.int64)
    return Past(none, none, none, np.empty(0))
