"""Whether the values of a column can be, and look like, what a target column holds."""

import re
from collections.abc import Callable

from foresell.contracts.columns import Column
from foresell.contracts.tables import TABLES
from foresell.sources.suggest.detectors import plain_word
from foresell.sources.suggest.personal import personal_fitness
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.value_words import CHANNELS, DEVICES, FLAG_WORDS, KINDS_OF_PLACE, MEANS_GENDER
from foresell.sources.suggest.verdicts import IMPOSSIBLE, MOST, NEARLY_ALL, is_digits, one_of

# What a clear name can still outweigh: values that say it in a way that the parsers do not read.
UNREADABLE = -0.3
NUMBER_IN_TEXT = re.compile(r"\D{0,5}\d[\d.,' ]*\D{0,12}|\d+\s*/\s*\d+|[★☆*]+")
TIME_IN_TEXT = re.compile(
    r"(?:19|20)\d\d\s?-?(?:[WwQqKk]|CW|KW|年)?\s?\d{1,2}|\d{1,2}[./ ](?:19|20)\d\d|\d{1,2}\.? [^\W\d]{3,9}\.? \d{2,4}"
)
LONG_TEXT = 28
# Whatever is called "orders" and has shorter numbers counts them.
SHORTEST_NUMBER = 3.5
COUNTED = ("order_id", "session_id", "cart_id", "event_id", "refund_id")
# So many names are known that a column of persons has this share of them.
PERSONS = 0.4


def fitness(profile: Profile, answer: str) -> float:
    """How well values fit an answer: IMPOSSIBLE, -1 (unlike it) to 1 (hardly anything else), 0: no evidence."""
    if profile.is_empty:
        return -0.05
    kind, _, name = answer.partition(":")
    if kind == "none":
        return 0.0
    if kind == "identifier":
        return personal_fitness(profile, name)
    table, _, column_name = answer.partition(".")
    column = TABLES[table].column[column_name]
    special = SPECIAL.get(answer) or SPECIAL.get(column_name)
    general = _BY_TYPE[column.type](profile, column)
    return general if special is None or general <= IMPOSSIBLE else _within(general + special(profile))


def _within(score: float) -> float:
    return IMPOSSIBLE if score <= IMPOSSIBLE / 2 else max(-1.0, min(1.0, score))


def _number(profile: Profile, column: Column) -> float:
    if column.name == "birth_year" and profile.time_share > MOST:
        return 0.1
    if profile.dates.is_epoch or profile.kind in ("naive", "date", "zoned") or _is_dated(profile):
        return IMPOSSIBLE
    if profile.number_share < MOST:
        return UNREADABLE if _has_numbers_in_text(profile) else IMPOSSIBLE
    if column.type == "decimal":
        return _money(profile)
    return 0.1 if profile.is_whole or column.type == "float" else IMPOSSIBLE


def _is_dated(profile: Profile) -> bool:
    return profile.time_share > MOST and not is_digits(profile)


def _has_numbers_in_text(profile: Profile) -> bool:
    """Numbers with words behind or before them, such as '2 pcs' or '5/5'."""
    return sum(NUMBER_IN_TEXT.fullmatch(value) is not None for value in profile.values) > MOST * len(
        profile.values
    )


def _money(profile: Profile) -> float:
    if profile.shares["percent"] > MOST:
        return IMPOSSIBLE
    if profile.shares["money_sign"] > MOST:
        return 0.5
    if profile.has_cents:
        return 0.3
    looks_like_id = profile.is_whole and profile.uniqueness > NEARLY_ALL and profile.mean_length >= 5
    return -0.5 if looks_like_id else 0.0


def _time(profile: Profile, _column: Column) -> float:
    if profile.kind in ("naive", "date", "zoned"):
        return 0.3
    if profile.shares["time_of_day"] > MOST or profile.shares["year"] > MOST:
        return IMPOSSIBLE
    if profile.time_share < MOST:
        return UNREADABLE if _has_times_in_text(profile) else IMPOSSIBLE
    return 0.3


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
    if profile.mean_words > 3 or profile.mean_length > 60 or _words_in(profile, FLAG_WORDS) > NEARLY_ALL:
        return -0.5
    if profile.number_share > MOST and profile.sorted_numbers and profile.sorted_numbers[0] < 0:
        return -0.8
    if column.identifies in COUNTED and _is_count(profile):
        return -0.7
    return 0.05 if profile.mean_words < 1.5 else -0.1 if profile.mean_words < 2 else -0.3


