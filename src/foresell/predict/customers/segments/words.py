"""Segments in words, English and Chinese."""

from collections.abc import Sequence
from typing import Literal

from foresell.features.feature import Feature

Language = Literal["en", "zh"]
IN_THE_MIDDLE = ("like most", "与多数人相近")
OTHER = ("other", "其他")
EVERYONE_ELSE = ("everyone else", "其余顾客")
# RFM's segments (`kpis.rfm.SEGMENTS` has the Chinese names): name → what it means, English and Chinese.
RFM_SENTENCES: dict[str, tuple[str, str]] = {
    "champions": ("bought lately and often", "最近买过，且买得频繁"),
    "loyal": ("buy often, the last time some while ago", "经常购买，最近一次稍早"),
    "promising": ("bought lately, as often as most", "最近买过，频次中等"),
    "new": ("bought lately, few times so far", "最近买过，次数尚少"),
    "needs_attention": ("bought some while ago, and few times", "有一阵没买，次数不多"),
    "cannot_lose": ("used to buy often and have stayed away", "过去经常购买，现已久未下单"),
    "at_risk": ("bought as often as most and have stayed away", "过去频次中等，现已久未下单"),
    "hibernating": ("bought few times, long ago", "次数少，且已很久未买"),
    "lost": ("bought few times, longest ago of all", "次数少，且最久未买"),
}
SENTENCES: dict[Language, dict[str, str]] = {
    "en": {
        "start": "{count:,} customers ({share:.0%})",
        "facts": ": {facts}.",
        "fact": "{text} {inside} (everyone else {outside})",
        "joint": "; ",
        "none": ": much like everyone else.",
    },
    "zh": {
        "start": "{count:,} 位顾客（{share:.0%}）",
        "facts": "：{facts}。",
        "fact": "{text} {inside}（其余顾客 {outside}）",
        "joint": "；",
        "none": "：与其余顾客相近。",
    },
}
RULE_SENTENCE: dict[Language, str] = {"en": "Everyone with {rule}.", "zh": "满足 {rule} 的顾客。"}
Fact = tuple[Feature, str, str]


def value_text(feature: Feature, value: float) -> str:
    """A mean in the unit of its feature."""
    if feature.unit == "share":
        return f"{value:.0%}"
    if abs(value) < 1:
        return f"{value:.2g}"
    digits = 0 if abs(value) >= 100 else 1
    return f"{value:,.{digits}f}"


def sentence(count: int, share: float, facts: Sequence[Fact], language: Language) -> str:
    words = SENTENCES[language]
    start = words["start"].format(count=count, share=share)
    if not facts:
        return start + words["none"]
    told = [
        words["fact"].format(
            text=feature.text if language == "en" else feature.text_zh, inside=inside, outside=outside
        )
        for feature, inside, outside in facts
    ]
    return start + words["facts"].format(facts=words["joint"].join(told))


def sentence_of(count: int, share: float, what: str, language: Language) -> str:
    """A sentence around words that say what these customers do."""
    words = SENTENCES[language]
    return words["start"].format(count=count, share=share) + words["facts"].format(facts=what)
