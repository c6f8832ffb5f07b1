"""One contestant at one size in a process of its own; what it took goes to standard output as JSON.

python -m benchmarks.speed.recommend.contestants CONTESTANT --products N --vectors KIND --batch B
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from benchmarks.speed.recommend.vectors import allowed_to, customers, forbidden_to_all, products, sessions

from foresell.predict.recommend.exact_search import Flags, Floats
from foresell.predict.recommend.index import VectorIndex

K = 20
NUM_QUERIES, NUM_WARM, NUM_RECALLED = 1_024, 32, 128
KIB = 1024


@dataclass(frozen=True)
class Contestant:
    """`answer(first, masks)`: positions of the k best for the customers from `first` on, one a row of the
    masks (B, P); `by_vectors`: by the largest inner products, so that the answer can be judged; `recall`: as
    it judged itself.
    """

    answer: Callable[[int, Flags], Any]
    by_vectors: bool = True
    recall: float | None = None


def index(vectors: Floats, asked: Floats) -> Contestant:
    made = VectorIndex.of(vectors)

    def answer(first: int, masks: Flags) -> Any:
        return made.search(asked[first : first + len(masks)], K, masks)[0]

    return Contestant(answer)


def plain_numpy(vectors: Floats, asked: Floats) -> Contestant:
    """As anybody would write it: all scores, the forbidden masked, the k largest."""

    def answer(first: int, masks: Flags) -> Any:
        scores = asked[first : first + len(masks)] @ vectors.T
        scores[~masks] = -np.inf
        best = np.argpartition(scores, scores.shape[1] - K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        return np.take_along_axis(best, order, axis=1)

    return Contestant(answer)


def session_knn(vectors: Floats, asked: Floats) -> Contestant:
    """Our VMIS-kNN over made-up sessions: score, mask and top k, without frames and reasons."""
    from foresell.predict.recommend.models.session_knn import SessionKNNConfig, fit
    from foresell.predict.recommend.rank import top_k

    taken = sessions(len(vectors))
    fitted = fit(taken, SessionKNNConfig())
    people = pl.Series("customer_id", [str(number) for number in range(len(asked))]).sort()
    profiles = fitted.profiles(people, taken.filter(pl.col("customer_id").is_in(people.implode())))
    known = fitted.catalog.size

    def answer(first: int, masks: Flags) -> Any:
        scores = fitted.score(profiles[first : first + len(masks)])
        scores[~masks[:, :known]] = -np.inf
        return top_k(scores, K)[1]

    return Contestant(answer, by_vectors=False)


def whole_answer(model: str) -> Callable[[Floats, Floats], Contestant]:
    """The serving core with its own rules and customers, who do not ask twice."""

    def make(vectors: Floats, asked: Floats) -> Contestant:
        from benchmarks.speed.recommend.answers import answering

        made = answering(model, vectors, K)

        def answer(first: int, masks: Flags) -> Any:
            found = made.answer(first, len(masks))
            assert all(len(one) == K for one in found)
            return found

        return Contestant(answer, by_vectors=False, recall=made.recall)

    return make


CONTESTANTS: dict[str, Callable[[Floats, Floats], Contestant]] = {
    "index": index,
    "numpy": plain_numpy,
    "session_knn": session_knn,
    "answer by session_knn": whole_answer("session_knn"),
    "answer by behavior": whole_answer("behavior"),
    "answer by behavior+counts": whole_answer("behavior+counts"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("--products", type=int, required=True)
    parser.add_argument("--vectors", required=True)
    parser.add_argument("--batch", type=int, required=True)
    given = parser.parse_args()
    vectors = products(given.vectors, given.products)
    asked = customers(given.vectors, vectors, NUM_QUERIES + NUM_WARM)
    forbidden = forbidden_to_all(given.products)
    started = time.perf_counter()
    contestant = CONTESTANTS[given.contestant](vectors, asked)
    built = time.perf_counter() - started
    if not contestant.by_vectors:
        # What has its own copy, or none, must not be charged for this one.
        vectors = vectors[:0].copy()
    times, of_processor = _times(contestant, forbidden, given.batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    p50, p90, p99 = np.percentile(times, [50, 90, 99])
    told = {"p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "build_seconds": built, "peak_bytes": peak}
    told["p90_processor_ms"] = float(np.percentile(of_processor, 90))
    recall = contestant.recall
    if contestant.by_vectors:
        recall = _recall(contestant, vectors, asked, forbidden)
    print(json.dumps({**told, "recall": recall}))


def _recall(contestant: Contestant, vectors: Floats, asked: Floats, forbidden: Flags) -> float:
    """The share of each customer's k allowed products of the largest inner products (float64) that are found;
    a forbidden product among them ends the run.
    """
    shares = []
    for customer in range(NUM_RECALLED):
        allowed = allowed_to(customer, forbidden)
        found = contestant.answer(customer, allowed[None])[0]
        assert allowed[found].all()
        scores = np.where(allowed, vectors @ asked[customer], -np.inf)
        near = np.argpartition(scores, len(scores) - 2 * K)[-2 * K :]
        exact = vectors[near].astype(np.float64) @ asked[customer].astype(np.float64)
        shares.append(len(np.intersect1d(found, near[np.argsort(-exact)[:K]])) / K)
    return float(np.mean(shares))


def _times(contestant: Contestant, forbidden: Flags, batch: int) -> tuple[list[float], list[float]]:
    """Milliseconds a customer, one number a call, by the clock and of the processor; every customer asks
    once, filters are made before."""
    times, of_processor = [], []
    for first in range(0, NUM_QUERIES + NUM_WARM, batch):
        masks = np.stack([allowed_to(first + row, forbidden) for row in range(batch)])
        started, worked = time.perf_counter(), time.thread_time()
        contestant.answer(first, masks)
        took = 1_000 * (time.perf_counter() - started) / batch
        if first >= NUM_WARM:
            times.append(took)
            of_processor.append(1_000 * (time.thread_time() - worked) / batch)
    return times, of_processor


if __name__ == "__main__":
    main()
