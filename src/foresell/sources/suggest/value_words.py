"""Words that values are made of: they tell what a column is. They stand in `values.toml`."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from foresell.contracts.tables import ORDER_STATUSES
from foresell.sources.words import FALSE_WORDS, STATUS_ALIASES, TRUE_WORDS

_TREE = tomllib.loads(files("foresell.sources.suggest").joinpath("values.toml").read_text(encoding="utf-8"))


def _listed(text: str) -> list[str]:
    return [" ".join(part.split()).lower() for part in text.split(",") if part.strip()]


def _words(name: str) -> frozenset[str]:
    """In the spelling of `detectors.plain_word`."""
    return frozenset(word.replace(" ", "_").replace("-", "_") for word in _listed(_TREE["words"][name]))


def _meanings(name: str) -> Mapping[str, str]:
    return {
        word.replace(" ", "_").replace("-", "_"): meaning
        for meaning, words in _TREE[name].items()
        for word in _listed(words)
    }


# What the words of an order's state and the names of events mean.
STATUS_MEANINGS = _meanings("order_status")
EVENT_MEANINGS = _meanings("event_name")
EVENT_WORDS = frozenset(EVENT_MEANINGS)
STATUS_WORDS = frozenset((*ORDER_STATUSES, *STATUS_ALIASES, *STATUS_MEANINGS)) | _words("other_status")

GENDERS, MEANS_GENDER = _words("genders"), _words("means_gender")
PAYMENT_WORDS = _words("payment_words")
CHANNELS, DEVICES, KINDS_OF_PLACE = _words("channels"), _words("devices"), _words("kinds_of_place")
LANGUAGES = _words("languages")
FIRST_NAMES, SURNAMES_ZH = _words("first_names"), _words("surnames_zh")
COUNTRIES = _words("country_names") | _words("country_codes")
CITIES, REGIONS = frozenset(_listed(_TREE["words"]["cities"])), frozenset(_listed(_TREE["words"]["regions"]))

FLAG_TRUE = frozenset(TRUE_WORDS) | frozenset(_listed(_TREE["words"]["flag_true"]))
FLAG_FALSE = frozenset(FALSE_WORDS) | frozenset(_listed(_TREE["words"]["flag_false"]))
FLAG_WORDS = FLAG_TRUE | FLAG_FALSE
