"""Values and effects of features as a person reads them, in English and Chinese."""

from functools import cache
from typing import Literal

from babel import Locale
from babel.numbers import format_currency, format_decimal

from foresell.features.feature import Feature

Language = Literal["en", "zh"]
Value = float | str | None
LOCALES: dict[str, str] = {"en": "en_US", "zh": "zh_Hans_CN"}
# Unit of a feature → one, several and Chinese; a unit that is not here stands as it is declared.
UNITS: dict[str, tuple[str, str, str]] = {
    "days": ("day", "days", "天"),
    "hours": ("hour", "hours", "小时"),
    "minutes": ("minute", "minutes", "分钟"),
    "seconds": ("second", "seconds", "秒"),
    "weeks": ("week", "weeks", "周"),
    "months": ("month", "months", "个月"),
    "years": ("year", "years", "年"),
    "orders": ("order", "orders", "单"),
    "items": ("item", "items", "件"),
    "units": ("unit", "units", "件"),
    "products": ("product", "products", "种商品"),
    "events": ("event", "events", "次"),
    "views": ("view", "views", "次浏览"),
    "visits": ("visit", "visits", "次访问"),
    "sessions": ("session", "sessions", "次会话"),
    "lines": ("line", "lines", "行"),
    "coupons": ("coupon", "coupons", "张"),
    "refunds": ("refund", "refunds", "次"),
    "brands": ("brand", "brands", "个品牌"),
    "times": ("time", "times", ""),
    "categories": ("category", "categories", "个品类"),
    "customers": ("customer", "customers", "位顾客"),
}
SHARES = ("share", "rate", "probability")
NO_UNIT = ("", "category", "number", "score", "count", "ratio", "bits", "nats")
# Money from here on is shown without cents.
WHOLE_FROM = 1000


@cache
def _locale(language: Language) -> Locale:
    return Locale.parse(LOCALES[language])


def number_text(value: float, language: Language, digits: int = 0) -> str:
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    return str(format_decimal(value, pattern, locale=_locale(language)))


def money_text(value: float, currency: str, language: Language) -> str:
    """With the currency's sign and cents; without cents from WHOLE_FROM on."""
    if abs(value) < WHOLE_FROM:
        return str(format_currency(value, currency, locale=_locale(language)))
    pattern = str(_locale(language).currency_formats["standard"].pattern).replace(".00", "")
    whole = format_currency(value, currency, pattern, locale=_locale(language), currency_digits=False)
    return str(whole)


def share_text(value: float, language: Language) -> str:
    """A share (0–1) in percent; never 0% for something, nor 100% for less than all."""
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 < value < 1:
        return ">99.9%"
    return f"{number_text(value * 100, language, 1)}%"


def value_text(value: Value, feature: Feature, language: Language, currency: str) -> str:
    """The value of a feature with its unit; null and NaN: "not known"."""
    return _value_text(value, feature.unit, language, currency)


def named_value_text(value: Value, feature: Feature, language: Language, currency: str) -> str:
    """As `value_text` behind the feature's name: without a unit that the name has told already."""
    several = UNITS.get(feature.unit, ("", "", ""))[1]
    name = feature.text.lower() if language == "en" else feature.text_zh
    is_told = several in name if language == "en" else name.endswith("数")
    return _value_text(value, "" if several and is_told else feature.unit, language, currency)


def _value_text(value: Value, unit: str, language: Language, currency: str) -> str:
    if value is None or value != value:
        return "not known" if language == "en" else "未知"
    if isinstance(value, str):
        return value
    if unit in SHARES:
        return share_text(value, language)
    if unit == "money":
        return money_text(value, currency, language)
    return with_unit(value, unit, language)


def with_unit(value: float, unit: str, language: Language) -> str:
    """43 days, 1 order; one decimal below 10, two below 1."""
    digits = 2 if abs(value) < 1 else 1 if abs(value) < 10 else 0
    number = number_text(value, language, digits)
    if unit in NO_UNIT:
        return number
    if unit not in UNITS:
        return f"{number} {unit}"
    one, several, chinese = UNITS[unit]
    if language == "zh":
        return f"{number} {chinese}".rstrip()
    return f"{number} {one if number == '1' else several}"


def effect_text(effect: float, unit: str, language: Language, currency: str) -> str:
    """The size of what a feature adds, without its sign: 18 points of a probability, else with its unit."""
    size = abs(effect)
    if unit not in SHARES:
        return money_text(size, currency, language) if unit == "money" else with_unit(size, unit, language)
    points = size * 100
    if points < 0.5:
        return "less than 1 point" if language == "en" else "不到 1 个百分点"
    number = number_text(points, language)
    if language == "zh":
        return f"{number} 个百分点"
    return f"{number} point" if number == "1" else f"{number} points"
