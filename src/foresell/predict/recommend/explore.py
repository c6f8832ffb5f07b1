"""Shows something else now and then, by a chance that is known: the only way to learn what was never shown.

A list is drawn slot by slot. A slot's propensity is the chance with which its product was drawn, given the
slots before it; their product is the chance of the list. What may still follow is called the pool.

    Best       the best of the pool, always; propensity 1
    Epsilon    with chance `rate` any of the pool, each alike; else the best
    Thompson   the largest of one fresh draw from each candidate's posterior click rate (Thompson, 1933;
               Chapelle and Li, NeurIPS 2011); the chances by quadrature (`beta_maximum`), not by simulation

Thompson draws afresh for every slot: one draw for the whole list has no closed conditional chance once caps
hold. The score plays no part in it but where the prior is made from scores.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# Positions chosen so far, in order → (N,) which candidates may stand next; those chosen never stand again.
MayFollow = Callable[[Ints], Bools]
# The pool → the chance of each candidate, 0 outside the pool.
_Chances = Callable[[Bools], Floats]


@dataclass(frozen=True, slots=True)
class Best:
    """No exploration."""


@dataclass(frozen=True, slots=True)
class Epsilon:
    rate: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise InputError("Epsilon is a chance", received=self.rate, do="Give a number from 0 to 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Thompson:
    """Posteriors Beta(alpha, beta) of the click rates, both (N,) and above 0."""

    alpha_N: Floats
    beta_N: Floats

    def __post_init__(self) -> None:
        both = np.array([self.alpha_N, self.beta_N], dtype=np.float64)
        if not (np.isfinite(both) & (both > 0)).all():
            raise InputError(
                "A Beta distribution has two numbers above 0",
                received=f"{int((~(np.isfinite(both) & (both > 0))).any(axis=0).sum())} candidates without",
                do="Make them by `click_posterior`.",
            )

    @classmethod
    def of_clicks(
        cls, clicks_N: ArrayLike, shown_N: ArrayLike, prior_rate: ArrayLike, prior_shown: float = 100.0
    ) -> Self:
        """`clicks_N` of `shown_N` times, added to `prior_shown` imagined ones of which `prior_rate` clicked.

        `prior_rate`: one number, or one for each candidate, above 0 and below 1. InputError otherwise, and
        for more clicks than there were showings.
        """
        clicks, shown = np.asarray(clicks_N, np.float64), np.asarray(shown_N, np.float64)
        rate = np.asarray(prior_rate, np.float64)
        if not ((rate > 0) & (rate < 1)).all() or not prior_shown > 0:
            raise InputError(
                "A prior click rate lies between 0 and 1, and counts for something",
                received=f"{rate.min():g} to {rate.max():g}, counting {prior_shown:g}",
                do="Give the shop's mean click rate.",
            )
        if not ((clicks >= 0) & (clicks <= shown)).all():
            raise InputError(
                "More clicks than showings",
                received=f"{int((~((clicks >= 0) & (clicks <= shown))).sum())} candidates",
                do="Count a showing once, and its click once.",
            )
        return cls(clicks + prior_shown * rate, shown - clicks + prior_shown * (1 - rate))


Policy = Best | Epsilon | Thompson


@dataclass(frozen=True, slots=True)
class Chosen:
    """`order_K`: positions of the candidates in the order to be shown, each once; `propensity_K` in (0, 1]:
    the chance of each given those before it. K is k, or less where nothing more may follow."""

    order_K: Ints
    propensity_K: Floats


def explore(
    scores_N: ArrayLike, k: int, policy: Policy, seed: int, may_follow: MayFollow | None = None
) -> Chosen:
    """Draws a list of `k` from N eligible candidates; the same for the same input and seed.

    `scores_N`: higher is better, equal ones by position. `may_follow`: the rules' caps, asked before each
    slot. Thompson takes some 5 ms for 200 candidates and 50 slots (20 ms after millions of clicks on each).
    """
    scores = _scores(scores_N)
    random = np.random.default_rng(seed)
    order: list[int] = []
    propensity: list[float] = []
    most = min(k, len(scores))
    for chance_N in _slots(scores, policy, may_follow, order):
        if len(order) >= most:
            break
        drawn = _draw(chance_N, random.random())
        order.append(drawn)
        propensity.append(float(chance_N[drawn]))
    return Chosen(np.array(order, dtype=np.int64), np.array(propensity, dtype=np.float64))


def _draw(chance_N: Floats, share: float) -> int:
    """Only what has a chance is drawn from, so that rounding cannot draw anything else."""
    possible = np.flatnonzero(chance_N)
    sums = np.cumsum(chance_N[possible])
    place = int(np.searchsorted(sums, share * sums[-1], side="right"))
    return int(possible[min(place, len(possible) - 1)])


def propensities(
    scores_N: ArrayLike, order_K: ArrayLike, policy: Policy, may_follow: MayFollow | None = None
) -> Floats:
    """(K,) the chances with which `policy` would have drawn each slot of a given list, after those before it.

    0 where it never would have. With them a log of one policy judges another (`evaluation.off_policy`).
    """
    scores, given = _scores(scores_N), np.asarray(order_K, np.int64)
    order: list[int] = []
    found = np.zeros(len(given))
    for slot, chance_N in zip(range(len(given)), _slots(scores, policy, may_follow, order), strict=False):
        found[slot] = chance_N[given[slot]]
        order.append(int(given[slot]))
    return found


def _scores(scores_N: ArrayLike) -> Floats:
    scores = np.asarray(scores_N, np.float64)
    if scores.ndim != 1 or np.isnan(scores).any():
        raise InputError("Each candidate has one score", received=f"shape {scores.shape}, or NaN in it")
    return scores


def _slots(
    scores_N: Floats, policy: Policy, may_follow: MayFollow | None, order: list[int]
) -> Iterator[Floats]:
    """The chances of the next slot, after what `order` holds by then; ends where nothing may follow."""
    if not len(scores_N):
        return
    chances = _chances(scores_N, policy)
    while True:
        pool_N = np.ones(len(scores_N), dtype=bool)
        if may_follow is not None:
            pool_N &= np.asarray(may_follow(np.array(order, dtype=np.int64)), dtype=bool)
        pool_N[order] = False
        if not pool_N.any():
            return
        yield chances(pool_N)


def _chances(scores_N: Floats, policy: Policy) -> _Chances:
    if isinstance(policy, Thompson):
        return _thompson(policy, len(scores_N))
    rate = policy.rate if isinstance(policy, Epsilon) else 0.0
    place_N = np.empty(len(scores_N), dtype=np.int64)
    place_N[np.argsort(-scores_N, kind="stable")] = np.arange(len(scores_N))

    def of_pool(pool_N: Bools) -> Floats:
        chance_N = pool_N * (rate / int(pool_N.sum()))
        chance_N[np.argmin(np.where(pool_N, place_N, len(place_N)))] += 1 - rate
        return np.asarray(chance_N)

    return of_pool


def _thompson(policy: Thompson, num_candidates: int) -> _Chances:
    if policy.alpha_N.shape != (num_candidates,) or policy.beta_N.shape != (num_candidates,):
        raise InputError(
            "Thompson needs a posterior for each candidate",
            received=f"{len(policy.alpha_N)} and {len(policy.beta_N)} for {num_candidates} candidates",
            do="Give them in the candidates' order.",
        )
    # scipy is loaded here: serving without exploration does not need it.
    from foresell.predict.recommend.beta_maximum import BetaMaximum

    largest = BetaMaximum.of(policy.alpha_N, policy.beta_N)
    return largest.chances
