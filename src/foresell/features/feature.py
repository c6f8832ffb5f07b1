"""What a feature is: a column with a plain name and a unit, so that a person can read what a model reads."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "category"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column that a model may learn from.

    name      of the column
    text      in plain words, as in "days since the last order"; `text_zh`: in Chinese
    unit      days, orders, items, share, money, …; of a category: category
    kind      number: Float64, null where not known; category: String, null where not known
    is_actionable   whether the shop could change it (a discount, not an age)
    """

    name: str
    text: str
    text_zh: str
    unit: str
    kind: Kind = "number"
    is_actionable: bool = False
