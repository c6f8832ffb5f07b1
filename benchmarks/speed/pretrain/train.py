"""One epoch on the actions of FOLDER; what it took goes to standard output as JSON."""

import json
import resource
import sys
import time

import torch
from generate import arguments
from shop import products, vocabulary

from foresell.behavior.checkpoint import Checkpoint
from foresell.behavior.content import content
from foresell.behavior.hold_out import hold_out
from foresell.behavior.model import BehaviorModel, Sizes
from foresell.behavior.presets import preset
from foresell.behavior.pretrain import pretrain
from foresell.behavior.sequence_files import open_sequences
from foresell.behavior.text import load_encoder

KIB = 1024


def main() -> None:
    parser = arguments()
    parser.add_argument("--preset", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    changes = dict(change.split("=", 1) for change in given.set)
    chosen = preset(given.preset, {**changes, "max_epochs": 1})
    known = vocabulary(given.products)
    peaks = {"start": _peak()}
    told = content(products(given.products), known, load_encoder("hashed"))
    peaks["content"] = _peak()
    sequences, held_out = hold_out(open_sequences(given.folder))
    torch.manual_seed(0)
    sizes = Sizes(known.num_products, len(known.event_names), len(known.channels))
    model = BehaviorModel(chosen.model, sizes, told)
    peaks["before"] = _peak()
    wall, cpu = time.monotonic(), time.process_time()
    progress = pretrain(
        model,
        sequences,
        held_out,
        chosen.training,
        chosen.loss,
        checkpoint=Checkpoint(given.folder.with_name("state"), "benchmark"),
        say=lambda line: print(line, file=sys.stderr),
    )
    done = {
        "epoch_wall_seconds": time.monotonic() - wall,
        "epoch_cpu_seconds": time.process_time() - cpu,
        "steps": progress.step,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "curve": progress.curve,
        "peak_bytes_after": {**peaks, "epoch": _peak()},
    }
    print(json.dumps(done))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


if __name__ == "__main__":
    main()
