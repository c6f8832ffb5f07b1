"""How sure values make us, and the simplest ways to say so."""

from collections.abc import Callable

from foresell.sources.suggest.profile import Profile

IMPOSSIBLE = -9.0
# Shares of a column's values.
MOST = 0.7
NEARLY_ALL = 0.9


def one_of(detector: str, yes: float, no: float = -0.6, limit: float = MOST) -> Callable[[Profile], float]:
    """`yes` where a detector finds its like in at least `limit` of the values, else `no`."""
    return lambda profile: yes if profile.shares[detector] >= limit else no


def is_digits(profile: Profile) -> bool:
    return all(value.strip().isdigit() for value in profile.values)
