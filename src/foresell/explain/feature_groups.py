"""Features that tell of one thing (its windows, its one-hot columns) as one, so that a reader sees few."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foresell.contracts.errors import InputError, did_you_mean
from foresell.features.feature import Feature

# orders_30d, orders_30d_share, spend_last_90_days: the same thing over another window.
WINDOW = re.compile(r"_(?:last_)?\d+(?:h|d|w|_?hours?|_?days?|_?weeks?)(?=_|$)")


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """One thing and the features that tell of it, at least one; its words are those of the first."""

    name: str
    features: tuple[Feature, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @property
    def text(self) -> str:
        return self.features[0].text

    @property
    def text_zh(self) -> str:
        return self.features[0].text_zh


def each_alone(described: Sequence[Feature]) -> tuple[FeatureGroup, ...]:
    """A group for each feature, in their order."""
    return tuple(FeatureGroup(feature.name, (feature,)) for feature in described)


def group_features(
    described: Sequence[Feature], together: Mapping[str, Sequence[str]] | None = None
) -> tuple[FeatureGroup, ...]:
    """Every feature in exactly one group, groups in the order of their first feature.

    `together`: name of a group → its features. The others go by name: those alike but for a window
    (orders_7d, orders_30d) are one group, all else stands alone. Raises InputError for a feature that is
    not described or stands in two groups.
    """
    own = {feature.name for feature in described}
    group_of: dict[str, str] = {}
    for group, names in (together or {}).items():
        for name in names:
            if name not in own:
                raise InputError(
                    f"The group '{group}' has a feature that is not there",
                    received=name,
                    do=did_you_mean(name, own),
                )
            if name in group_of:
                raise InputError(
                    "A feature stands in two groups",
                    received=f"{name} in {group_of[name]} and {group}",
                    do="Name it once.",
                )
            group_of[name] = group
    members: dict[str, list[Feature]] = {}
    for feature in described:
        members.setdefault(group_of.get(feature.name) or WINDOW.sub("", feature.name), []).append(feature)
    return tuple(FeatureGroup(name, tuple(features)) for name, features in members.items())
