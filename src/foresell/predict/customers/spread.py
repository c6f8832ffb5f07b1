"""How far an amount may lie from what was foretold: between which multiples 80% of the validation lay.

Split conformal prediction by parts of like predictions (Papadopoulos et al., ECML 2002; Vovk, 2012): at least
as many are within on new customers as on those of validation, if these are like them.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from foresell.predict.customers.examples import Floats

LEVEL = 0.8
PARTS = 5
# Parts are joined rather than told from fewer rows.
LEAST_ROWS = 50


@dataclass(frozen=True)
class Spread:
    """`borders`: (P − 1,) of predictions, ascending; `lowest`, `highest`: (P,) multiples of a
    prediction."""

    borders: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    def around(self, predicted: Floats) -> tuple[Floats, Floats]:
        """(n,) and (n,): the ends of the 80% intervals."""
        part = np.searchsorted(np.array(self.borders), predicted, side="right")
        return predicted * np.array(self.lowest)[part], predicted * np.array(self.highest)[part]

    def to_table(self) -> pl.DataFrame:
        """A row a part: from (of predictions, −∞ as null), lowest, highest."""
        start = [None, *self.borders]
        return pl.DataFrame(
            {"start": start, "lowest": self.lowest, "highest": self.highest},
            {"start": pl.Float64, "lowest": pl.Float64, "highest": pl.Float64},
        )

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> Self:
        return cls(tuple(table["start"][1:]), tuple(table["lowest"]), tuple(table["highest"]))


def learn_spread(labels: Floats, predicted: Floats) -> Spread:
    """`predicted`: (n,) of validation examples, calibrated without their entity."""
    number = max(1, min(PARTS, len(labels) // LEAST_ROWS))
    borders = np.unique(np.quantile(predicted, np.linspace(0, 1, number + 1)[1:-1]))
    part = np.searchsorted(borders, predicted, side="right")
    ratio = labels / np.maximum(predicted, np.finfo(np.float64).tiny)
    ends = []
    for one in range(len(borders) + 1):
        own = ratio[part == one]
        ends.append(_ends(own if len(own) else ratio))
    return Spread(
        tuple(borders.tolist()), tuple(float(low) for low, _ in ends), tuple(float(high) for _, high in ends)
    )


def _ends(ratios: Floats) -> tuple[float, float]:
    """The quantiles with one row more on each side, as split conformal asks for."""
    tail, number = (1 - LEVEL) / 2, len(ratios)
    ordered = np.sort(ratios)
    low = max(0, int(np.floor(tail * (number + 1))) - 1)
    high = min(number - 1, int(np.ceil((1 - tail) * (number + 1))) - 1)
    return float(ordered[low]), float(ordered[high])
