"""Reasons of a sequence model for a few products: as `FittedSequenceModel.explain` finds them, but sums over
all products are taken from the best ones and a sample (`vector_opinions`)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foresell.predict.recommend.encoder import Encoder
from foresell.predict.recommend.leave_out import LEAST_CHANCE, NEWEST_TRIED, largest_falls, variants
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.steps import Steps
from foresell.predict.recommend.vector_opinions import Foretold

LEAST_LOG = float(np.log(LEAST_CHANCE))


def because_of(
    encoder: Encoder,
    steps: Steps | None,
    profiles: Any,
    opinions: Foretold,
    rows: Ints,
    products: Ints,
    best: Sequence[Ints],
) -> Ints:
    """(R,) of customers (rows, ascending) and products the position of the product without which the chance
    falls most; −1: it falls without none. `best`: of each row of the profiles the best products."""
    because = np.full(len(products), -1, np.int64)
    customers, starts = np.unique(rows, return_index=True)
    if not len(customers):
        return because
    found = variants(profiles.sequences, customers, encoder.model.max_length + NEWEST_TRIED)
    vectors_VD = encoder.vectors(found.sequences)
    counted = None
    if steps is not None:
        counted = steps.counted(steps.without(profiles.steps[customers[found.owners]], found.removed))
    firsts = np.append(np.flatnonzero(found.removed == 0), len(found.owners))
    ends = np.append(starts[1:], len(rows))
    is_empty = found.sequences.lengths == 0
    for place, customer in enumerate(customers):
        span = slice(int(firsts[place]), int(firsts[place + 1]))
        asked = products[starts[place] : ends[place]]
        logs_VM = vectors_VD[span] @ encoder.index.vectors(asked).T.astype(np.float64)
        sums_V = encoder.sampled.log_sums(vectors_VD[span], np.union1d(best[int(customer)], asked))
        if counted is not None:
            # What the sample errs by is about the same with and without a product.
            sums_V = sums_V + opinions.log_sums_B[customer] - sums_V[0]
        logs_VM -= sums_V[:, None]
        if counted is not None:
            for row in range(len(logs_VM)):
                logs_VM[row] = counted.mixed(span.start + row, asked, logs_VM[row])
        logs_VM[is_empty[span]] = -np.inf
        which = largest_falls(np.maximum(logs_VM, LEAST_LOG), np.zeros(1, np.int64))[0]
        because[starts[place] : ends[place]] = found.removed[span][which] - 1
    return because
