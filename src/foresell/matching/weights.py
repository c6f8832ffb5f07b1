"""How much an agreement says: the match weights of Fellegi and Sunter (1969), estimated from the data.

For each field and level, m is the probability of the level among pairs that are one person, u among pairs
that are not; the weight is log2(m / u). u comes from random pairs, which are hardly ever one person; m and
the share of pairs that are one person from expectation maximization (Winkler 1988) with u held fixed. Fields
count as independent given the truth; a field that either side lacks says nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

UNKNOWN = -1
NUM_STEPS = 50
# What is thought of m before any pair is seen weighs as much as so many pairs.
BELIEF_PAIRS = 10.0


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is compared. `levels`: from different to the same.

    `expected`: m of each, before any pair is seen.
    """

    name: str
    levels: tuple[str, ...]
    expected: tuple[float, ...]


@dataclass(frozen=True)
class Weights:
    """`m`, `u`: field → probability of each of its levels. `share`: of all pairs, those of one person."""

    fields: tuple[Field, ...]
    m: Mapping[str, tuple[float, ...]]
    u: Mapping[str, tuple[float, ...]]
    share: float

    def bits(self, levels: "np.ndarray") -> "np.ndarray":
        """The weight of each pair in bits: `levels` is pairs × fields, UNKNOWN where not comparable."""
        import numpy as np

        total = np.zeros(len(levels))
        for position, field in enumerate(self.fields):
            ratio = np.log2(np.array(self.m[field.name]) / np.array(self.u[field.name]))
            # A difference never speaks for one person, however rare it is by chance.
            ratio[0] = min(ratio[0], 0.0)
            column = levels[:, position]
            total += np.where(column == UNKNOWN, 0.0, ratio[column])
        return total

    def probability(self, levels: "np.ndarray") -> "np.ndarray":
        """That a pair is one person, given its levels."""
        return _posterior(self.bits(levels), self.share)

    def as_record(self) -> dict[str, object]:
        told = {
            field.name: {
                level: {"m": round(m, 6), "u": round(u, 6)}
                for level, m, u in zip(field.levels, self.m[field.name], self.u[field.name], strict=True)
            }
            for field in self.fields
        }
        return {"share_of_pairs": self.share, "fields": told}


def estimate(
    fields: Sequence[Field],
    random_levels: "np.ndarray",
    certain_levels: "np.ndarray",
    open_levels: "np.ndarray",
    num_pairs: int,
) -> Weights:
    """Estimate the weights from the levels of random pairs, of pairs known to be one person, of open ones.

    `num_pairs`: of all pairs that there are; those in none of the three are held to be different persons.
    """
    import numpy as np

    u = {f.name: _shares(random_levels[:, i], f, None, _even(f)) for i, f in enumerate(fields)}
    m = {f.name: f.expected for f in fields}
    patterns, counts = np.unique(open_levels, axis=0, return_counts=True)
    share = max(len(certain_levels), 1) / num_pairs
    weights = Weights(tuple(fields), m, u, share)
    known = np.ones(len(certain_levels))
    for _ in range(NUM_STEPS):
        expected = weights.probability(patterns) * counts
        levels = np.concatenate([certain_levels, patterns])
        mass = np.concatenate([known, expected])
        m = {f.name: _shares(levels[:, i], f, mass, _belief(f)) for i, f in enumerate(fields)}
        share = min(max(float(expected.sum()), 1.0) / num_pairs, 0.5)
        weights = Weights(tuple(fields), m, u, share)
    return weights


def _shares(
    column: "np.ndarray", field: Field, mass: "np.ndarray | None", belief: "np.ndarray"
) -> tuple[float, ...]:
    """The share of each level among the pairs where the field is known, with what is believed before."""
    import numpy as np

    known = column != UNKNOWN
    seen = np.bincount(
        column[known], weights=None if mass is None else mass[known], minlength=len(field.levels)
    )
    total = seen + belief
    return tuple(float(value) for value in total / total.sum())


def _even(field: Field) -> "np.ndarray":
    import numpy as np

    return np.full(len(field.levels), 0.5)


def _belief(field: Field) -> "np.ndarray":
    import numpy as np

    return np.array(field.expected) * BELIEF_PAIRS


def _posterior(bits: "np.ndarray", share: float) -> "np.ndarray":
    import numpy as np

    odds = np.exp2(np.clip(bits, -500, 500)) * share / (1 - share)
    return np.asarray(odds / (1 + odds))
