"""What training is stopped by: the products that customers really took next, which it never learns from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foresell.behavior.batches import history_batches
from foresell.behavior.model import SequenceModel
from foresell.behavior.sequences import Sequences

CUSTOMERS_AT_ONCE = 256


@dataclass(frozen=True)
class HeldOut:
    """`histories` of C customers, and the one product that each took next, (C,) indices, 0: none to judge.

    `repeats`: whether products of the history may come again; else they are never among the ranked.
    """

    histories: Sequences
    targets: NDArray[np.int64]
    repeats: bool = True


def target_ranks(model: SequenceModel, held_out: HeldOut, device: torch.device) -> NDArray[np.int64]:
    """(C,) the place of each target among all products, from 0; equal scores: by index. −1: not judged."""
    ranks = np.full(len(held_out.targets), -1, dtype=np.int64)
    is_training = model.training
    model.eval()
    with torch.no_grad():
        vectors_PD = model.products()
        for customers, batch in history_batches(held_out.histories, model.max_length, CUSTOMERS_AT_ONCE):
            targets_B = torch.from_numpy(held_out.targets[customers]).to(device)
            scores_BP = model.last_hidden(batch.to(device)) @ vectors_PD.T
            wanted_B1 = scores_BP.gather(1, targets_B[:, None])
            scores_BP[:, 0] = -torch.inf
            if not held_out.repeats:
                scores_BP[_taken_before(held_out.histories, customers)] = -torch.inf
            places = torch.arange(scores_BP.shape[1], device=device)
            is_before = (scores_BP > wanted_B1) | ((scores_BP == wanted_B1) & (places < targets_B[:, None]))
            found = torch.where(targets_B > 0, is_before.sum(1), -1)
            ranks[customers] = found.cpu().numpy()
    model.train(is_training)
    return ranks


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
