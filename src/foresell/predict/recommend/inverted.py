"""Which of millions of vectors may be a query's best: cells by direction, 8 bits a number (faiss, IVF, SQ8).

Source: Jégou, Douze and Schmid, Product quantization for nearest neighbor search, PAMI 2011 (inverted
lists); Douze et al., The faiss library, 2024. What is found is ranked again exactly, by `ExactSearch`.
"""

from dataclasses import dataclass, replace
from importlib import import_module
from math import ceil
from typing import Any

import numpy as np

from foresell.predict.recommend.exact_search import Doubles, ExactSearch, Flags, Floats, Ints

SEED = 3
MOST_LEARNED_FROM = 100_000
# Of those, the longest vectors: they are found most, and what they span must be coded.
SHARE_LONGEST = 0.1
# Looked at for an answer of k, so that what 8 bits rounded away comes back in exact ranking.
SHORTLIST, SHORTLIST_OF_K = 300, 10
# Fewer eligible ones than k times this in a shortlist, and it is made again of eligible ones only.
ENOUGH = 5
# Below a query's best, scores lie closer: so many times the shortlist then.
DEEPER = 8
# A filter that leaves less is asked while cells are searched, and all of them are.
MOST_FILTERED = 0.5
# Shares of the cells that are tried, and the recall of the least that will do.
PROBED = (1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 1.0)
RECALL, RECALL_AT = 0.99, 20
QUERIES_OF_A_KIND, VECTORS_A_MEAN, VECTORS_A_DIRECTION = 32, 5, 256
# With more dead codes, or more new ones for each learned from, it is learned again.
MOST_DEAD, MOST_GROWN = 0.25, 2.0


@dataclass(frozen=True)
class Inverted:
    """`lists`: faiss's index, whose ids are those of `position_of_id` (−1: gone since). `num_probes`: the
    cells searched for a query; `num_learned`: the vectors there were when the cells were learned.
    """

    lists: Any
    position_of_id: Ints
    num_probes: int
    num_learned: int

    @classmethod
    def of(cls, exact: ExactSearch, queries_BD: Floats | None) -> "Inverted":
        """Learned in seconds from at most MOST_LEARNED_FROM vectors; the cells to search are as many as reach
        RECALL for these queries, or for made-up ones.
        """
        faiss = _faiss()
        num, width = exact.vectors_PD.shape
        num_cells = 2 ** round(np.log2(num) / 2)
        lists = faiss.index_factory(width, f"IVF{num_cells},SQ8", faiss.METRIC_INNER_PRODUCT)
        random = np.random.default_rng(SEED)
        lists.train(_learned_from(exact.vectors_PD, random))
        lists.add(exact.vectors_PD)
        whole = cls(lists, np.arange(num), num_cells, num)
        queries = made_up_queries(exact.vectors_PD, random) if queries_BD is None else queries_BD
        return whole._with_fewest_probes(exact, queries)

    def _with_fewest_probes(self, exact: ExactSearch, queries_BD: Floats) -> "Inverted":
        _, best = exact.top(queries_BD, RECALL_AT)
        for share in PROBED:
            tried = replace(self, num_probes=max(1, round(share * self.lists.nlist)))
            answers = [tried.top(exact, query, RECALL_AT, None)[1] for query in queries_BD]
            if recall(np.concatenate(answers), best) >= RECALL:
                return tried
        return self

    def updated(self, origins_P: Ints, new_ND: Floats, num_before: int) -> "Inverted | None":
        """With the products in another order, some gone, some new; None: time to learn again. See
        `VectorIndex.updated`.
        """
        is_new = origins_P < 0
        now_at = np.full(num_before, -1, np.int64)
        now_at[origins_P[~is_new]] = np.flatnonzero(~is_new)
        kept = np.where(self.position_of_id < 0, -1, now_at[self.position_of_id])
        position_of_id = np.concatenate([kept, np.flatnonzero(is_new)])
        is_dead = np.count_nonzero(position_of_id < 0) > MOST_DEAD * len(position_of_id)
        if is_dead or len(position_of_id) > MOST_GROWN * self.num_learned:
            return None
        lists = self.lists
        if len(new_ND):
            lists = _faiss().clone_index(lists)
            lists.add(new_ND)
        return replace(self, lists=lists, position_of_id=position_of_id)

    def top(
        self,
        exact: ExactSearch,
        query_D: Floats,
        k: int,
        allowed_P: Flags | None,
        bias_P: Doubles | None = None,
    ) -> tuple[Ints, Floats]:
        """Positions (1, k) and scores, as `ExactSearch.top`, but for a few that may be missed; k where k are
        allowed.
        """
        positions = self._candidates(query_D, k, len(exact.vectors_PD), allowed_P)
        rows = np.zeros(len(positions), np.int64)
        return exact.ranked(query_D[None], rows, positions, k, bias_P)

    def _candidates(self, query_D: Floats, k: int, num_products: int, allowed_P: Flags | None) -> Ints:
        num = SHORTLIST + SHORTLIST_OF_K * k
        eligible = num_products if allowed_P is None else np.count_nonzero(allowed_P)
        share = eligible / len(self.position_of_id)
        if share >= MOST_FILTERED:
            positions = self._probe(query_D, ceil(num / share), self.num_probes)
            positions = positions if allowed_P is None else positions[allowed_P[positions]]
            if len(positions) >= min(ENOUGH * k, eligible):
                return positions
        return self._probe(query_D, DEEPER * num, self.lists.nlist, self._eligible_ids(allowed_P))

    def _eligible_ids(self, allowed_P: Flags | None) -> Flags:
        is_there = self.position_of_id >= 0
        if allowed_P is not None:
            is_there &= allowed_P[self.position_of_id]
        return is_there

    def _probe(self, query_D: Floats, num: int, num_probes: int, eligible: Flags | None = None) -> Ints:
        """Positions of those best by 8 bits; with every cell and a filter, `num` or all there are."""
        faiss = _faiss()
        selector = None
        if eligible is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(eligible, bitorder="little"))
        how = faiss.SearchParametersIVF(nprobe=num_probes, sel=selector)
        _, found = self.lists.search(query_D[None], min(num, self.lists.ntotal), params=how)
        positions = self.position_of_id[found[0][found[0] >= 0]]
        kept: Ints = positions[positions >= 0]
        return kept


