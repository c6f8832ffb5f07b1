"""Whether the values of a column look like a direct identifier: e-mail, phone, name, address …"""

from collections.abc import Callable

from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.verdicts import IMPOSSIBLE, MOST, NEARLY_ALL, is_digits, one_of

SHORTEST_DOCUMENT = 6
LONGEST_CODE, FEWEST_CODES = 4, 10


def personal_fitness(profile: Profile, kind: str) -> float:
    """How well values fit a kind of direct identifier; see `fitness.fitness`."""
    if kind in _PERSONAL:
        return _PERSONAL[kind](profile)
    return -0.9 if _is_money_or_time(profile) else 0.0


def _is_money_or_time(profile: Profile) -> bool:
    is_number = profile.number_share > NEARLY_ALL and not profile.is_whole
    return is_number or (profile.time_share > NEARLY_ALL and not is_digits(profile))


def _phone(profile: Profile) -> float:
    if profile.time_share > 0.5 and not is_digits(profile):
        return IMPOSSIBLE
    if profile.shares["mobile_zh"] > MOST:
        return 0.8
    if profile.shares["phone"] < 0.6 or profile.has_cents:
        return IMPOSSIBLE
    return 0.6 if any(value.lstrip().startswith(("+", "00", "(", "0")) for value in profile.values) else 0.1


def _person(profile: Profile) -> float:
    if not any(character.isalpha() for value in profile.values for character in value):
        return IMPOSSIBLE
    if profile.number_share > 0.5 or profile.shares["web"] > 0.5 or profile.shares["country"] > MOST:
        return IMPOSSIBLE
    if profile.shares["person"] >= 0.4:
        return 0.75
    is_coded = (
        profile.shares["sku"] > NEARLY_ALL
        or profile.shares["payment"] > 0.4
        or profile.shares["status"] > 0.5
    )
    return -0.6 if is_coded else 0.1 if profile.shares["name_shape"] > 0.6 else -0.1


def _address(profile: Profile) -> float:
    if profile.shares["email"] > 0.5 or profile.shares["ip"] > 0.5 or profile.shares["country"] > MOST:
        return IMPOSSIBLE
    if _is_money_or_time(profile):
        return IMPOSSIBLE
    if _is_short_code(profile):
        return -0.4
    if profile.shares["street"] > 0.5 and profile.mean_length > 7:
        return 0.6
    return 0.15 if profile.shares["postcode"] > MOST else -0.1


def _is_short_code(profile: Profile) -> bool:
    """A few short numbers, again and again: of shops, not of houses or postal areas."""
    is_short = is_digits(profile) and profile.mean_length <= LONGEST_CODE
    return is_short and profile.num_given > FEWEST_CODES and profile.uniqueness < 0.5


def _document(profile: Profile) -> float:
    if profile.shares["document_zh"] > MOST:
        return 1.0
    if profile.mean_length < SHORTEST_DOCUMENT or not any(map(str.isdigit, "".join(profile.values))):
        return IMPOSSIBLE
    return -0.9 if _is_money_or_time(profile) else 0.0


_PERSONAL: dict[str, Callable[[Profile], float]] = {
    "email": one_of("email", 1.0, IMPOSSIBLE, 0.6),
    "ip": one_of("ip", 1.0, IMPOSSIBLE, 0.6),
    "phone": _phone,
    "name": _person,
    "address": _address,
    "document": _document,
    "card": one_of("card", 0.2, -0.1),
}
