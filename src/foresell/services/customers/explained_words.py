"""An explanation of one customer's score in sentences, in English and Chinese."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from foresell.explain.value_text import Language, money_text, share_text, value_text, with_unit

if TYPE_CHECKING:
    from foresell.explain.counterfactual import Counterfactual
    from foresell.services.customers.explain import Explained

WORDS: dict[str, tuple[str, str]] = {
    "asked": (
        "Customer {customer}: {question}? {score}; usual is {usual}.",
        "顾客 {customer}：{question}？{score}；通常为 {usual}。",
    ),
    "chosen": ("Worth acting on: {threshold} or more.", "值得采取行动：达到或超过 {threshold}。"),
    "not_chosen": ("Not worth acting on: below {threshold}.", "不必采取行动：低于 {threshold}。"),
    "change": ("It would be {after} with: {changes}.", "若满足以下条件，则为 {after}：{changes}。"),
    "changed": ("{feature} {value} (now {now})", "{feature}为 {value}（现在 {now}）"),
    "nothing_to_change": (
        "Nothing that it rests on is in the shop's hands.",
        "其依据中没有商家可以改变的因素。",
    ),
    "out_of_reach": (
        "No change that the shop could make takes it across the threshold.",
        "商家可做的任何改变都不足以使其越过阈值。",
    ),
    "not_plausible": (
        "What would take it across the threshold was seen of no customer alike.",
        "能使其越过阈值的情形未在相似顾客中出现过。",
    ),
}


def explained_lines(explained: "Explained", language: Language) -> list[str]:
    return list(_lines(explained, language))


def _lines(explained: "Explained", language: Language) -> Iterator[str]:
    def told(value: float) -> str:
        if explained.unit == "money":
            return money_text(value, explained.currency, language)
        return (
            share_text(value, language)
            if explained.unit == "probability"
            else with_unit(value, "days", language)
        )

    question = explained.question_zh if language == "zh" else explained.question
    yield _say(
        "asked",
        language,
        customer=explained.customer_id,
        question=question[:1].upper() + question[1:],
        score=told(explained.score),
        usual=told(explained.usual),
    )
    for reason in explained.reasons:
        yield f"  • {reason.in_language(language)}"
    if explained.change is not None:
        key = "chosen" if explained.is_chosen else "not_chosen"
        yield _say(key, language, threshold=told(explained.change.threshold))
        yield _of_change(explained.change, explained.currency, language, told(explained.change.after or 0.0))


def _of_change(change: "Counterfactual", currency: str, language: Language, after: str) -> str:
    if change.why != "found":
        return _say(change.why, language)
    parts = [
        _say(
            "changed",
            language,
            feature=one.feature.text_zh if language == "zh" else one.feature.text,
            value=value_text(one.after, one.feature, language, currency),
            now=value_text(one.before, one.feature, language, currency),
        )
        for one in change.changes
    ]
    return _say("change", language, after=after, changes=("；" if language == "zh" else "; ").join(parts))


def _say(key: str, language: Language, **values: str) -> str:
    return WORDS[key][language == "zh"].format(**values)
