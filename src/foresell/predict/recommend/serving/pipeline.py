"""From scores to a list: candidates → score → rules → rerank → explore; a last look before it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.explore import Best, Chosen, Epsilon, Policy, Thompson, explore
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts, verify
from foresell.predict.recommend.serving.histories import Histories
from foresell.predict.recommend.serving.knowledge import Exploring, Knowledge
from foresell.predict.recommend.serving.request import Answer, Item, Request
from foresell.predict.recommend.serving.rerank import Shortlist, rerank
from foresell.predict.recommend.serving.surfaces import SURFACES, Scored

# So many are reranked and explored at least, and so many for each that is asked for.
LEAST_POOL = 50
POOL_A_SLOT = 5
# What a popular product counts where nobody has an opinion: below everything that has one.
FILL = 1e-6
# A product of factor 0 stands last, and is still there.
LEAST_VALUE = 1e-30
Doubles = NDArray[np.float64]


def answer(
    known: Knowledge,
    histories: Histories,
    requests: Sequence[Request],
    now: datetime,
    facts: Sequence[CustomerFacts],
) -> list[Answer]:
    """The answers to requests of one surface. `facts`: of their customers, positions of `known`."""
    if not known.assortment.size:
        return [_listed(known, request, (), ("empty_catalog",), now) for request in requests]
    surface = requests[0].surface
    scored = SURFACES[surface](known, histories, requests, now)
    compiled = known.compiled(surface, now)
    rules = [compiled.for_customer(of_customer) for of_customer in facts]
    lists = [
        _choose(known, scored, row, request, rules[row], histories) for row, request in enumerate(requests)
    ]
    return _answers(known, scored, requests, lists, now)


@dataclass(frozen=True, slots=True)
class _List:
    products: Ints
    propensities: Doubles
    scores: Doubles


def _answers(
    known: Knowledge, scored: Scored, requests: Sequence[Request], lists: Sequence[_List], now: datetime
) -> list[Answer]:
    """The lists with their reasons, all of which are found together."""
    of = np.repeat(np.arange(len(lists)), [len(one.products) for one in lists])
    codes, because = scored.why(of, np.concatenate([one.products for one in lists]))
    ids = known.assortment.product_ids
    starts, answers = np.searchsorted(of, np.arange(len(lists))), []
    for row, (request, chosen) in enumerate(zip(requests, lists, strict=True)):
        due_at = scored.due_at[row] if scored.due_at else {}
        items = []
        for place, product in enumerate(chosen.products.tolist()):
            reason = int(because[starts[row] + place])
            items.append(
                Item(
                    product_id=ids[product],
                    rank=place + 1,
                    score=float(chosen.scores[place]),
                    propensity=float(chosen.propensities[place]),
                    reason_code=str(codes[starts[row] + place]),
                    because_product_id=ids[reason] if reason >= 0 else None,
                    due_at=due_at.get(product),
                )
            )
        notes = (*scored.notes[row], *_shortage(len(items), request.k))
        answers.append(_listed(known, request, tuple(items), notes, now))
    return answers


def _listed(
    known: Knowledge, request: Request, items: tuple[Item, ...], notes: tuple[str, ...], now: datetime
) -> Answer:
    return Answer(request, items, notes, known.model, known.rules_version, known.exploring.name, now)


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a product is not in an answer, or where it is. `rules`: those that forbid it; `codes`: of WHY_NOT,
    in words by `why_not_text`; `place` by score among the eligible, from 1; `score`, and `last_score` of the
    last that is shown (None: nothing is)."""

    product_id: str
    rank: int | None
    rules: tuple[str, ...]
    codes: tuple[str, ...]
    place: int | None
    score: float | None
    last_score: float | None


def why_not(
    known: Knowledge,
    histories: Histories,
    request: Request,
    product_id: str,
    now: datetime,
    facts: CustomerFacts,
) -> Absence:
    """The first reason that applies: not sold, forbidden, not asked for, a cap, the score."""
    position = int(known.assortment.position_of([product_id])[0])
    if position < 0:
        return Absence(product_id, None, (), ("not_sold",), None, None, None)
    scored = SURFACES[request.surface](known, histories, [request], now)
    rules = known.compiled(request.surface, now).for_customer(facts)
    found = _answers(known, scored, [request], [_choose(known, scored, 0, request, rules, histories)], now)[
        0
    ].items
    rank = next((item.rank for item in found if item.product_id == product_id), None)
    values, eligible = _values(known, scored, 0, rules), _eligible(known, scored, 0, request, rules)
    score, last = float(values[position]), found[-1].score if found else None
    if rank is not None:
        return Absence(product_id, rank, (), ("shown",), None, score, last)
    by_rules = rules.why(position)
    if by_rules or not eligible[position]:
        codes = ("forbidden",) if by_rules else ("not_asked_for",)
        return Absence(product_id, None, by_rules, codes, None, score, last)
    place = 1 + int((values[eligible] > values[position]).sum())
    codes = ("other_order",) if place <= request.k else ("lower_score",)
    return Absence(product_id, None, (), codes, place, score, last)


def _shortage(found: int, k: int) -> tuple[str, ...]:
    if not found:
        return ("nothing_eligible",)
    return ("fewer_eligible",) if found < k else ()


