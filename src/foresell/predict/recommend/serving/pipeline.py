"""From scores to a list: candidates → score → rules → rerank → explore; a last look before it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from foresell.predict.recommend.explore import Best, Chosen, Epsilon, Policy, Thompson, explore
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts, verify
from foresell.predict.recommend.serving.candidates import LEAST_VALUE, Asked, Ranked, best, everything
from foresell.predict.recommend.serving.knowledge import Exploring, Knowledge
from foresell.predict.recommend.serving.people import People
from foresell.predict.recommend.serving.request import Answer, Item, Request
from foresell.predict.recommend.serving.rerank import Shortlist, rerank
from foresell.predict.recommend.serving.surfaces import SURFACES, Scored

# So many are reranked and explored at least, and so many for each that is asked for.
LEAST_POOL = 50
POOL_A_SLOT = 5
# Where the caps let too few through, so many times more are looked at.
WIDER = 8
Doubles = NDArray[np.float64]


def answer(
    known: Knowledge,
    people: People,
    requests: Sequence[Request],
    now: datetime,
    facts: Sequence[CustomerFacts],
    with_reasons: bool = True,
) -> list[Answer]:
    """The answers to requests of one surface. `facts`: of their customers, positions of `known`."""
    if not known.assortment.size:
        return [_listed(known, request, (), ("empty_catalog",), now) for request in requests]
    scored = SURFACES[requests[0].surface](known, people, requests, now)
    asked = _asked(known, scored, requests, now, facts)
    lists: list[_List] = [_NONE] * len(asked)
    for size in {_pool_size(request) for request in requests}:
        some = [one for one in asked if _pool_size(one.request) == size]
        for one, ranked in zip(some, best(scored.opinions, some, size + _num_pins(some)), strict=True):
            lists[one.row] = _choose(known, people, one, ranked, size)
    return _answers(known, scored, requests, lists, now, with_reasons)


def _asked(
    known: Knowledge,
    scored: Scored,
    requests: Sequence[Request],
    now: datetime,
    facts: Sequence[CustomerFacts],
) -> list[Asked]:
    surface = requests[0].surface
    compiled = known.compiled(surface, now)
    asked = []
    for row, (request, of_customer) in enumerate(zip(requests, facts, strict=True)):
        rules = compiled.for_customer(of_customer)
        parts = [rules.extra, scored.without[row]] if scored.without else [rules.extra]
        if request.exclude:
            left_out = known.assortment.position_of(request.exclude)
            parts.append(left_out[left_out >= 0])
        barred = parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))
        among = scored.among[row] if scored.among else None
        ground = known.ground(surface, rules)
        asked.append(Asked(row, request, rules, ground, barred, among, scored.opinions, scored.is_filled))
    return asked


def _pool_size(request: Request) -> int:
    return max(LEAST_POOL, POOL_A_SLOT * request.k)


def _num_pins(asked: Sequence[Asked]) -> int:
    """Beside which a whole pool is wanted."""
    return max(len(one.rules.pins) for one in asked)


@dataclass(frozen=True, slots=True)
class _List:
    """`pool`: what was chosen from, best first."""

    products: Ints
    propensities: Doubles
    scores: Doubles
    pool: Ints


_NONE = _List(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int64))


def _answers(
    known: Knowledge,
    scored: Scored,
    requests: Sequence[Request],
    lists: Sequence[_List],
    now: datetime,
    with_reasons: bool,
) -> list[Answer]:
    """The lists with their reasons, all of which are found together."""
    of = np.repeat(np.arange(len(lists)), [len(one.products) for one in lists])
    products = np.concatenate([one.products for one in lists])
    codes: Sequence[str | None] = [None] * len(products)
    because = np.full(len(products), -1)
    if with_reasons:
        codes, because = scored.why(of, products, [one.pool for one in lists])
    ids = known.assortment.ids
    reasons: list[str | None] = [None] * len(because)
    told = np.flatnonzero(because >= 0)
    for at, of_model in zip(told.tolist(), because[told].tolist(), strict=True):
        reasons[at] = ids[of_model]
    given = iter(zip(codes, reasons, strict=True))
    answers = []
    for row, (request, chosen) in enumerate(zip(requests, lists, strict=True)):
        due_at = scored.due_at[row] if scored.due_at else {}
        figures = zip(
            chosen.products.tolist(), chosen.scores.tolist(), chosen.propensities.tolist(), strict=True
        )
        items = []
        for place, (product, score, propensity) in enumerate(figures):
            code, reason = next(given)
            items.append(
                Item(
                    product_id=ids[product],
                    rank=place + 1,
                    score=score,
                    propensity=propensity,
                    reason_code=None if code is None else str(code),
                    because_product_id=reason,
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
    people: People,
    request: Request,
    product_id: str,
    now: datetime,
    facts: CustomerFacts,
) -> Absence:
    """The first reason that applies: not sold, forbidden, not asked for, a cap, the score. It looks at every
    product."""
    position = int(known.assortment.position_of([product_id])[0])
    if position < 0:
        return Absence(product_id, None, (), ("not_sold",), None, None, None)
    scored = SURFACES[request.surface](known, people, [request], now)
    asked = _asked(known, scored, [request], now, [facts])[0]
    ranked = everything(asked)
    chosen = _choose(known, people, asked, ranked, _pool_size(request))
    last = float(chosen.scores[-1]) if len(chosen.scores) else None
    place = int(np.flatnonzero(ranked.positions == position)[0]) if position in ranked.positions else None
    score = None if place is None else float(ranked.values[place])
    if position in chosen.products:
        rank = 1 + int(np.flatnonzero(chosen.products == position)[0])
        return Absence(product_id, rank, (), ("shown",), None, score, last)
    by_rules = asked.rules.why(position)
    if by_rules or place is None:
        codes = ("forbidden",) if by_rules else ("not_asked_for",)
        return Absence(product_id, None, by_rules, codes, None, score, last)
    codes = ("other_order",) if place < request.k else ("lower_score",)
    return Absence(product_id, None, (), codes, place + 1, score, last)


def _shortage(found: int, k: int) -> tuple[str, ...]:
    if not found:
        return ("nothing_eligible",)
    return ("fewer_eligible",) if found < k else ()


def _choose(known: Knowledge, people: People, asked: Asked, ranked: Ranked, size: int) -> _List:
    """The pins that may stand, and the best of the rest around them, within the caps."""
    request, rules = asked.request, asked.rules
    pins = [
        (place, position)
        for place, position in rules.pins
        if place <= request.k and asked.may_show(np.array([position]))[0]
    ]
    pinned = np.asarray([position for _, position in pins], dtype=np.int64)
    wanted = request.k - len(pins)
    while True:
        rest = ranked.without(pinned) if len(pinned) else ranked
        pool = rest.first(size)
        pool_in_order = pool.positions[_order(known, people, pool, request)]
        found = _explored(known, pool, pool_in_order, wanted, request.seed, rules, pinned)
        if len(found.order_K) >= wanted or len(rest.positions) < size:
            break
        size *= WIDER
        ranked = best(asked.opinions, [asked], size + len(rules.pins))[0]
    chosen = pool_in_order[found.order_K]
    products, propensities = (
        _with_pins(chosen, found.propensity_K, pins) if pins else (chosen, found.propensity_K)
    )
    verify(rules, products)
    return _List(products, propensities, ranked.values_of(products), pool.positions)


def _order(known: Knowledge, people: People, pool: Ranked, request: Request) -> Ints:
    number = len(pool.positions)
    if known.reranking.changes_nothing or number < 2:
        return np.arange(number)
    vectors = known.content_PW[pool.positions]
    categories = known.category_P
    num_categories = int(categories.max(initial=-1)) + 1
    taken = people.past(request.customer_id).on_sale
    of_taken = categories[taken[taken >= 0]]
    wanted = np.bincount(of_taken[of_taken >= 0], minlength=num_categories).astype(np.float64)
    shortlist = Shortlist(
        scores_N=pool.values,
        likeness_NN=np.clip((vectors @ vectors.T).toarray(), 0.0, 1.0),
        novelty_N=known.novelty_P[pool.positions].astype(np.float64),
        category_N=categories[pool.positions],
        wanted_C=wanted / max(float(wanted.sum()), 1.0),
    )
    return rerank(shortlist, known.reranking, request.k)


def _explored(
    known: Knowledge, pool: Ranked, in_order: Ints, k: int, seed: int, rules: Constraints, pinned: Ints
) -> Chosen:
    """The reranked order is what exploration departs from: its scores are places."""
    policy = _policy(known, pool, in_order)
    if isinstance(policy, Best):
        order = rules.first_within(in_order, pinned, k)
        return Chosen(order, np.ones(len(order)))
    places = -np.arange(len(in_order), dtype=np.float64)
    return explore(places, k, policy, seed, rules.may_follow(in_order, pinned) if rules.caps else None)


def _policy(known: Knowledge, pool: Ranked, in_order: Ints) -> Policy:
    how: Exploring = known.exploring
    if how.policy == "epsilon":
        return Epsilon(how.epsilon)
    if how.policy == "thompson":
        values = pool.values_of(in_order)
        share = values / max(float(values.mean()), LEAST_VALUE) if len(values) else values
        prior = np.clip(how.click_rate * share, how.click_rate / 100, 0.5)
        return Thompson.of_clicks(known.clicks_P[in_order], known.shown_P[in_order], prior)
    return Best()


def _with_pins(products: Ints, propensities: Doubles, pins: list[tuple[int, int]]) -> tuple[Ints, Doubles]:
    """Pins at their places, or directly after the rest where it is too short for them."""
    if not pins:
        return products, propensities
    listed = list(zip(products.tolist(), propensities.tolist(), strict=True))
    for place, position in sorted(pins):
        listed.insert(min(place - 1, len(listed)), (position, 1.0))
    both = np.asarray(listed, dtype=np.float64).reshape(-1, 2)
    return both[:, 0].astype(np.int64), both[:, 1]
