"""How columns hang together over rows: what is the same in all lines of an order, what comes before what."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.sample import Sample

FEWEST_GROUPS = 3
IN_ORDER = 0.98
FEWEST_ROWS = 5


def constancy(sample: Sample, key: str) -> dict[str, float]:
    """Column → the share of the key's groups of several rows in which it has one value (blanks do not count).

    Empty where the key hardly repeats.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for place, value in enumerate(sample.texts[key]):
        if value:
            groups[value].append(place)
    several = [places for places in groups.values() if len(places) > 1][:400]
    if len(several) < FEWEST_GROUPS:
        return {}
    return {
        name: _share_of_one_value(values, several) for name, values in sample.texts.items() if name != key
    }


def _share_of_one_value(values: Sequence[str | None], groups: Sequence[Sequence[int]]) -> float:
    seen = [{values[place] for place in places if values[place]} for places in groups]
    told = [len(found) for found in seen if found]
    return sum(number == 1 for number in told) / len(told) if told else 1.0


def earlier_pairs(sample: Sample, profiles: Mapping[str, Profile]) -> set[tuple[str, str]]:
    """Pairs of columns of times, the first never later than the second and mostly earlier."""
    times = [name for name, profile in profiles.items() if profile.time_share > 0.7 and profile.moments]
    return {
        (first, second)
        for first in times
        for second in times
        if first != second and _is_earlier(sample, profiles, first, second)
    }


def _is_earlier(sample: Sample, profiles: Mapping[str, Profile], first: str, second: str) -> bool:
    left, right = profiles[first].moments, profiles[second].moments
    pairs = [
        (left[a], right[b])
        for a, b in zip(sample.texts[first], sample.texts[second], strict=True)
        if a in left and b in right
    ]
    if len(pairs) < FEWEST_ROWS:
        return False
    in_order = sum(a <= b for a, b in pairs)
    return in_order >= IN_ORDER * len(pairs) and sum(a < b for a, b in pairs) > len(pairs) / 2
