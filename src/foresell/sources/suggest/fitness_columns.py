"""What the values of single target columns look like: what each adds to the fitness of its type, -1 to 1."""

import re
from collections.abc import Callable

from foresell.sources.suggest.detectors import plain_word
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.value_words import CHANNELS, DEVICES, KINDS_OF_PLACE, MEANS_GENDER
from foresell.sources.suggest.verdicts import IMPOSSIBLE, MOST, NEARLY_ALL, one_of

NUMBER_IN_TEXT = re.compile(r"\D{0,5}\d[\d.,' ]*\D{0,12}|\d+\s*/\s*\d+|[★☆*]+")
LONG_TEXT = 28
# A "state" that mostly holds names of regions is one.
REGIONS_OF_STATES = 0.5
MOST_PLACES = 0.6


def has_numbers_in_text(profile: Profile) -> bool:
    """Numbers with words behind or before them, such as '2 pcs' or '5/5'."""
    found = sum(NUMBER_IN_TEXT.fullmatch(value) is not None for value in profile.values)
    return found > MOST * len(profile.values)


def words_in(profile: Profile, words: frozenset[str]) -> float:
    values = profile.values[:200]
    return sum(plain_word(value) in words for value in values) / len(values) if values else 0.0


def _choice(words: frozenset[str], yes: float, most: int = 60) -> Callable[[Profile], float]:
    """A column of few different words, known ones at best."""

    def score(profile: Profile) -> float:
        if len(profile.counts) > most or profile.number_share > NEARLY_ALL:
            return -0.7
        return yes if words_in(profile, words) > 0.5 else 0.0

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
    if profile.shares["region"] >= REGIONS_OF_STATES:
        return -0.9
    return -0.6 if profile.shares["flag"] > NEARLY_ALL or _is_bare_number(profile) else -0.15


def _place(profile: Profile) -> float:
    """Shops and warehouses are few; what has one for nearly every row is a shelf or an address."""
    is_spread = profile.num_given > 10 and len(profile.counts) > 8 and profile.uniqueness > MOST_PLACES
    return -0.25 if is_spread else 0.0


def _parent(profile: Profile) -> float:
    """A number of several variants; groups and categories are words."""
    has_digits = any(map(str.isdigit, "".join(profile.values)))
    return 0.0 if has_digits else -0.4


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
        return 0.0 if has_numbers_in_text(profile) else -0.8
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


def _discount(profile: Profile) -> float:
    """Money; round shares of one, never the whole, are rates."""
    given = {number for number in profile.sorted_numbers if number}
    is_rate = len(given) > 1 and all(0 < n < 1 and (n * 20).is_integer() for n in given)
    return IMPOSSIBLE if is_rate else 0.0


def _whole_count(profile: Profile) -> float:
    return 0.1 if profile.sorted_numbers and profile.sorted_numbers[0] >= 0 else -0.5


def _household(profile: Profile) -> float:
    if not _is_bare_number(profile):
        return 0.0
    return 0.1 if profile.sorted_numbers[-1] <= 20 else -0.9


def _order_id(profile: Profile) -> float:
    """Also what merely is called a name: '#1001'."""
    is_numbered = all(value.startswith("#") and value[1:].isdigit() for value in profile.values)
    return 0.4 if is_numbered else 0.0


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
    "category_path": one_of("path", 0.9, -0.45, 0.5),
    "category": lambda p: (
        -0.7
        if _is_bare_number(p) or p.shares["event"] > 0.9
        else -0.4
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
    "discount_amount": _discount,
    "vendor_discount_amount": _discount,
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
    "location_id": _place,
    "locations.location_id": lambda _: 0.0,
    "parent_product_id": _parent,
    "locations.kind": _choice(KINDS_OF_PLACE, 0.4),
    "locations.name": lambda p: 0.1 if not _is_bare_number(p) else -0.8,
    "search_query": lambda p: -0.8 if _is_bare_number(p) else 0.0,
    "variant": _few(0.3),
    "policy": _few(0.3),
    "purpose": _few(0.3),
}