def _is_count(profile: Profile) -> bool:
    """Small numbers that repeat: how many, not which."""
    is_short = profile.number_share > NEARLY_ALL and profile.mean_length < SHORTEST_NUMBER
    return is_short and profile.uniqueness < 1


def _words_in(profile: Profile, words: frozenset[str]) -> float:
    values = profile.values[:200]
    return sum(plain_word(value) in words for value in values) / len(values) if values else 0.0


def _choice(words: frozenset[str], yes: float, most: int = 60) -> Callable[[Profile], float]:
    """A column of few different words, known ones at best."""

    def score(profile: Profile) -> float:
        if len(profile.counts) > most or profile.number_share > NEARLY_ALL:
            return -0.7
        return yes if _words_in(profile, words) > 0.5 else 0.0

    return score


def _few(most_unique: float, no: float = -0.5) -> Callable[[Profile], float]:
    def score(profile: Profile) -> float:
        is_spread = profile.num_given > 20 and profile.uniqueness > most_unique
        return no if is_spread or _is_bare_number(profile) else 0.05

    return score


def _is_bare_number(profile: Profile) -> bool:
    return profile.number_share > NEARLY_ALL


def _event(profile: Profile) -> float:
    share = profile.shares["event"]
    if share >= 0.5 and len(profile.counts) > 1:
        return 0.9 if share >= NEARLY_ALL else 0.7
    return -0.2 if share > 0 else -0.7


def _status(profile: Profile) -> float:
    if profile.num_given > 20 and len(profile.counts) > 25:
        return IMPOSSIBLE
    if profile.shares["status"] >= 0.6:
        return 0.4
    return -0.6 if profile.shares["flag"] > NEARLY_ALL or _is_bare_number(profile) else -0.15


def _title(profile: Profile) -> float:
    if not any(character.isalpha() for value in profile.values for character in value):
        return -0.8
    if _is_bare_number(profile) or profile.shares["sku"] > NEARLY_ALL or profile.shares["country"] > MOST:
        return -0.8
    if profile.shares["person"] > 0.5 or profile.shares["web"] > 0.5:
        return -0.8
    is_wordy = profile.mean_words >= 1.5 or (profile.shares["chinese"] > 0.5 and profile.mean_length >= 4)
    return 0.25 if is_wordy and profile.mean_length < 160 else 0.0


def _long_text(profile: Profile) -> float:
    if _is_bare_number(profile):
        return -0.9
    chinese = profile.shares["chinese"] > 0.5
    return 0.35 if profile.mean_length > (9 if chinese else LONG_TEXT) else -0.25


def _age(profile: Profile) -> float:
    if profile.shares["age"] > 0.85 or profile.shares["band"] > MOST:
        return 0.35
    return -0.7


def _income(profile: Profile) -> float:
    if profile.shares["band"] > MOST:
        return 0.3
    return 0.6 if _is_bare_number(profile) else -0.3


def _birth(profile: Profile) -> float:
    return 0.6 if profile.shares["year"] > NEARLY_ALL else 0.0 if profile.time_share > MOST else -0.4


def _rating(profile: Profile) -> float:
    numbers = profile.sorted_numbers
    if not numbers:
        return 0.0 if _has_numbers_in_text(profile) else -0.8
    if numbers[0] < 0 or numbers[-1] > 10:
        return -0.8
    return 0.35 if len(numbers) <= 21 else 0.0


def _share_of_one(profile: Profile) -> float:
    numbers = profile.sorted_numbers
    return 0.2 if numbers and numbers[0] >= 0 and numbers[-1] <= 1 else -0.4


def _quantity(profile: Profile) -> float:
    numbers = profile.sorted_numbers
    if not numbers:
        return 0.0
    if profile.mean_length >= 7 and profile.uniqueness > 0.5:
        return -0.8
    if profile.is_whole and numbers[-1] < 100_000:
        return 0.15
    return -0.3 if profile.has_cents and not profile.is_whole else 0.0


