"""What training is stopped by: the products that customers really took next, which it never learns from."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foresell.behavior.batches import history_batches
from foresell.behavior.model import SequenceModel
from foresell.behavior.sequences import Sequences
from foresell.behavior.workers import ALONE, Workers
from foresell.contracts.errors import BackendError

CUSTOMERS_AT_ONCE = 256
SCORES_AT_ONCE = 16_000_000
PRODUCTS_AT_ONCE = 16_384
BE_CAREFUL = "Lower the learning rate (a tenth of it is a good try), or train in float32."


@dataclass(frozen=True)
class HeldOut:
    """`histories` of C customers, and the one product that each took next, (C,) indices, 0: none to judge.

    `repeats`: whether products of the history may come again; else they are never among the ranked.
    """

    histories: Sequences
    targets: NDArray[np.int64]
    repeats: bool = True


def target_ranks(model: SequenceModel, held_out: HeldOut, workers: Workers = ALONE) -> NDArray[np.int64]:
    """(C,) the place of each target among all products, from 0; equal scores: by index. −1: not judged.

    Several processes share the customers, and all of them get all ranks. Raises BackendError where a score is
    no number.
    """
    ranks = torch.zeros(len(held_out.targets), dtype=torch.int64)
    is_training = model.training
    model.eval()
    at_once = max(1, min(CUSTOMERS_AT_ONCE, SCORES_AT_ONCE // (model.num_products + 1)))
    batches = history_batches(held_out.histories, model.max_length, at_once)
    with torch.no_grad():
        vectors_PD = all_vectors(model)
        for customers, batch in islice(batches, workers.rank, None, workers.number):
            targets_B = torch.from_numpy(held_out.targets[customers]).to(workers.device)
            scores_BP = model.last_hidden(batch.to(workers.device)) @ vectors_PD.T
            if not held_out.repeats:
                before = _taken_before(held_out.histories, customers)
                wanted_B1 = scores_BP.gather(1, targets_B[:, None])
                scores_BP[before] = -torch.inf
                scores_BP.scatter_(1, targets_B[:, None], wanted_B1)
            ranks[torch.from_numpy(customers)] = 1 + _places(scores_BP, targets_B).cpu()
    model.train(is_training)
    found: NDArray[np.int64] = workers.add_up(ranks.to(workers.device)).cpu().numpy() - 1
    return found


def all_vectors(model: SequenceModel) -> Tensor:
    """(P + 1, D) of all products, made in pieces: what they are made of is several times as large."""
    device = next(model.parameters()).device
    pieces = torch.arange(model.num_products + 1, device=device).split(PRODUCTS_AT_ONCE)
    return torch.cat([model.products(indices_N) for indices_N in pieces])


def _places(scores_BP: Tensor, targets_B: Tensor) -> Tensor:
    """(B,) products before the target; −1 where there is none."""
    wanted_B1 = scores_BP.gather(1, targets_B[:, None])
    # Every comparison with NaN is false: a broken model would put all targets first.
    if not bool(wanted_B1[targets_B > 0].isfinite().all()):
        raise BackendError(
            "The model lost its way: a score of a product is no number",
            do=BE_CAREFUL,
        )
    scores_BP[:, 0] = -torch.inf
    is_before_BP = scores_BP > wanted_B1
    lower_BP = torch.arange(scores_BP.shape[1], device=scores_BP.device) < targets_B[:, None]
    is_before_BP |= (scores_BP == wanted_B1) & lower_BP
    return torch.where(targets_B > 0, is_before_BP.sum(1), -1)


def _taken_before(histories: Sequences, customers: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Rows and columns of the products in the customers' whole histories."""
    begins, lengths = histories.offsets[customers], histories.lengths[customers]
    rows = np.repeat(np.arange(len(customers)), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    products = histories.product[begins[rows] + within].astype(np.int64)
    return torch.from_numpy(rows), torch.from_numpy(products)


def recall_and_ndcg(ranks: NDArray[np.int64], k: int) -> tuple[float, float]:
    """Means over the judged, of one relevant product each; NaN where nobody is judged."""
    judged = ranks[ranks >= 0]
    if not len(judged):
        return float("nan"), float("nan")
    is_hit = judged < k
    return float(is_hit.mean()), float((is_hit / np.log2(judged + 2)).mean())
