"""An explanation of one customer's score in sentences, in English and Chinese."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from foresell.explain.counterfactual_text import amount_text, counterfactual_sentence
from foresell.explain.value_text import Language

if TYPE_CHECKING:
    from foresell.services.customers.explain import Explained

WORDS: dict[str, tuple[str, str]] = {
    "asked": (
        "Customer {customer}: {question}? {score}; usual is {usual}.",
        "顾客 {customer}：{question}？{score}；通常为 {usual}。",
    ),
    "chosen": ("Worth acting on: {threshold} or more.", "值得采取行动：达到或超过 {threshold}。"),
    "not_chosen": ("Not worth acting on: below {threshold}.", "不必采取行动：低于 {threshold}。"),
}


def explained_lines(explained: "Explained", language: Language) -> list[str]:
    return list(_lines(explained, language))


def _lines(explained: "Explained", language: Language) -> Iterator[str]:
    def told(value: float) -> str:
        return amount_text(value, explained.subject, explained.currency, language)

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
        yield counterfactual_sentence(explained.change, explained.subject, explained.currency)[
            language == "zh"
        ]


def _say(key: str, language: Language, **values: str) -> str:
    return WORDS[key][language == "zh"].format(**values)
