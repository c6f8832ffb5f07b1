"""How large a preset is, and what it takes to train: computed from its configs, nothing is allocated.

    python -m foresell.behavior.sizes [PRODUCTS [PROCESSES]]

writes the table of docs/behavior.md. Memory is that of one process, in float32: an upper bound where half
precision is used. Every process holds the whole model; they share the batch.
"""

import sys
from dataclasses import dataclass

import numpy as np
import torch

from foresell.behavior.content import Content
from foresell.behavior.model import BehaviorModel, Sizes
from foresell.behavior.presets import PRESETS, Preset

GIB = 2**30
BYTES = 4
# Weights, gradients, the two moments of AdamW, the average and its best so far; and the gradients laid end to
# end where several processes add them up.
COPIES_ALONE, COPIES_TOGETHER = 6, 7
# Scores of the target and the negatives: raw, masked, put together, as log-probabilities; and their gradient.
COPIES_OF_SCORES = 5
TEXT_WIDTH, NUM_LABELS, NUM_EVENTS, NUM_CHANNELS = 512, 1_000, 20, 5


@dataclass(frozen=True, slots=True)
class Needs:
    """Parameters `of_products` (their ids' vectors) and `of_rest`; bytes of one process: for the parameters
    and what is kept for each (`state`), for text vectors, and for one batch (`batch`)."""

    of_products: int
    of_rest: int
    state: int
    texts: int
    batch: int

    @property
    def total(self) -> int:
        return self.state + self.texts + self.batch


def needs(chosen: Preset, num_products: int, num_processes: int = 1) -> Needs:
    """For a catalog of 1,000 labels, with texts, and a shop of 20 kinds of events and 5 channels."""
    of_products = num_products * chosen.model.width if chosen.model.use_ids else 0
    of_rest = _num_beside_products(chosen)
    copies = COPIES_ALONE if num_processes == 1 else COPIES_TOGETHER
    return Needs(
        of_products,
        of_rest,
        (of_products + of_rest) * copies * BYTES,
        num_products * TEXT_WIDTH * BYTES if chosen.model.use_text else 0,
        _of_a_batch(chosen) // num_processes,
    )


def _num_beside_products(chosen: Preset) -> int:
    """Counted in the model itself, made without memory and without products."""
    content = Content(
        np.zeros(2, np.int64),
        np.zeros(0, np.int64),
        tuple(f"label {number}" for number in range(NUM_LABELS)),
        np.ones(1, np.int64),
        np.zeros(19),
        np.zeros((1, TEXT_WIDTH), np.float32),
    )
    with torch.device("meta"):
        model = BehaviorModel(chosen.model, Sizes(0, NUM_EVENTS, NUM_CHANNELS), content)
    return sum(parameter.numel() for parameter in model.parameters())


def _of_a_batch(chosen: Preset) -> int:
    """Bytes that the forward pass leaves for the backward pass, of a batch of windows of full length."""
    config = chosen.model
    width, hidden = config.width, int(config.feed_forward * config.width)
    # Attention: two normalizations, queries, keys, values, the turned ones, what was found, three sums.
    # Its weights a head and pair of positions: bias, masked bias, scores, softmax, dropout.
    a_layer = 13 * width + 5 * hidden + 5 * config.num_heads * config.max_length
    a_token = config.num_layers * a_layer + 6 * width + 2 * config.max_length
    scores = COPIES_OF_SCORES * (chosen.loss.num_negatives + 1)
    return chosen.training.batch_size * config.max_length * (a_token + scores) * BYTES


def table(num_products: int, num_processes: int) -> list[str]:
    """The presets as lines of Markdown."""
    lines = [
        "| preset | width × layers | parameters of products | other parameters | memory of one process |",
        "|---|---|---|---|---|",
    ]
    for name, chosen in PRESETS.items():
        found = needs(chosen, num_products, num_processes)
        lines.append(
            f"| `{name}` | {chosen.model.width} × {chosen.model.num_layers} | {found.of_products:,} | "
            f"{found.of_rest:,} | {found.total / GIB:.1f} GiB |"
        )
    return lines


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:3]]
    num_products, num_processes = [*given, *(200_000, 1)[len(given) :]]
    sys.stdout.write("\n".join(table(num_products, num_processes)) + "\n")
