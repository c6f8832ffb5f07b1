"""What a rule does to a list of products, once it is known which products those are.

Arrays are over the positions of the assortment (_P). A `where_P` of None: all products.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = NDArray[np.bool_]
    Ints: TypeAlias = NDArray[np.int64]
    Factors: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Forbid:
    """Never these, whoever asks."""

    where_P: "Mask"


@dataclass(frozen=True, slots=True, eq=False)
class ForbidYounger:
    """Nobody younger than the limit, in years; 0: for everybody."""

    limit_P: "Ints"


@dataclass(frozen=True, slots=True, eq=False)
class ForbidBought:
    """None of these that the customer has bought."""

    where_P: "Mask | None"


@dataclass(frozen=True, slots=True, eq=False)
class ForbidShown:
    """None of these that was shown to the customer `most` times in the last `days` days."""

    where_P: "Mask | None"
    most: int
    days: int


@dataclass(frozen=True, slots=True, eq=False)
class Weigh:
    """Multiply scores; every weight counts."""

    factor_P: "Factors"


@dataclass(frozen=True, slots=True, eq=False)
class Adjust:
    """Multiply the scores of these by one factor; of the rules that touch a product only those of the highest
    priority count."""

    where_P: "Mask"
    factor: float


@dataclass(frozen=True, slots=True, eq=False)
class Cap:
    """At most so many products of each group; group −1 is in none."""

    name: str
    group_P: "Ints"
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Pin:
    """A product (−1: not sold here) at a place, from 1."""

    place: int
    position: int


Effect: TypeAlias = Forbid | ForbidYounger | ForbidBought | ForbidShown | Weigh | Adjust | Cap | Pin
