"""Whether the values of a column can be, and look like, what a target column holds."""

import re
from collections.abc import Callable

from foresell.contracts.columns import Column
from foresell.contracts.tables import TABLES
from foresell.sources.suggest.fitness_columns import SPECIAL, has_numbers_in_text, words_in
from foresell.sources.suggest.personal import personal_fitness
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.value_words import FLAG_WORDS
from foresell.sources.suggest.verdicts import IMPOSSIBLE, MOST, NEARLY_ALL, is_digits

# What a clear name can still outweigh: values that say it in a way that the parsers do not read.
UNREADABLE = -0.3
FITS_TIME, TELLS_NO_HOUR = 0.3, 0.04
# So many names are known that a column of persons has this share of them.
PERSONS = 0.4
TIME_IN_TEXT = re.compile(
    r"(?:19|20)\d\d\s?-?(?:[WwQqKk]|CW|KW|年)?\s?\d{1,2}|\d{1,2}[./ ](?:19|20)\d\d"
    r"|\d{1,2}\.? [^\W\d]{3,9}\.? \d{2,4}"
)
# Whatever is called "orders" and has shorter numbers counts them.
SHORTEST_NUMBER = 3.5
TIMES_OF_NO_USE = ("shipped", "updated")
WORDS_OF_NO_USE = ("note", "tag", "staff", "tracking", "region")
UNLIKE_ITS_KIND, HIGHEST_RATE = -0.6, 60
# What data warehouses write where nobody is known.
UNKNOWN_ID = -1
COUNTED = ("order_id", "session_id", "cart_id", "event_id", "refund_id")


def fitness(profile: Profile, answer: str) -> float:
    """How well values fit an answer: IMPOSSIBLE, -1 (unlike it) to 1 (nothing else); 0: no evidence."""
    if profile.is_empty:
        return -0.05
    kind, _, name = answer.partition(":")
    if kind == "none":
        return _useless_fitness(profile, name)
    if kind == "identifier":
        return personal_fitness(profile, name)
    table, _, column_name = answer.partition(".")
    column = TABLES[table].column[column_name]
    special = SPECIAL.get(answer) or SPECIAL.get(column_name)
    general = _BY_TYPE[column.type](profile, column)
    return general if special is None or general <= IMPOSSIBLE else _within(general + special(profile))


def _useless_fitness(profile: Profile, name: str) -> float:
    """What is of no use has values of its kind, too: times, words or rates."""
    if name in TIMES_OF_NO_USE:
        is_time = profile.time_share > 0.5 or profile.shares["time_of_day"] > 0.5
        return 0.0 if is_time or _has_times_in_text(profile) else UNLIKE_ITS_KIND
    if name in WORDS_OF_NO_USE and profile.has_cents and profile.number_share > NEARLY_ALL:
        return UNLIKE_ITS_KIND
    is_rate = not profile.sorted_numbers or profile.sorted_numbers[-1] <= HIGHEST_RATE
    return 0.0 if name != "tax_rate" or is_rate else UNLIKE_ITS_KIND


def _within(score: float) -> float:
    return IMPOSSIBLE if score <= IMPOSSIBLE / 2 else max(-1.0, min(1.0, score))


def is_readable(profile: Profile, answer: str) -> bool:
    """Whether the parsers read what a column of numbers or times would have to hold."""
    table, _, name = answer.partition(".")
    column = TABLES[table].column[name]
    if profile.is_empty or profile.kind != "text":
        return True
    if column.type in ("timestamp", "date"):
        return profile.time_share >= MOST
    is_number = column.type in ("decimal", "float", "integer")
    return (
        not is_number or profile.number_share >= MOST or (name == "birth_year" and profile.time_share >= MOST)
    )


