"""What is asked on each surface: which products are candidates, and how well each suits.

A surface takes knowledge, people and requests, and gives `Scored`, a row a request, over the assortment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from scipy import sparse

from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.minds import Minds, minds_of
from foresell.predict.recommend.serving.mixed import FirstThen, mean_of
from foresell.predict.recommend.serving.people import People, actions
from foresell.predict.recommend.serving.request import Action, Request

NEW_FOR = timedelta(days=30)
# Of a segment, so many customers speak for it.
MOST_OF_SEGMENT = 500

# Rows, the position of a product of each, and the best products of every row → reason codes, and the
# positions because of which (−1: none).
Why = Callable[[Ints, Ints, Sequence[Ints]], "tuple[Sequence[str], Ints]"]


@dataclass(frozen=True, eq=False)
class Scored:
    """`among`: ascending positions, all others are not asked for (None: all are); `without`: ascending ones
    not to show. `is_filled`: popular products may fill up. `notes`, `due_at`: of each row. Empty: nothing of
    the kind."""

    opinions: Opinions
    why: Why
    notes: Sequence[tuple[str, ...]]
    among: Sequence[Ints | None] = ()
    without: Sequence[Ints] = ()
    is_filled: bool = True
    due_at: Sequence[dict[int, datetime]] = ()


Surface = Callable[[Knowledge, People, Sequence[Request], datetime], Scored]


def customer(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What the customer will want next, by all they did, the running session and the basket included."""
    minds = _minds(known, people, requests, now)
    return Scored(minds.opinions, minds.why, _strangers(minds))


