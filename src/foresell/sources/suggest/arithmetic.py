"""Columns that are computed from others: a price times a quantity is an amount, parts add up to a total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
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
# In place of a sign: a share of it is taken off.
RATE = 0
MOST_MONEY = 9
ROWS_OF_TOTALS = 60


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
            others = [name for name in columns if name not in (quantity, price, amount)]
            smaller = [name for name in others if _is_smaller(columns[name], columns[amount])]
            sign_and_column = _explained(difference, columns, smaller) or _rate(
                columns[quantity] * columns[price], columns[amount], columns, others
            )
            if sign_and_column:
                reduced.append(Product(quantity, price, amount, sign_and_column))
    return [*plain, *reduced]


def find_totals(columns: "Mapping[str, NDArray[Any]]", profiles: Mapping[str, Profile]) -> list[Total]:
    """Totals that are another amount plus and minus up to MOST_PARTS others, the fewest that will do."""
    import numpy as np

    money = [n for n in columns if profiles[n].has_cents or profiles[n].median >= 5]
    money = [n for n in money if np.nanmax(np.abs(columns[n])) > CENTS][:MOST_MONEY]
    if len(money) < 3:
        return []
    rows = np.stack([columns[name] for name in money])
    step = max(1, rows.shape[1] // ROWS_OF_TOTALS)
    rows = rows[:, ::step]
    rows = rows[:, ~np.isnan(rows[:, :]).all(axis=0)]
    # An amount that is not given is nothing, but for the two that are compared.
    signs = _sign_rows(len(money))
    sums = signs @ np.nan_to_num(rows)
    found = []
    for first, total in permutations(range(len(money)), 2):
        difference = rows[total] - rows[first]
        known = ~np.isnan(difference)
        is_other = (signs[:, first] == 0) & (signs[:, total] == 0)
        if known.sum() < FEWEST_ROWS or not _varies_together(rows[total], rows[first]):
            continue
        holds = (np.abs(sums[:, known] - difference[known]) <= CENTS).mean(axis=1) >= HOLDS
        place = int(np.argmax(holds & is_other))
        if holds[place] and is_other[place] and signs[place].any():
            parts = tuple((int(sign), money[i]) for i, sign in enumerate(signs[place]) if sign)
            found.append(Total(money[total], money[first], parts))
    return found


def _sign_rows(number: int) -> "NDArray[Any]":
    """All ways to take up to MOST_PARTS of so many columns, each with plus or minus; the fewest first."""
    import numpy as np

    rows = []
    for size in range(MOST_PARTS + 1):
        for chosen in combinations(range(number), size):
            for signs in product((1, -1), repeat=size):
                row = [0] * number
                for place, sign in zip(chosen, signs, strict=True):
                    row[place] = sign
                rows.append(row)
    return np.array(rows)


def _explained(
    difference: "NDArray[Any]", columns: "Mapping[str, NDArray[Any]]", others: Sequence[str]
) -> tuple[tuple[int, str], ...]:
    """The signed column that a difference is."""
    import numpy as np

    for name in others:
        for sign in (-1, 1):
            if _is_zero(difference - sign * np.nan_to_num(columns[name])):
                return ((sign, name),)
    return ()


def _rate(
    full: "NDArray[Any]", amount: "NDArray[Any]", columns: "Mapping[str, NDArray[Any]]", others: Sequence[str]
) -> tuple[tuple[int, str], ...]:
    """The column that says which share, or how many percent, is taken off."""
    import numpy as np

    for name in others:
        for one in (1, 100):
            reduced = full * (1 - np.nan_to_num(columns[name]) / one)
            if _is_zero(amount - reduced):
                return ((RATE, name),)
    return ()


def _ordered_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for a in names for b in names if a != b]


def _is_smaller(part: "NDArray[Any]", whole: "NDArray[Any]") -> bool:
    import numpy as np

    return bool(np.nanmean(np.abs(part)) < np.nanmean(np.abs(whole)))


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
