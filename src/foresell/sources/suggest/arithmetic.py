"""Columns that are computed from others: a price times a quantity is an amount, parts add up to a total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_ROWS = 400
FEWEST_ROWS = 4
HOLDS = 0.95
MOST_COLUMNS = 16
CENTS = 0.011
# How many others may stand between a total and what it begins with.
MOST_PARTS = 4


@dataclass(frozen=True)
class Product:
    """`amount` = `quantity` * `price`, less (or plus) `others`, each with its sign."""

    quantity: str
    price: str
    amount: str
    others: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Total:
    """`total` = `first` + the signed `parts`."""

    total: str
    first: str
    parts: tuple[tuple[int, str], ...]


def number_columns(sample: Sample, profiles: Mapping[str, Profile]) -> "dict[str, NDArray[np.float64]]":
    """The columns of numbers that vary, some hundred rows of each, NaN where a row has none."""
    import numpy as np

    step = max(1, sample.num_rows // MOST_ROWS)
    columns = {}
    for name, profile in profiles.items():
        if profile.number_share < HOLDS or not profile.sorted_numbers or profile.dates.is_epoch:
            continue
        is_long_id = profile.is_whole and profile.mean_length >= 8
        if is_long_id or profile.sorted_numbers[-1] == profile.sorted_numbers[0]:
            continue
        texts = sample.texts[name][::step][:MOST_ROWS]
        columns[name] = np.array([profile.numbers.get(text or "", np.nan) for text in texts])
    return dict(list(columns.items())[:MOST_COLUMNS])


def find_products(columns: "Mapping[str, NDArray[Any]]", profiles: Mapping[str, Profile]) -> list[Product]:
    """All quantity * price = amount that hold; those less a discount only where no plain one does."""
    counts = [n for n in columns if profiles[n].is_whole and profiles[n].median < 1000]
    plain, reduced = [], []
    for quantity in counts:
        for price, amount in _ordered_pairs([n for n in columns if n != quantity]):
            difference = columns[amount] - columns[quantity] * columns[price]
            if not _is_telling(columns[quantity], columns[price], columns[amount]):
                continue
            if _is_zero(difference):
                plain.append(Product(quantity, price, amount))
                continue
            others = [n for n in columns if n not in (quantity, price, amount)]
            sign_and_column = _explained(difference, columns, others, 1)
            if sign_and_column:
                reduced.append(Product(quantity, price, amount, sign_and_column))
    return [*plain, *reduced]


def find_totals(columns: "Mapping[str, NDArray[Any]]", profiles: Mapping[str, Profile]) -> list[Total]:
    """Totals that are another amount plus and minus at least two others (or one, of few columns of money)."""
    money = [n for n in columns if profiles[n].has_cents or profiles[n].median >= 5][:10]
    money += [n for n in columns if n not in money and profiles[n].has_cents]
    found = []
    for first, total in _ordered_pairs(money):
        difference = columns[total] - columns[first]
        if _is_zero(difference):
            continue
        others = [n for n in columns if n not in (first, total)]
        parts = _explained(difference, columns, others, min(MOST_PARTS, len(others)))
        if parts and _varies_together(columns[total], columns[first]):
            found.append(Total(total, first, parts))
    return found


def _explained(
    difference: "NDArray[Any]", columns: "Mapping[str, NDArray[Any]]", others: Sequence[str], most: int
) -> tuple[tuple[int, str], ...]:
    """The fewest signed columns that add up to a difference."""
    import numpy as np

    useful = [n for n in others if np.nanmax(np.abs(columns[n])) > CENTS][:8]
    for size in range(1, most + 1):
        for chosen in combinations(useful, size):
            stacked = np.stack([np.nan_to_num(columns[name]) for name in chosen])
            for signs in _SIGNS[size]:
                if _is_zero(difference - np.tensordot(signs, stacked, 1)):
                    return tuple((int(sign), name) for sign, name in zip(signs, chosen, strict=True))
    return ()


_SIGNS: dict[int, list[tuple[int, ...]]] = {
    size: [tuple(1 if mask >> bit & 1 else -1 for bit in range(size)) for mask in range(2**size)]
    for size in range(1, MOST_PARTS + 1)
}


def _ordered_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for a in names for b in names if a != b]


def _is_zero(difference: "NDArray[Any]") -> bool:
    import numpy as np

    known = difference[~np.isnan(difference)]
    return len(known) >= FEWEST_ROWS and float(np.mean(np.abs(known) <= CENTS)) >= HOLDS


def _is_telling(quantity: "NDArray[Any]", price: "NDArray[Any]", amount: "NDArray[Any]") -> bool:
    """More than ones and zeros: 1 * price = price proves nothing."""
    import numpy as np

    known = ~np.isnan(quantity) & ~np.isnan(price) & ~np.isnan(amount)
    if known.sum() < FEWEST_ROWS:
        return False
    other = (np.abs(quantity[known]) != 1) & (amount[known] != 0)
    return bool(other.sum() >= 2 and np.nanstd(amount[known]) > 0)


def _varies_together(total: "NDArray[Any]", first: "NDArray[Any]") -> bool:
    """A total and the amount it begins with are of one size; a discount and a tax are not."""
    import numpy as np

    known = ~np.isnan(total) & ~np.isnan(first) & (total != 0)
    ratios = first[known] / total[known]
    return len(ratios) >= FEWEST_ROWS and bool(0.5 < float(np.median(ratios)) < 2)
