"""What needs torch is left out where the extra `behavior` is not installed."""

import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
# The tests and the processes that they start run the same tiny training.
sys.path.insert(0, str(HERE))

WITH_TORCH = (
    "batches",
    "losses",
    "model",
    "held_out",
    "pretrain",
    "checkpoint",
    "workers",
    "gpu",
    "presets",
    "rows",
)
collect_ignore = [] if find_spec("torch") else [f"test_{name}.py" for name in WITH_TORCH]