def basket(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What goes with the products of a basket, by what was in one basket with them; then by the model."""
    minds = _minds(known, people, requests, now)
    sets = _sets(known, [request.basket for request in requests])
    counted = Sparse(sets @ known.together.matrix)
    notes = [() if len(_row(sets, row)) else ("nothing_known_of_basket",) for row in range(len(requests))]
    opinions = FirstThen(counted, minds.opinions, known.everything)

    def why(of: Ints, products: Ints, best: Sequence[Ints]) -> "tuple[Sequence[str], Ints]":
        return _counted_or(known.together, sets, counted, minds, of, products, best, "goes_with_basket")

    return Scored(opinions, why, notes, without=_rows(sets))


def together(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What is bought in one basket with a product more often than chance; nothing fills up."""
    sets = _sets(known, [(request.product_id or "",) for request in requests])
    found = Sparse(sets @ known.together.matrix)
    because = _only(sets)
    return Scored(
        found,
        _always("bought_together", because),
        _unknown(because),
        among=_asked_for(found),
        without=_rows(sets),
        is_filled=False,
    )


def similar(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What is like a product by its content; then what the model expects after it."""
    sets = _sets(known, [(request.product_id or "",) for request in requests])
    likeness = Sparse(sets @ known.alike.matrix)
    after = [[Action(request.product_id or "", now, "purchase")] for request in requests]
    minds = minds_of(known, people, [None] * len(requests), after)
    opinions = FirstThen(likeness, minds.opinions, known.everything)

    def why(of: Ints, products: Ints, best: Sequence[Ints]) -> "tuple[Sequence[str], Ints]":
        return _counted_or(known.alike, sets, likeness, minds, of, products, best, "similar_to")

    return Scored(opinions, why, _unknown(_only(sets)), without=_rows(sets))


def buy_again(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What the customer bought before and is due again, with its day; nothing else."""
    rows, due_at, notes = [], [], []
    for request in requests:
        history = people.histories.read([request.customer_id or ""])
        due = known.rhythm.due(history, known.catalog, now)
        rows.append((due["product"].to_numpy().astype(np.int64), due["value"].to_numpy()))
        due_at.append(dict(zip(due["product"].to_list(), due["due_at"].to_list(), strict=True)))
        notes.append(() if history.height else ("unknown_customer",))
    found = Sparse(_matrix(rows, known.catalog.size))

    def why(of: Ints, products: Ints, best: Sequence[Ints]) -> "tuple[Sequence[str], Ints]":
        return ["buy_again"] * len(products), products

    return Scored(found, why, notes, among=_asked_for(found), is_filled=False, due_at=due_at)


def trending(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What is sold more than usual this week, of a category and at a place where they are given."""
    growths = [known.growth(one.location_id) for one in requests]
    rows = [(np.flatnonzero(growth > 0), growth[growth > 0]) for growth in growths]
    found = Sparse(_matrix(rows, known.catalog.size))
    among = [known.of_category(one.category) if one.category is not None else None for one in requests]

    def why(of: Ints, products: Ints, best: Sequence[Ints]) -> "tuple[Sequence[str], Ints]":
        is_growing = [growths[row][product] > 0 for row, product in zip(of, products, strict=True)]
        return ["trending" if one else "popular" for one in is_growing], np.full(len(products), -1)

    return Scored(found, why, [()] * len(requests), among=among)


def new_arrivals(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What came into the shop in the last NEW_FOR, in the order in which this customer will want it."""
    return _of_customer(known, people, requests, now, known.newer_than(now - NEW_FOR), "new")


def on_offer(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What is on offer now, in the order in which this customer will want it."""
    return _of_customer(known, people, requests, now, known.on_offer, "on_offer")


def _of_customer(
    known: Knowledge, people: People, requests: Sequence[Request], now: datetime, among: Ints, code: str
) -> Scored:
    minds = _minds(known, people, requests, now)
    because = np.full(len(requests), -1)
    return Scored(minds.opinions, _always(code, because), _strangers(minds), among=[among] * len(requests))


def rerank(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """A list of the caller's, in the order in which this customer will want it."""
    minds = _minds(known, people, requests, now)
    among, notes = [], []
    for request, stranger in zip(requests, _strangers(minds), strict=True):
        positions = known.assortment.position_of(request.product_ids)
        among.append(np.unique(positions[positions >= 0]))
        left_out = ("unknown_products_left_out",) if (positions < 0).any() else ()
        notes.append((*stranger, *left_out))
    return Scored(minds.opinions, minds.why, notes, among=among)


def segment(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Scored:
    """What a group of customers will want, each of (at most MOST_OF_SEGMENT of) them speaking alike."""
    rows, notes = [], []
    for request in requests:
        members = sorted(set(request.customer_ids))
        members = members[:: 1 + len(members) // MOST_OF_SEGMENT]
        minds = minds_of(known, people, members, [()] * len(members))
        rows.append(mean_of(minds.opinions, len(members), known.everything).row(0))
        notes.append(() if minds.has_acted.any() else ("unknown_customer",))
    found = Sparse(_matrix(rows, known.catalog.size))
    return Scored(found, _always("segment", np.full(len(requests), -1)), notes)


# Surface → how it scores. The names are those of `rules.SURFACES`.
SURFACES: dict[str, Surface] = {
    "customer": customer,
    "session": customer,
    "basket": basket,
    "similar": similar,
    "together": together,
    "buy_again": buy_again,
    "trending": trending,
    "new_arrivals": new_arrivals,
    "on_offer": on_offer,
    "rerank": rerank,
    "segment": segment,
    "email": customer,
}


def _minds(known: Knowledge, people: People, requests: Sequence[Request], now: datetime) -> Minds:
    whom = [request.customer_id for request in requests]
    return minds_of(known, people, whom, [actions(request, now) for request in requests])


def _strangers(minds: Minds) -> list[tuple[str, ...]]:
    return [() if one else ("unknown_customer",) for one in minds.is_heard_of]


def _sets(known: Knowledge, products: Sequence[Sequence[str]]) -> Any:
    """(B, P) CSR: 1 for each product of a row that is sold here."""
    rows = []
    for some in products:
        positions = np.unique(known.assortment.position_of(some))
        positions = positions[positions >= 0]
        rows.append((positions, np.ones(len(positions), np.float32)))
    return _matrix(rows, known.catalog.size)


def _matrix(rows: Sequence[tuple[Ints, Any]], size: int) -> Any:
    """(B, P) CSR of rows of positions, ascending, and values."""
    starts = np.cumsum([0, *(len(positions) for positions, _ in rows)])
    values = np.concatenate([of_row for _, of_row in rows]).astype(np.float32)
    columns = np.concatenate([positions for positions, _ in rows])
    return sparse.csr_array((values, columns, starts), shape=(len(rows), size))


def _row(sets: Any, row: int) -> Ints:
    return np.asarray(sets.indices[sets.indptr[row] : sets.indptr[row + 1]], np.int64)


def _rows(sets: Any) -> list[Ints]:
    return [_row(sets, row) for row in range(sets.shape[0])]


def _only(sets: Any) -> Ints:
    """Of sets of at most one product: it, or −1."""
    return np.array([some[0] if len(some) else -1 for some in _rows(sets)], np.int64)


def _asked_for(found: Sparse) -> list[Ints]:
    """Of each row what there is an opinion of."""
    return [found.row(row)[0].astype(np.int64) for row in range(found.matrix.shape[0])]


def _counted_or(
    neighbors: Any,
    sets: Any,
    counted: Sparse,
    minds: Minds,
    of: Ints,
    products: Ints,
    best: Sequence[Ints],
    code: str,
) -> "tuple[Sequence[str], Ints]":
    """Of what was counted the product that adds most; of the rest the model's reason."""
    is_counted = np.zeros(len(products), dtype=np.bool_)
    for row in np.unique(of):
        mine = of == row
        is_counted[mine] = counted.logs_at(int(row), products[mine]) > -np.inf
    codes, because = [code] * len(products), np.full(len(products), -1)
    _, because[is_counted] = neighbors.explain(sets[of[is_counted]], products[is_counted])
    rest = np.flatnonzero(~is_counted)
    given, because[rest] = minds.why(of[rest], products[rest], best)
    for place, other in zip(rest, given, strict=True):
        codes[place] = other
    return codes, because


def _always(code: str, because: Ints) -> Why:
    return lambda of, products, best: ([code] * len(products), because[of])


def _unknown(positions: Ints) -> list[tuple[str, ...]]:
    return [("unknown_product",) if one < 0 else () for one in positions]
