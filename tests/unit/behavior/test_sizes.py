"""What the docs say of the presets' sizes is what they are."""

from pathlib import Path

import numpy as np

from foresell.behavior.content import Content
from foresell.behavior.model import BehaviorModel, Sizes
from foresell.behavior.presets import PRESETS
from foresell.behavior.sizes import GIB, NUM_CHANNELS, NUM_EVENTS, NUM_LABELS, TEXT_WIDTH, needs, table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "behavior.md"
HOW = "python -m foresell.behavior.sizes gives the rows"


def test_the_docs_know_every_preset_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for line in table(200_000, 1):
        assert line in text, HOW
    large = [f"{needs(PRESETS['large'], 1_000_000, number).total / GIB:.0f}" for number in (1, 2, 4, 8, 16)]
    assert f"| GiB each | {' | '.join(large)} |" in text


def test_parameters_are_those_of_the_model() -> None:
    num = 7
    content = Content(
        np.arange(num + 2),
        np.ones(num + 1, np.int64),
        tuple(f"label {n}" for n in range(NUM_LABELS)),
        np.ones(num + 1, np.int64),
        np.arange(19.0),
        np.zeros((num + 1, TEXT_WIDTH), np.float32),
    )
    model = BehaviorModel(PRESETS["tiny"].model, Sizes(num, NUM_EVENTS, NUM_CHANNELS), content)
    found = needs(PRESETS["tiny"], num)
    assert found.of_products + found.of_rest == sum(one.numel() for one in model.parameters())
