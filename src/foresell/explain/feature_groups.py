"""Features that tell of one thing (its windows, its one-hot columns) as one, so that a reader sees few."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foresell.contracts.errors import InputError, did_you_mean
from foresell.features.feature import Feature

# orders_30d, lines_90d_category_tea, spent_ever: the same thing over another window.
WINDOW = re.compile(r"_(?:ever|(?:last_)?\d+(?:h|d|w|_?hours?|_?days?|_?weeks?))(?=_|$)")
# How windows are worded (features.words): at the end in English, at the beginning in Chinese.
WINDOW_TEXT = re.compile(r" (?:in the last (?:\d+ )?(?:hours?|days?|weeks?)|ever)$")
WINDOW_TEXT_ZH = re.compile(r"^(?:最近 ?\d+ ?(?:小时|天|周)|历史上)的?")


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """One thing and the features that tell of it, at least one; its words are those of the first, without
    the window where it has several."""

    name: str
    features: tuple[Feature, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @property
    def text(self) -> str:
        return self._said(self.features[0].text, WINDOW_TEXT)

    @property
    def text_zh(self) -> str:
        return self._said(self.features[0].text_zh, WINDOW_TEXT_ZH)

    def _said(self, text: str, window: re.Pattern[str]) -> str:
        return text if len(self.features) == 1 else window.sub("", text)


def each_alone(described: Sequence[Feature]) -> tuple[FeatureGroup, ...]:
    """A group for each feature, in their order."""
    return tuple(FeatureGroup(feature.name, (feature,)) for feature in described)


def group_features(
    described: Sequence[Feature], together: Mapping[str, Sequence[str]] | None = None
) -> tuple[FeatureGroup, ...]:
    """Every feature in exactly one group, groups in the order of their first feature.

    `together`: name of a group → its features. The others go by name: those alike but for a window
    (orders_7d, orders_ever) are one group, all else stands alone. Raises InputError for a feature that is
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
