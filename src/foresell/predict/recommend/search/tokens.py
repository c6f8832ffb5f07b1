"""Texts as the words that a shopper may type: without case and accents; Chinese in pairs of characters."""

import re
import unicodedata
from functools import cache

from foresell.behavior.text.hashed import UNSPACED

# Thai, Lao, Khmer and Burmese are written without spaces as well.
WITHOUT_SPACES = UNSPACED + "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
# Letters that Unicode does not take apart, as they are typed without the right keyboard.
PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "þ": "th"})
FIRST_ACCENT, LAST_ACCENT = "\u0300", "\u036f"
LAST_IN_PLANE = 0xFFFF
# Longer runs of letters are codes and noise; they are cut.
MOST_CHARACTERS = 60


def folded(text: str) -> str:
    """Two spellings of one word become equal: case, accents, width, ligatures, composed or not."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(sign for sign in apart if not FIRST_ACCENT <= sign <= LAST_ACCENT)
    return unicodedata.normalize("NFC", bare).translate(PLAIN)


def tokens(text: str, *, is_query: bool = False) -> list[str]:
    """The words of a text, in order.

    Words joined by signs ("T-Shirt", "Levi's") are given in parts and as one. A run of characters that are
    written without spaces gives its pairs and, where it is no query or is one character, each character.
    """
    found: list[str] = []
    for unspaced, compound in _pattern().findall(folded(text)):
        if unspaced:
            pairs = [unspaced[place : place + 2] for place in range(len(unspaced) - 1)]
            found += pairs if is_query and pairs else [*unspaced, *pairs]
            continue
        parts = [part for part in _joints().split(compound) if part]
        found += [part[:MOST_CHARACTERS] for part in parts]
        if len(parts) > 1:
            found.append("".join(parts)[:MOST_CHARACTERS])
    return found


@cache
def _pattern() -> re.Pattern[str]:
    """Runs without spaces; or words (letters, digits and their marks), joined by single signs."""
    marks = "".join(
        sign for sign in map(chr, range(LAST_IN_PLANE)) if unicodedata.category(sign) in ("Mn", "Mc")
    )
    word = f"(?:(?![{WITHOUT_SPACES}])[^\\W_]|[{marks}])+"
    return re.compile(f"([{WITHOUT_SPACES}]+)|({word}(?:['’.\\-&+]{word})*)")


@cache
def _joints() -> re.Pattern[str]:
    return re.compile(r"['’.\-&+]")
