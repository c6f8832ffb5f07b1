"""The settings of boosted that are tried: its own first, then as many as asked for, the same in every run."""

import random
from typing import Any

BOOSTED = "boosted"
CHOICES: dict[str, tuple[Any, ...]] = {
    "weight": (0.0, 0.5, 1.0),
    "learning_rate": (0.03, 0.05, 0.1),
    "num_leaves": (15, 31, 63, 127),
    "min_rows_in_leaf": (20, 50, 100, 300),
    "column_share": (0.4, 0.6, 0.9),
    "row_share": (0.5, 0.7, 0.9),
    "max_rounds": (300, 600, 1_000),
}


def settings_of_trial(number: int) -> dict[str, Any]:
    drawn = random.Random(number)  # noqa: S311 - the same settings in every run
    return {name: drawn.choice(values) for name, values in CHOICES.items()}