def _number(profile: Profile, column: Column) -> float:
    if column.name == "birth_year" and profile.time_share > MOST:
        return 0.1
    if profile.dates.is_epoch or profile.kind in ("naive", "date", "zoned") or _is_dated(profile):
        return IMPOSSIBLE
    if profile.number_share < MOST:
        return UNREADABLE if has_numbers_in_text(profile) else IMPOSSIBLE
    if column.type == "decimal":
        return _money(profile)
    return 0.1 if profile.is_whole or column.type == "float" else IMPOSSIBLE


def _is_dated(profile: Profile) -> bool:
    return profile.time_share > MOST and not is_digits(profile)


def _money(profile: Profile) -> float:
    if profile.shares["percent"] > MOST:
        return IMPOSSIBLE
    if profile.shares["money_sign"] > MOST:
        return 0.5
    if profile.has_cents:
        return 0.3
    looks_like_id = profile.is_whole and profile.uniqueness > NEARLY_ALL and profile.mean_length >= 5
    return -0.5 if looks_like_id else 0.0


def _time(profile: Profile, column: Column) -> float:
    """Of two times of one thing the one that tells the hour is its moment."""
    is_moment = column.type == "date" or profile.has_clock
    fits = FITS_TIME if is_moment else FITS_TIME - TELLS_NO_HOUR
    if profile.kind in ("naive", "date", "zoned"):
        return fits
    if profile.shares["time_of_day"] > MOST or profile.shares["year"] > MOST:
        return IMPOSSIBLE
    if profile.time_share < MOST:
        return UNREADABLE if _has_times_in_text(profile) else IMPOSSIBLE
    return fits


def _has_times_in_text(profile: Profile) -> bool:
    """Weeks, months and dates in words that the parsers do not read."""
    return sum(TIME_IN_TEXT.search(value) is not None for value in profile.values) > MOST * len(
        profile.values
    )


def _flag(profile: Profile, _column: Column) -> float:
    words = {value.strip().lower() for value in profile.counts}
    if len(words) > 3:
        return IMPOSSIBLE
    return 0.35 if words <= FLAG_WORDS else -0.5


def _json(profile: Profile, _column: Column) -> float:
    return 0.5 if profile.shares["json"] > MOST or profile.kind == "nested" else IMPOSSIBLE


def _text(profile: Profile, column: Column) -> float:
    is_id = column.name.endswith(("_id", "_code")) or column.identifies is not None
    if profile.kind in ("naive", "date", "zoned") or (
        profile.time_share > NEARLY_ALL and not is_digits(profile)
    ):
        return IMPOSSIBLE
    if profile.number_share > NEARLY_ALL and not profile.is_whole and profile.shares["token"] < MOST:
        return -0.9
    if profile.shares["email"] > MOST:
        return IMPOSSIBLE
    if is_id:
        return _like_id(profile, column)
    return 0.0


def _like_id(profile: Profile, column: Column) -> float:
    if profile.shares["person"] > PERSONS or profile.shares["mobile_zh"] > MOST:
        return -0.7
    if profile.shares["web"] > 0.5:
        return -0.8
    if profile.mean_words > 3 or profile.mean_length > 60 or words_in(profile, FLAG_WORDS) > NEARLY_ALL:
        return -0.5
    if profile.number_share > MOST and any(n < 0 and n != UNKNOWN_ID for n in profile.sorted_numbers):
        return -0.8
    if column.identifies in COUNTED and _is_count(profile):
        return -0.7
    return 0.05 if profile.mean_words < 1.5 else -0.1 if profile.mean_words < 2 else -0.3


def _is_count(profile: Profile) -> bool:
    """Small numbers that repeat: how many, not which."""
    is_short = profile.number_share > NEARLY_ALL and profile.mean_length < SHORTEST_NUMBER
    return is_short and profile.uniqueness < 1


_BY_TYPE: dict[str, Callable[[Profile, Column], float]] = {
    "string": _text,
    "decimal": _number,
    "float": _number,
    "integer": _number,
    "timestamp": _time,
    "date": _time,
    "boolean": _flag,
    "json": _json,
}