def _eligible(
    known: Knowledge, scored: Scored, row: int, request: Request, rules: Constraints
) -> NDArray[np.bool_]:
    """(P,) what may be shown: asked for, not forbidden, not left out by the request."""
    mask = (
        rules.allowed_P.copy()
        if scored.candidates_BP is None
        else scored.candidates_BP[row] & rules.allowed_P
    )
    left_out = known.assortment.position_of(pl.Series(request.exclude, dtype=pl.String))
    mask[left_out[left_out >= 0]] = False
    if not scored.is_filled:
        mask &= scored.values_BP[row] > 0
    return mask


def _values(known: Knowledge, scored: Scored, row: int, rules: Constraints) -> Doubles:
    """(P,) above 0: scores as shares of the highest, weighed by the rules; below them what is popular."""
    scores = scored.values_BP[row].astype(np.float64)
    scaled = scores / max(float(scores.max(initial=0.0)), np.finfo(np.float64).tiny)
    filled = np.where(scores > 0, np.maximum(scaled, 2 * FILL), FILL * known.catalog.popularity)
    return np.asarray(np.maximum(filled * rules.factor_P, LEAST_VALUE * (1 + scaled)))


def _choose(
    known: Knowledge, scored: Scored, row: int, request: Request, rules: Constraints, histories: Histories
) -> _List:
    """The pins that may stand, and the best of the rest around them, within the caps."""
    eligible, values = _eligible(known, scored, row, request, rules), _values(known, scored, row, rules)
    pins = [(place, position) for place, position in rules.pins if eligible[position] and place <= request.k]
    rest = eligible.copy()
    rest[[position for _, position in pins]] = False
    wanted = request.k - len(pins)
    size, available = max(LEAST_POOL, POOL_A_SLOT * request.k), int(rest.sum())
    pinned = np.asarray([position for _, position in pins], dtype=np.int64)
    while True:
        pool = _best(values, rest, size)
        pool = pool[_order(known, values, pool, request, histories)]
        found = _explored(known, values, pool, wanted, request.seed, rules, pinned)
        if len(found.order_K) >= wanted or size >= available:
            break
        size *= 8
    products, propensities = _with_pins(pool[found.order_K], found.propensity_K, pins)
    verify(rules, products)
    return _List(products, propensities, values[products])


def _best(values: Doubles, mask: NDArray[np.bool_], number: int) -> Ints:
    """The positions of the highest values of a mask, best first; equal values by position."""
    positions = np.flatnonzero(mask)
    if len(positions) > number:
        of_mask = values[positions]
        edge = np.partition(of_mask, len(positions) - number)[len(positions) - number]
        above = positions[of_mask > edge]
        positions = np.concatenate([above, positions[of_mask == edge][: number - len(above)]])
    return np.asarray(positions[np.lexsort((positions, -values[positions]))])


def _order(known: Knowledge, values: Doubles, pool: Ints, request: Request, histories: Histories) -> Ints:
    if known.reranking.changes_nothing or len(pool) < 2:
        return np.arange(len(pool))
    vectors = known.content_PW[pool]
    categories = known.category_P
    number = int(categories.max(initial=-1)) + 1
    history = histories.read([request.customer_id] if request.customer_id else [])
    taken = known.assortment.position_of(history["product_id"])
    of_taken = categories[taken[taken >= 0]]
    wanted = np.bincount(of_taken[of_taken >= 0], minlength=number).astype(np.float64)
    shortlist = Shortlist(
        scores_N=np.asarray(values[pool], np.float64),
        likeness_NN=np.clip((vectors @ vectors.T).toarray(), 0.0, 1.0),
        novelty_N=known.novelty_P[pool].astype(np.float64),
        category_N=categories[pool],
        wanted_C=wanted / max(float(wanted.sum()), 1.0),
    )
    return rerank(shortlist, known.reranking, request.k)


def _explored(
    known: Knowledge, values: Doubles, pool: Ints, k: int, seed: int, rules: Constraints, pinned: Ints
) -> Chosen:
    """The reranked order is what exploration departs from: its scores are places."""
    places = -np.arange(len(pool), dtype=np.float64)
    policy = _policy(known, values, pool)
    return explore(places, k, policy, seed, rules.may_follow(pool, pinned) if rules.caps else None)


def _policy(known: Knowledge, values: Doubles, pool: Ints) -> Policy:
    how: Exploring = known.exploring
    if how.policy == "epsilon":
        return Epsilon(how.epsilon)
    if how.policy == "thompson":
        share = values[pool] / max(float(values[pool].mean()), LEAST_VALUE) if len(pool) else values[pool]
        prior = np.clip(how.click_rate * share, how.click_rate / 100, 0.5)
        return Thompson.of_clicks(known.clicks_P[pool], known.shown_P[pool], prior)
    return Best()


def _with_pins(products: Ints, propensities: Doubles, pins: list[tuple[int, int]]) -> tuple[Ints, Doubles]:
    """Pins at their places, or directly after the rest where it is too short for them."""
    listed = list(zip(products.tolist(), propensities.tolist(), strict=True))
    for place, position in sorted(pins):
        listed.insert(min(place - 1, len(listed)), (position, 1.0))
    both = np.asarray(listed, dtype=np.float64).reshape(-1, 2)
    return both[:, 0].astype(np.int64), both[:, 1]
