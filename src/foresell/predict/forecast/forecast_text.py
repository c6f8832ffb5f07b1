"""Sentences about a forecast, in English and Chinese."""

import polars as pl

from foresell.explain.value_text import Language, money_text, number_text, share_text
from foresell.predict.forecast.panel import Period

LANGUAGES: tuple[Language, ...] = ("en", "zh")
# Period → one, several, Chinese.
PERIODS: dict[Period, tuple[str, str, str]] = {
    "day": ("day", "days", "天"),
    "week": ("week", "weeks", "周"),
    "month": ("month", "months", "个月"),
}
# Part → how it is said; a regressor is said by its own name.
NAMES: dict[str, tuple[str, str]] = {
    "trend": ("the trend", "趋势"),
    "season": ("the season", "季节"),
    "other": ("what the newest periods showed otherwise", "近期的其他变化"),
    "price": ("the price", "价格"),
    "promotion": ("promotions", "促销"),
    "discount": ("discounts", "折扣"),
    "holiday": ("holidays", "节假日"),
}
# An effect below this share of the whole is not worth a word; and no more than so many are told.
LEAST_SHARE = 0.01
MOST_TOLD = 3
# A change below this is none.
SAME = 0.005
WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "expected": "Over the next {span}, {amount} are expected",
        "same": ", about as much as in the last {span}",
        "more": ", {much} more than in the last {span}",
        "less": ", {much} less than in the last {span}",
        "end": ".",
        "adds": "{part} adds {amount}",
        "takes": "{part} takes away {amount}",
        "comma": ", ",
        "and": " and ",
        "beside": " Beside the usual level, {effects}.",
        "no_cause": " This is how the model comes to its figure; it does not prove a cause.",
    },
    "zh": {
        "expected": "未来 {span}预计 {amount}",
        "same": "，与过去 {span}大致相同",
        "more": "，比过去 {span}多 {much}",
        "less": "，比过去 {span}少 {much}",
        "end": "。",
        "adds": "{part}增加 {amount}",
        "takes": "{part}减少 {amount}",
        "comma": "，",
        "and": "，",
        "beside": "在通常水平之外，{effects}。",
        "no_cause": "以上说明模型如何得出该数值，并不证明因果关系。",
    },
}


def amount_text(value: float, unit: str, currency: str, language: Language) -> str:
    """Money with the currency's sign, else a number of units, a decimal below 10."""
    if unit == "money":
        return money_text(value, currency, language)
    number = number_text(value, language, 1 if abs(value) < 10 else 0)
    return f"{number} units" if language == "en" else f"{number} 件"


def part_name(part: str, language: Language) -> str:
    text, text_zh = NAMES.get(part, (part, part))
    return text if language == "en" else text_zh


def span_text(horizon: int, period: Period, language: Language) -> str:
    one, several, chinese = PERIODS[period]
    if language == "zh":
        return f"{horizon} {chinese}"
    return one if horizon == 1 else f"{horizon} {several}"


def forecast_sentences(
    expected: float,
    before: float | None,
    horizon: int,
    period: Period,
    drivers: pl.DataFrame,
    unit: str,
    currency: str,
) -> tuple[str, str]:
    """What is expected over the horizon, how that compares with as many periods `before` (None: not known),
    and the `drivers` (part, effect) that matter."""
    told = [row for row in drivers.rows() if abs(row[1]) >= LEAST_SHARE * max(abs(expected), 1e-9)][
        :MOST_TOLD
    ]
    text, text_zh = (
        _told(expected, before, span_text(horizon, period, language), told, unit, currency, language)
        for language in LANGUAGES
    )
    return text, text_zh


def _told(
    expected: float,
    before: float | None,
    span: str,
    effects: list[tuple[str, float]],
    unit: str,
    currency: str,
    language: Language,
) -> str:
    words = WORDS[language]
    text = words["expected"].format(span=span, amount=amount_text(expected, unit, currency, language))
    if before:
        change = expected / before - 1
        kind = "same" if abs(change) < SAME else "more" if change > 0 else "less"
        text += words[kind].format(span=span, much=share_text(abs(change), language))
    text += words["end"]
    if effects:
        listed = [
            words["adds" if effect > 0 else "takes"].format(
                part=part_name(part, language), amount=amount_text(abs(effect), unit, currency, language)
            )
            for part, effect in effects
        ]
        whole = words["comma"].join(listed[:-1]) + (words["and"] if len(listed) > 1 else "") + listed[-1]
        text += words["beside"].format(effects=whole)
    return text + words["no_cause"]


def what_if_sentences(
    changes: dict[str, float],
    usual: float,
    changed: float,
    horizon: int,
    period: Period,
    unit: str,
    currency: str,
) -> tuple[str, str]:
    """What is expected if the regressors were so many times what they will be."""
    difference = changed - usual
    told = {
        language: (
            _changes(changes, language),
            span_text(horizon, period, language),
            amount_text(changed, unit, currency, language),
            amount_text(abs(difference), unit, currency, language),
        )
        for language in LANGUAGES
    }
    change, span, amount, apart = told["en"]
    text = (
        f"If {change}, {amount} are expected over the next {span}: "
        f"{apart} {'more' if difference >= 0 else 'less'} than otherwise. "
        "The model says so from what happened at such values before; it does not prove a cause."
    )
    change, span, amount, apart = told["zh"]
    text_zh = (
        f"如果{change}，未来 {span}预计 {amount}，比原来{'多' if difference >= 0 else '少'} {apart}。"
        "这是模型根据以往类似情况得出的，并不证明因果关系。"
    )
    return text, text_zh


def _changes(changes: dict[str, float], language: Language) -> str:
    told = []
    for name, factor in changes.items():
        much = share_text(abs(factor - 1), language)
        if language == "en":
            told.append(f"{part_name(name, 'en')} were {much} {'higher' if factor > 1 else 'lower'}")
        else:
            told.append(f"{part_name(name, 'zh')}{'提高' if factor > 1 else '降低'} {much}")
    return " and ".join(told) if language == "en" else "、".join(told)