def _gender(profile: Profile) -> float:
    is_meant = any(plain_word(value) in MEANS_GENDER for value in profile.values)
    return 0.9 if profile.shares["gender"] >= 0.8 and len(profile.counts) <= 8 and is_meant else -0.8


def _whole_count(profile: Profile) -> float:
    return 0.1 if profile.sorted_numbers and profile.sorted_numbers[0] >= 0 else -0.5


def _household(profile: Profile) -> float:
    if not _is_bare_number(profile):
        return 0.0
    return 0.1 if profile.sorted_numbers[-1] <= 20 else -0.9


def _order_id(profile: Profile) -> float:
    """Also what merely is called a name: '#1001'."""
    is_numbered = all(value.startswith("#") and value[1:].isdigit() for value in profile.values)
    return 0.6 if is_numbered else 0.0


SPECIAL: dict[str, Callable[[Profile], float]] = {
    "order_id": _order_id,
    "currency": one_of("currency", 0.85, -9.0, NEARLY_ALL),
    "country": one_of("country", 0.5),
    "billing_country": one_of("country", 0.5),
    "shipping_country": one_of("country", 0.5),
    "city": lambda p: (
        -0.9 if _is_bare_number(p) or p.shares["country"] > 0.7 else 0.4 if p.shares["city"] > 0.4 else 0.0
    ),
    "gender": _gender,
    "event_name": _event,
    "orders.status": _status,
    "tickets.status": _few(0.5),
    "products.status": _few(0.5, -0.7),
    "payment_method": lambda p: (
        0.4 if p.shares["payment"] > 0.4 else -0.7 if len(p.counts) > 60 or p.shares["flag"] > 0.9 else -0.05
    ),
    "channel": _choice(CHANNELS, 0.3),
    "platform": _choice(DEVICES | CHANNELS, 0.3),
    "device_type": _choice(DEVICES, 0.4),
    "page_url": one_of("url", 0.4, -9.0, 0.6),
    "referrer": one_of("url", 0.3, -0.4, 0.4),
    "image_url": lambda p: 0.8 if p.shares["image"] > 0.6 else 0.0 if p.shares["web"] > 0.6 else IMPOSSIBLE,
    "category_path": one_of("path", 0.5, -0.45, 0.5),
    "category": lambda p: (
        -0.7
        if _is_bare_number(p) or p.shares["event"] > 0.9
        else -0.25
        if p.shares["path"] > 0.6
        else _few(0.7)(p)
    ),
    "department": _few(0.5),
    "brand": _few(0.8),
    "products.title": _title,
    "reviews.title": lambda p: -0.9 if _is_bare_number(p) else 0.1,
    "name": lambda p: -0.8 if _is_bare_number(p) else 0.0,
    "description": _long_text,
    "body": _long_text,
    "kind": _few(0.4),
    "reason": _few(0.7),
    "intent": _few(0.6),
    "age_band": _age,
    "income_band": _income,
    "household": _household,
    "birth_year": _birth,
    "rating": _rating,
    "satisfaction": _rating,
    "propensity": _share_of_one,
    "discount_rate": _share_of_one,
    "quantity": _quantity,
    "on_hand": _quantity,
    "on_order": _quantity,
    "lead_time_days": _quantity,
    "pack_size": _quantity,
    "min_order_quantity": _quantity,
    "position": _quantity,
    "clicks": _whole_count,
    "impressions": _whole_count,
    "language": one_of("language", 0.6, -0.9),
    "time_zone": one_of("time_zone", 0.9, -0.9),
    "coupon_code": lambda p: 0.1 if p.shares["coupon"] > 0.6 else -0.3,
    "coupon_codes": lambda p: 0.1 if p.shares["coupon"] > 0.6 else -0.3,
    "locations.kind": _choice(KINDS_OF_PLACE, 0.4),
    "locations.name": lambda p: 0.1 if not _is_bare_number(p) else -0.8,
    "search_query": lambda p: -0.8 if _is_bare_number(p) else 0.0,
    "variant": _few(0.3),
    "policy": _few(0.3),
    "purpose": _few(0.3),
}


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
