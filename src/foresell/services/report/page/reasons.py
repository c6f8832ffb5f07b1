"""Reasons of recommendations, which are kept in the store's language, in the page's."""

import re
from typing import Literal, cast


def reason_in(reason: str, language: str) -> str:
    """The reason in "en" or "zh"; one that is none of the recommenders' sentences stays as it is."""
    from foresell.predict.recommend.reasons import REASONS

    for sentences in REASONS.values():
        for code, sentence in sentences.items():
            match = re.fullmatch("(.*)".join(map(re.escape, sentence.split("{}"))), reason, re.DOTALL)
            if match:
                return REASONS[cast("Literal['en', 'zh']", language)][code].format(*match.groups())
    return reason