def _faiss() -> Any:
    """Its stubs do not say what its Python wrappers take."""
    return import_module("faiss")


def recall(scores_BK: Floats, best_BK: Floats) -> float:
    """The share of answers that are as good as the k-th best (equally good ones count); 1 where none is."""
    is_wanted = best_BK > -np.inf
    worst = np.where(is_wanted, best_BK, np.inf).min(axis=1, keepdims=True)
    num_found = np.minimum((scores_BK >= worst).sum(axis=1), is_wanted.sum(axis=1)).sum()
    num_wanted = int(is_wanted.sum())
    return float(num_found) / num_wanted if num_wanted else 1.0


def made_up_queries(vectors_PD: Floats, random: np.random.Generator) -> Floats:
    """What customers may ask: means of a few products, and directions that vary as the products do."""
    num = len(vectors_PD)
    means = vectors_PD[random.integers(num, size=(QUERIES_OF_A_KIND, VECTORS_A_MEAN))].mean(axis=1)
    weights = random.standard_normal((QUERIES_OF_A_KIND, VECTORS_A_DIRECTION), dtype=np.float32)
    directions = weights @ vectors_PD[random.integers(num, size=VECTORS_A_DIRECTION)]
    return np.concatenate([means, directions]).astype(np.float32)


def _learned_from(vectors_PD: Floats, random: np.random.Generator) -> Floats:
    num = min(len(vectors_PD), MOST_LEARNED_FROM)
    num_longest = int(num * SHARE_LONGEST)
    squares = np.einsum("pd,pd->p", vectors_PD, vectors_PD)
    longest = np.argpartition(squares, len(squares) - num_longest)[len(squares) - num_longest :]
    others = random.choice(len(vectors_PD), num - num_longest, replace=False)
    return vectors_PD[np.union1d(longest, others)]
