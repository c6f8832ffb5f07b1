"""A counterfactual in one sentence, in English and Chinese."""

from foresell.explain.counterfactual import Counterfactual
from foresell.explain.reason_text import Subject
from foresell.explain.value_text import SHARES, Language, money_text, share_text, value_text, with_unit

NONE: dict[str, tuple[str, str]] = {
    "nothing_to_change": (
        "Nothing that the shop could change is among what the model reads.",
        "模型所用的因素中没有店铺可以改变的。",
    ),
    "out_of_reach": (
        "None within reach: no change that the shop could make, among those seen of similar customers, would "
        "bring {subject} {goal}.",
        "无法达到：在相似顾客身上出现过的、店铺可做的改变中，没有一种能使{subject}{goal}。",
    ),
    "not_plausible": (
        "None within reach: what would bring {subject} {goal} would make this customer like nobody seen.",
        "无法达到：能使{subject}{goal}的改变会让该顾客与已有的任何顾客都不相似。",
    ),
}


def counterfactual_sentence(found: Counterfactual, subject: Subject, currency: str) -> tuple[str, str]:
    return _said(found, subject, currency, "en"), _said(found, subject, currency, "zh")


def _said(found: Counterfactual, subject: Subject, currency: str, language: Language) -> str:
    place = 0 if language == "en" else 1
    goal = _goal(found, subject, currency, language)
    if found.why != "found" or found.after is None:
        return NONE[found.why][place].format(subject=subject.in_language(language), goal=goal)
    parts = []
    for change in found.changes:
        before, after = (
            value_text(value, change.feature, language, currency) for value in (change.before, change.after)
        )
        if language == "en":
            parts.append(f"{change.feature.text} were {after} instead of {before}")
        else:
            parts.append(f"{change.feature.text_zh}为 {after}（而非 {before}）")
    after = amount_text(found.after, subject, currency, language)
    if language == "en":
        return (
            f"If {' and '.join(parts)}, the model would put the {_bare(subject)} at {after}, {goal}. "
            "It does not say that changing it would make it so."
        )
    said = f"模型给出的{subject.text_zh}将为 {after}，{goal}。但这并不表示作出改变就会如此。"
    return f"如果{'，'.join(parts)}，{said}"


def _bare(subject: Subject) -> str:
    return subject.text.removeprefix("the ")


def _goal(found: Counterfactual, subject: Subject, currency: str, language: Language) -> str:
    limit = amount_text(found.threshold, subject, currency, language)
    if found.before >= found.threshold:
        return f"below {limit}" if language == "en" else f"低于 {limit}"
    if language == "zh":
        return f"达到 {limit}"
    return f"at or above {limit}" if found.why == "found" else f"to {limit} or above"


def amount_text(value: float, subject: Subject, currency: str, language: Language) -> str:
    """A prediction in the subject's unit, as a person reads it."""
    if subject.unit in SHARES:
        return share_text(value, language)
    if subject.unit == "money":
        return money_text(value, currency, language)
    return with_unit(value, subject.unit, language)
