"""Sentences that say what raised and what lowered a prediction, in English and Chinese."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from foresell.contracts.errors import InputError
from foresell.explain.contributions import Contributions
from foresell.explain.feature_groups import FeatureGroup
from foresell.explain.value_text import Language, Value, effect_text, named_value_text, value_text
from foresell.features.feature import Feature

NAMED = re.compile(r"\{(\w+)\}")
NO_CAUSE = (
    "This is how the model comes to its figure. It does not say what would happen if something were changed.",
    "以上说明模型如何得出该数值，并不表示改变某项因素就会改变结果。",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a prediction is of: "the risk"; `unit`: probability, money, or days and the like."""

    text: str
    text_zh: str
    unit: str = "probability"

    def in_language(self, language: Language) -> str:
        return self.text if language == "en" else self.text_zh


@dataclass(frozen=True, slots=True)
class Phrase:
    """A better wording for one feature: {value}, {usual}, and names of other features for their values.

    It is used where all that it names is known and the feature's value lies at or above `least` (a phrase
    for absence does not fit 0 days); else the feature's plain name is.
    """

    text: str
    text_zh: str
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that raised or lowered a prediction. `adds`: in the subject's unit."""

    name: str
    adds: float
    text: str
    text_zh: str

    def as_record(self) -> dict[str, Any]:
        return {"feature": self.name, "adds": self.adds, "text": self.text, "text_zh": self.text_zh}

    def in_language(self, language: Language) -> str:
        return self.text if language == "en" else self.text_zh


@dataclass(frozen=True, slots=True)
class Wording:
    """How values are said: what they are of, the store's currency, what is usual (of `usual_values`), and
    phrases by feature."""

    subject: Subject
    currency: str
    usual: Mapping[str, Value] = field(default_factory=dict)
    phrases: Mapping[str, Phrase] = field(default_factory=dict)


def usual_values(background: pl.DataFrame, described: Sequence[Feature]) -> dict[str, Value]:
    """Of each feature the median of what is known, or the most frequent category (equal ones: the first by
    name; fewer than half the rows: none is usual); null where nothing is known."""
    return {feature.name: _usual(background[feature.name], feature) for feature in described}


def _usual(values: pl.Series, feature: Feature) -> Value:
    known = values.drop_nulls()
    if feature.kind == "number":
        known = known.cast(pl.Float64).drop_nans()
        return None if known.is_empty() else float(known.to_frame("v").select(pl.col("v").median()).item())
    counts = known.rename("value").value_counts().sort("count", "value", descending=[True, False])
    if counts.is_empty() or counts["count"][0] * 2 < len(values):
        return None
    return str(counts["value"][0])


def reasons_of(
    contributions: Contributions,
    row: int,
    features: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    wording: Wording,
    *,
    singly: Contributions | None = None,
    most: int = 5,
) -> tuple[Reason, ...]:
    """The reasons of one prediction, the largest first; those that add exactly nothing are left out.

    `contributions`: by `groups` and in the subject's unit; `features`: the rows that they are of. Of a group
    of several features the sentence tells the value of the one that adds most by `singly` (contributions by
    feature), and no value without that; what it adds is of the group.

    Raises InputError where contributions and groups do not belong together.
    """
    if contributions.names != tuple(group.name for group in groups):
        raise InputError(
            "The contributions are not by these groups",
            received=", ".join(contributions.names[:10]),
            do="Give contributions.grouped(groups).",
        )
    told = _Told(
        {feature.name: feature for group in groups for feature in group.features},
        features.row(row, named=True),
        wording,
    )
    found = []
    for place in contributions.top(most)[row]:
        adds = float(contributions.values[row, place])
        if adds == 0:
            continue
        group, feature = groups[place], _spokesman(groups[place], row, singly)
        text, text_zh = (
            _sentence(told, _about(told, group, feature, language), adds, language)
            for language in ("en", "zh")
        )
        found.append(Reason(group.name, adds, text, text_zh))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Told:
    described: Mapping[str, Feature]
    values: Mapping[str, Any]
    wording: Wording

    def value(self, name: str, language: Language) -> str:
        return value_text(self.values[name], self.described[name], language, self.wording.currency)

    def usual(self, name: str, language: Language) -> str | None:
        usual = self.wording.usual.get(name)
        if usual is None:
            return None
        return value_text(usual, self.described[name], language, self.wording.currency)


def _spokesman(group: FeatureGroup, row: int, singly: Contributions | None) -> Feature | None:
    if len(group.features) == 1:
        return group.features[0]
    if singly is None:
        return None
    places = {name: place for place, name in enumerate(singly.names)}
    return max(group.features, key=lambda feature: abs(float(singly.values[row, places[feature.name]])))


def _about(told: _Told, group: FeatureGroup, feature: Feature | None, language: Language) -> str:
    if feature is None:
        return _capital(group.text) if language == "en" else group.text_zh
    return _phrased(told, feature, language) or _fact(told, feature, language)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(told: _Told, fact: str, adds: float, language: Language) -> str:
    wording = told.wording
    effect = effect_text(adds, wording.subject.unit, language, wording.currency)
    subject = wording.subject.in_language(language)
    if language == "en":
        return f"{fact}: {'raises' if adds > 0 else 'lowers'} {subject} by {effect}"
    gap = " " if effect[0].isascii() else ""
    return f"{fact}，使{subject}{'上升' if adds > 0 else '下降'}{gap}{effect}"


def _fact(told: _Told, feature: Feature, language: Language) -> str:
    currency, usual = told.wording.currency, told.wording.usual.get(feature.name)
    value = named_value_text(told.values[feature.name], feature, language, currency)
    usually = None if usual is None else named_value_text(usual, feature, language, currency)
    is_told = usually is not None and usually != value
    if language == "zh":
        return f"{feature.text_zh}：{value}" + (f"（通常 {usually}）" if is_told else "")
    return f"{_capital(feature.text)}: {value}" + (f" (usually {usually})" if is_told else "")


def _phrased(told: _Told, feature: Feature, language: Language) -> str | None:
    """The feature's phrase filled in; None where there is none or it does not fit."""
    phrase, value = told.wording.phrases.get(feature.name), told.values[feature.name]
    if phrase is None or value is None:
        return None
    if phrase.least is not None and not (isinstance(value, float) and value >= phrase.least):
        return None
    template = phrase.text if language == "en" else phrase.text_zh
    texts: dict[str, str] = {}
    for name in NAMED.findall(template):
        if name == "usual":
            usual = told.usual(feature.name, language)
            if usual is None:
                return None
            texts[name] = usual
            continue
        known = feature.name if name == "value" else name
        if told.values.get(known) is None:
            return None
        texts[name] = told.value(known, language)
    return template.format(**texts)
