"""A change split into effects that add up to it, to the last decimal.

The value is a product of factors (visits × conversion × order value). A factor's effect is its
Shapley value: what changing it alone adds, averaged over every order in which the factors could
have changed, so that no factor is favored and nothing is left over (Shapley, "A value for n-person
games", 1953; for decompositions: Shorrocks, Journal of Economic Inequality, 2013).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial, floor, prod

STEP = Decimal("0.0001")
Factor = Fraction | None


def shapley_effects(before: Sequence[Factor], after: Sequence[Factor]) -> list[Fraction]:
    """The effect of each factor on the change of their product; the effects add up exactly.

    A factor that is undefined (None) at one time is taken from the other: it explains nothing.
    """
    old, new = _filled(before, after), _filled(after, before)
    number = len(old)
    effects = []
    for i in range(number):
        others = [j for j in range(number) if j != i]
        effect = Fraction(0)
        for size in range(number):
            weight = Fraction(factorial(size) * factorial(number - size - 1), factorial(number))
            for changed in combinations(others, size):
                rest = prod((new[j] if j in changed else old[j] for j in others), start=Fraction(1))
                effect += weight * rest * (new[i] - old[i])
        effects.append(effect)
    return effects


def _filled(own: Sequence[Factor], other: Sequence[Factor]) -> list[Fraction]:
    pairs = zip(own, other, strict=True)
    return [a if a is not None else b if b is not None else Fraction(0) for a, b in pairs]


def quotient(numerator: Fraction, denominator: Fraction) -> Factor:
    return numerator / denominator if denominator else None


def to_step(value: Decimal | Fraction | float) -> Decimal:
    """Money to 4 decimals, half up."""
    if isinstance(value, Fraction):
        return Decimal(floor(value / Fraction(STEP) + Fraction(1, 2))) * STEP
    return Decimal(str(value)).quantize(STEP, ROUND_HALF_UP)


def round_to_total(values: Sequence[Fraction], total: Decimal) -> list[Decimal]:
    """The values at 4 decimals, adding up to the total: what rounding leaves over goes, a step
    each, to those with the greatest remainders (Hamilton's method), the first of equal ones."""
    if not values:
        return []
    steps = [value / Fraction(STEP) for value in values]
    whole = [floor(step) for step in steps]
    left = int(total / STEP) - sum(whole)
    order = sorted(range(len(values)), key=lambda i: whole[i] - steps[i])
    every, some = divmod(left, len(values))
    for place, i in enumerate(order):
        whole[i] += every + (place < some)
    return [Decimal(n) * STEP for n in whole]
