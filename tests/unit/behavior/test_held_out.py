"""Ranks of what was really taken next, against counting them one by one."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from training_run import sequences_of

from foresell.behavior.batches import Batch
from foresell.behavior.held_out import HeldOut, recall_and_ndcg, target_ranks
from foresell.behavior.model import SequenceModel
from foresell.contracts.errors import BackendError

P, D = 5, 2
SMALL = st.integers(-2, 2)
VECTORS = st.lists(st.lists(SMALL, min_size=D, max_size=D), min_size=P + 1, max_size=P + 1)
PRODUCT = st.integers(0, P)
CUSTOMERS = st.lists(st.tuples(st.lists(PRODUCT, max_size=6), PRODUCT), min_size=1, max_size=8)


class _Vectors(nn.Module):
    def __init__(self, vectors: list[list[int]]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(vectors, dtype=torch.float32))

    def forward(self, indices: Tensor | None = None) -> Tensor:
        return self.weight if indices is None else self.weight[indices]


class SumOfHistory(SequenceModel):
    """Whole numbers all through, so that equal scores are equal to the last bit."""

    def __init__(self, vectors: list[list[int]]) -> None:
        super().__init__(P, max_length=4)
        self.products = _Vectors(vectors)

    def encode(self, batch: Batch) -> Tensor:
        return (self.products(batch.product_BL) * batch.is_action_BL[:, :, None]).cumsum(1)


def counted(vectors: list[list[int]], history: list[int], target: int, repeats: bool) -> int:
    if not history or not target:
        return -1
    hidden = np.sum([vectors[product] for product in history[-4:]], axis=0)
    scores = {product: float(np.dot(hidden, vectors[product])) for product in range(1, P + 1)}
    ranked = [one for one in scores if one == target or repeats or one not in history]
    return sorted(ranked, key=lambda one: (-scores[one], one)).index(target)


@settings(max_examples=100)
@given(VECTORS, CUSTOMERS, st.booleans())
def test_ranks_are_those_counted_one_by_one(
    vectors: list[list[int]], customers: list[tuple[list[int], int]], repeats: bool
) -> None:
    histories = [history for history, _ in customers]
    targets = np.array([target for _, target in customers], np.int64)
    ranks = target_ranks(SumOfHistory(vectors), HeldOut(sequences_of(histories), targets, repeats))
    assert ranks.tolist() == [counted(vectors, *customer, repeats) for customer in customers]


def test_a_model_in_training_stays_in_it() -> None:
    model = SumOfHistory([[1, 1]] * (P + 1)).train()
    target_ranks(model, HeldOut(sequences_of([[1]]), np.array([2])))
    assert model.training


def test_a_score_that_is_no_number_is_no_success() -> None:
    model = SumOfHistory([[1, 1]] * (P + 1))
    with torch.no_grad():
        model.products.weight[3] = math.nan
    with pytest.raises(BackendError, match="no number"):
        target_ranks(model, HeldOut(sequences_of([[1], [3]]), np.array([2, 2])))


def test_recall_and_ndcg_are_means_over_the_judged() -> None:
    recall, ndcg = recall_and_ndcg(np.array([0, 2, -1, 10, 9]), 10)
    assert recall == pytest.approx(3 / 4)
    assert ndcg == pytest.approx((1 + 1 / 2 + 1 / math.log2(11)) / 4)
    assert all(map(math.isnan, recall_and_ndcg(np.array([-1]), 10)))
