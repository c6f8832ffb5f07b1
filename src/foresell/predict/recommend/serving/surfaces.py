"""What is asked on each surface: which products are candidates, and how well each suits.

A surface takes knowledge, histories and requests, and gives `Scored`, a row a request, over the assortment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foresell.predict.recommend.rank import Floats, Ints, as_matrix
from foresell.predict.recommend.serving.histories import Histories, as_interactions
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.request import Action, Request

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEW_FOR = timedelta(days=30)
# Of a segment, so many customers speak for it.
MOST_OF_SEGMENT = 500

# Rows and the position of a product of each → reason codes, and the positions because of which (−1: none).
Why = Callable[[Ints, Ints], "tuple[Sequence[str], Ints]"]


@dataclass(frozen=True, eq=False)
class Scored:
    """`values_BP` ≥ 0, 0: no opinion. `candidates_BP`: all others are not asked for; None: all are.
    `is_filled`: popular products may fill up. `notes`, `due_at`: of each row."""

    values_BP: Floats
    candidates_BP: "NDArray[np.bool_] | None"
    why: Why
    notes: Sequence[tuple[str, ...]]
    is_filled: bool = True
    due_at: "Sequence[dict[int, datetime]] | None" = None


Surface = Callable[[Knowledge, Histories, Sequence[Request], datetime], Scored]


def customer(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What the customer will want next, by all they did, the running session and the basket included."""
    names = [f"{number:09d}" for number in range(len(requests))]
    rows = [_history(histories, one, name, now) for one, name in zip(requests, names, strict=True)]
    is_known = np.array([known.has_heard_of(frame["product_id"]) for frame in rows])
    notes = [() if one else ("unknown_customer",) for one in is_known]
    together = pl.concat(rows)
    profiles = known.fitted.profiles(pl.Series("customer_id", names, dtype=pl.String), together)
    values = known.on_sale(np.maximum(known.fitted.score(profiles[0 : len(names)]), 0.0))

    def why(of: Ints, products: Ints) -> "tuple[Sequence[str], Ints]":
        has_opinion = (values[of, products] > 0) & is_known[of]
        return _by_model(known, profiles, of, products, has_opinion)

    return Scored(values, None, why, notes)


def _history(histories: Histories, request: Request, name: str, now: datetime) -> pl.DataFrame:
    """INTERACTIONS of a request, of somebody called `name`: what the customer did, then the session and the
    basket."""
    past = histories.read([request.customer_id] if request.customer_id else [])
    recent = [*request.session, *(Action(one, now, "add_to_cart") for one in request.basket)]
    return pl.concat([past, as_interactions(name, recent)]).with_columns(customer_id=pl.lit(name))


def _by_model(
    known: Knowledge, profiles: Any, of: Ints, products: Ints, has_opinion: "NDArray[np.bool_]"
) -> "tuple[Sequence[str], Ints]":
    """The model's own reasons, where it has an opinion; a product that it does not know is like the one that
    speaks for it."""
    codes, because = ["popular"] * len(products), np.full(len(products), -1)
    places = known.place_P[products]
    asked = np.flatnonzero((places >= 0) & has_opinion)
    if len(asked):
        given, of_model = known.fitted.explain(profiles[of[asked]], places[asked])
        ids = known.fitted.catalog.product_ids
        back = known.assortment.position_of(
            pl.Series([ids[int(one)] if one >= 0 else None for one in of_model], dtype=pl.String)
        )
        for place, code, reason in zip(asked, given, back, strict=True):
            codes[place], because[place] = str(code), int(reason)
    for place in np.flatnonzero((places < 0) & has_opinion):
        likest = known.unknown_by_known[[int(products[place])]].tocoo()
        codes[place], because[place] = "similar_to", int(likest.col[int(likest.data.argmax())])
    return codes, because


