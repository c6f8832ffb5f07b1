"""Words, numbers, money and dates of one language."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_compact_currency, format_compact_decimal, format_currency, format_decimal
from markupsafe import Markup, escape

from foresell.services.report.page.words import read_words

LOCALES = {"en": "en_US", "zh": "zh_Hans_CN"}
NOTHING = "–"
# Money from here on is shown without cents.
WHOLE_FROM = 1000


@dataclass(frozen=True)
class Language:
    """`code`: en or zh. Every method takes None for "unknown" and gives a dash for it."""

    code: str
    currency: str
    time_zone: str

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(LOCALES[self.code])

    def say(self, key: str, **values: Any) -> str:
        """The words of that key, its {names} filled in."""
        text = read_words()[key][1 if self.code == "zh" else 0]
        return text.format(**values) if values else text

    def say_strongly(self, key: str, **values: Any) -> Markup:
        """The same as HTML, each value escaped and set in bold."""
        strong = {name: Markup("<strong>{}</strong>").format(value) for name, value in values.items()}
        return escape(self.say(key)).format(**strong)

    def knows(self, key: str) -> bool:
        return key in read_words()

    def money(self, value: float | None) -> str:
        if value is None:
            return NOTHING
        if abs(value) < WHOLE_FROM:
            return format_currency(value, self.currency, locale=self.locale)
        # The locale's own pattern, so that sign and symbol stand where it has them.
        pattern = self.locale.currency_formats["standard"].pattern.replace(".00", "")
        return format_currency(value, self.currency, pattern, locale=self.locale, currency_digits=False)

    def short_money(self, value: float) -> str:
        """For axes: 1.2M."""
        return format_compact_currency(value, self.currency, locale=self.locale, fraction_digits=1)

    def number(self, value: float | None, digits: int = 0) -> str:
        if value is None:
            return NOTHING
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, pattern, locale=self.locale)

    def short_number(self, value: float) -> str:
        return format_compact_decimal(value, locale=self.locale, fraction_digits=1)

    def percent(self, value: float | None, digits: int = 1) -> str:
        """A share (0–1); never 0% for something, nor 100% for less than all."""
        if value is None:
            return NOTHING
        least = 10 ** -(digits + 2)
        if 0 < value < least / 2:
            return f"<{self.number(least * 100, digits)}%"
        if 1 - least / 2 < value < 1:
            return f">{self.number((1 - least) * 100, digits)}%"
        return f"{self.number(value * 100, digits)}%"

    def change(self, value: float | None) -> str:
        """A relative change, with its sign."""
        if value is None:
            return NOTHING
        points = round(value * 100, 1)
        sign = "+" if points > 0 else "−" if points < 0 else "±"
        return f"{sign}{self.number(abs(points), 1)}%"

    def signed_money(self, value: float) -> str:
        sign = "+" if value > 0 else "−" if value < 0 else ""
        return f"{sign}{self.money(abs(value))}"

    def value(self, value: float | None, unit: str) -> str:
        """A KPI's value with its unit; `unit` as answers have it: a currency for money."""
        if value is None:
            return NOTHING
        if unit == "rate":
            return self.percent(value)
        if unit == self.currency:
            return self.money(value)
        if unit in ("days", "times", "units/order"):
            return self.say(f"unit.{unit}", value=self.number(value, 1))
        return self.number(value, 0 if float(value).is_integer() else 1)

    def day(self, day: date | None) -> str:
        return NOTHING if day is None else format_date(day, "medium", locale=self.locale)

    def weekday(self, day: date) -> str:
        """With the day of the week."""
        return format_skeleton("yMMMEd", _noon(day), locale=self.locale)

    def short_day(self, day: date) -> str:
        """Without the year."""
        return format_skeleton("MMMd", _noon(day), locale=self.locale)

    def month(self, day: date) -> str:
        return format_skeleton("yMMM", _noon(day), locale=self.locale)

    def short_month(self, day: date) -> str:
        return format_skeleton("MMM", _noon(day), locale=self.locale)

    def span(self, start: date, end: date) -> str:
        return self.say("span", start=self.day(start), end=self.day(end))

    def moment(self, at: datetime | None) -> str:
        """In the store's time zone."""
        if at is None:
            return NOTHING
        return format_datetime(at, "medium", tzinfo=ZoneInfo(self.time_zone), locale=self.locale)

    def list(self, words: "list[str]") -> str:
        return self.say("comma").join(words)


def _noon(day: date) -> datetime:
    """`format_skeleton` wants a moment; at noon no zone moves it to another day."""
    return datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001  # a date has no zone
