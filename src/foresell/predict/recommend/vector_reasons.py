"""Reasons of a sequence model for a few products: as `FittedSequenceModel.explain` finds them, but sums over
all products are taken from the best ones and a sample (`vector_opinions`)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foresell.behavior.sequences import Sequences
from foresell.predict.recommend.encoder import Encoder
from foresell.predict.recommend.leave_out import LEAST_CHANCE, NEWEST_TRIED, Variants, largest_falls, variants
from foresell.predict.recommend.rank import Floats, Ints
from foresell.predict.recommend.steps import Steps
from foresell.predict.recommend.vector_opinions import Foretold

LEAST_LOG = float(np.log(LEAST_CHANCE))


# The histories that are tried, and what comes out of each.
LeftOut = tuple[Variants, Floats]


def left_out(encoder: Encoder, sequences: Sequences, customers: Ints) -> LeftOut:
    """Of customers (rows, ascending): the history itself, then one without each of its last products."""
    found = variants(sequences, customers, encoder.model.max_length + NEWEST_TRIED)
    return found, encoder.vectors(found.sequences)


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
    kept = profiles.left_out
    whom, tried = kept if kept else (customers, left_out(encoder, profiles.sequences, customers))
    found, vectors_VD = tried
    counted = None
    if steps is not None:
        counted = steps.counted(steps.without(profiles.steps[whom[found.owners]], found.removed))
    firsts = np.append(np.flatnonzero(found.removed == 0), len(found.owners))
    ends = np.append(starts[1:], len(rows))
    is_empty = found.sequences.lengths == 0
    for place, (customer, variant) in enumerate(
        zip(customers, np.searchsorted(whom, customers), strict=True)
    ):
        span = slice(int(firsts[variant]), int(firsts[variant + 1]))
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