def basket(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What goes with the products of a basket, by what was in one basket with them; then by the model."""
    by_model = customer(known, histories, requests, now)
    profiles = _sets(known, [request.basket for request in requests])
    counted = known.together.score(profiles)
    values = _first_then(counted, by_model.values_BP)
    notes = [() if profiles[[row]].nnz else ("nothing_known_of_basket",) for row in range(len(requests))]

    def why(of: Ints, products: Ints) -> "tuple[Sequence[str], Ints]":
        return _counted_or(known, profiles, counted, by_model, of, products, "goes_with_basket")

    return Scored(values, _others(profiles), why, notes)


def together(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What is bought in one basket with a product more often than chance; nothing fills up."""
    asked = [(request.product_id or "",) for request in requests]
    profiles = _sets(known, asked)
    values = known.together.score(profiles)
    because = known.assortment.position_of(pl.Series([one[0] for one in asked], dtype=pl.String))
    candidates = _others(profiles) & (values > 0)
    return Scored(values, candidates, _always("bought_together", because), _unknown(because), is_filled=False)


def similar(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What is like a product by its content; then what the model expects after it."""
    asked = [(request.product_id or "",) for request in requests]
    profiles = _sets(known, asked)
    values = known.alike.score(profiles)
    after = [
        Request("customer", one.k, session=(Action(one.product_id or "", now, "purchase"),))
        for one in requests
    ]
    by_model = customer(known, histories, after, now)
    because = known.assortment.position_of(pl.Series([one[0] for one in asked], dtype=pl.String))

    def why(of: Ints, products: Ints) -> "tuple[Sequence[str], Ints]":
        return _counted_or(known, profiles, values, by_model, of, products, "similar_to")

    both = _first_then(values, by_model.values_BP)
    return Scored(both, _others(profiles), why, _unknown(because))


def buy_again(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What the customer bought before and is due again, with its day; nothing else."""
    values = np.zeros((len(requests), known.catalog.size), dtype=np.float32)
    due_at: list[dict[int, datetime]] = []
    notes: list[tuple[str, ...]] = []
    for row, request in enumerate(requests):
        history = histories.read([request.customer_id or ""])
        due = known.rhythm.due(history, known.catalog, now)
        values[row, due["product"].to_numpy()] = due["value"].to_numpy()
        due_at.append(dict(zip(due["product"].to_list(), due["due_at"].to_list(), strict=True)))
        notes.append(() if history.height else ("unknown_customer",))
    return Scored(
        values,
        values > 0,
        lambda of, products: (["buy_again"] * len(products), products),
        notes,
        is_filled=False,
        due_at=due_at,
    )


def trending(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What is sold more than usual this week, of a category and at a place where they are given."""
    values = np.stack([known.trends.growth(known.catalog, one.location_id) for one in requests])
    candidates = np.stack([_of_category(known, one.category) for one in requests])

    def why(of: Ints, products: Ints) -> "tuple[Sequence[str], Ints]":
        codes = ["trending" if value > 0 else "popular" for value in values[of, products]]
        return codes, np.full(len(products), -1)

    return Scored(values, candidates, why, [()] * len(requests))


def new_arrivals(
    known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime
) -> Scored:
    """What came into the shop in the last NEW_FOR, in the order in which this customer will want it."""
    since = pl.col("first_seen_at") > now - NEW_FOR
    return _of_customer(known, histories, requests, now, known.assortment.products.select(since), "new")


def on_offer(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What is on offer now, in the order in which this customer will want it."""
    return _of_customer(
        known, histories, requests, now, known.assortment.products.select("is_on_offer"), "on_offer"
    )


def _of_customer(
    known: Knowledge,
    histories: Histories,
    requests: Sequence[Request],
    now: datetime,
    is_asked: pl.DataFrame,
    code: str,
) -> Scored:
    found = customer(known, histories, requests, now)
    mask = is_asked.to_series().fill_null(value=False).to_numpy().astype(np.bool_)
    candidates = np.broadcast_to(mask, found.values_BP.shape)
    return Scored(found.values_BP, candidates, _always(code, np.full(len(requests), -1)), found.notes)


def rerank(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """A list of the caller's, in the order in which this customer will want it."""
    found = customer(known, histories, requests, now)
    candidates = np.zeros(found.values_BP.shape, dtype=np.bool_)
    notes = []
    for row, request in enumerate(requests):
        positions = known.assortment.position_of(pl.Series(request.product_ids, dtype=pl.String))
        candidates[row, positions[positions >= 0]] = True
        left_out = ("unknown_products_left_out",) if (positions < 0).any() else ()
        notes.append((*found.notes[row], *left_out))
    return Scored(found.values_BP, candidates, found.why, notes)


def segment(known: Knowledge, histories: Histories, requests: Sequence[Request], now: datetime) -> Scored:
    """What a group of customers will want, each of (at most MOST_OF_SEGMENT of) them speaking alike."""
    values, notes = [], []
    for request in requests:
        members = sorted(set(request.customer_ids))[:: 1 + len(set(request.customer_ids)) // MOST_OF_SEGMENT]
        history = histories.read(members)
        each = known.scores(members, history)
        sums = each.sum(axis=1, keepdims=True)
        values.append(np.divide(each, sums, out=np.zeros_like(each), where=sums > 0).mean(axis=0))
        notes.append(() if history.height else ("unknown_customer",))
    return Scored(np.stack(values), None, _always("segment", np.full(len(requests), -1)), notes)


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


def _sets(known: Knowledge, products: Sequence[Sequence[str]]) -> Any:
    """(B, P) CSR: 1 for each product of a row that is sold here."""
    names = [f"{number:09d}" for number in range(len(products))]
    pairs = [
        (name, one, 1.0) for name, some in zip(names, products, strict=True) for one in dict.fromkeys(some)
    ]
    rows = (
        pl.DataFrame(pairs, ["customer_id", "product_id", "value"], orient="row")
        if pairs
        else pl.DataFrame(schema={"customer_id": pl.String, "product_id": pl.String, "value": pl.Float64})
    )
    return as_matrix(known.catalog, pl.Series("customer_id", names, dtype=pl.String), rows)


def _others(sets: Any) -> "NDArray[np.bool_]":
    """(B, P): all but a row's own products."""
    found: NDArray[np.bool_] = sets.toarray() == 0
    return found


def _first_then(first: Floats, then: Floats) -> Floats:
    """Every product of which `first` has an opinion before all others; both scaled to at most 1."""
    scaled = then / np.maximum(then.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    most = np.maximum(first.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(np.where(first > 0, 1 + first / most, scaled), np.float32)


def _counted_or(
    known: Knowledge, profiles: Any, counted: Floats, by_model: Scored, of: Ints, products: Ints, code: str
) -> "tuple[Sequence[str], Ints]":
    """Of what was counted the product that adds most; of the rest the model's reason."""
    is_counted = counted[of, products] > 0
    codes, because = [code] * len(products), np.full(len(products), -1)
    neighbors = known.together if code == "goes_with_basket" else known.alike
    _, because[is_counted] = neighbors.explain(profiles[of[is_counted]], products[is_counted])
    rest = np.flatnonzero(~is_counted)
    given, because[rest] = by_model.why(of[rest], products[rest])
    for place, other in zip(rest, given, strict=True):
        codes[place] = other
    return codes, because


def _always(code: str, because: Ints) -> Why:
    return lambda of, products: ([code] * len(products), because[of])


def _unknown(positions: Ints) -> list[tuple[str, ...]]:
    return [("unknown_product",) if one < 0 else () for one in positions]


def _of_category(known: Knowledge, category: str | None) -> "NDArray[np.bool_]":
    """The products of a category (any level of its path); all where none is asked for."""
    mask = np.full(known.catalog.size, category is None)
    if category is not None:
        mask[known.assortment.labeled_as("category", (category,))] = True
    return mask
