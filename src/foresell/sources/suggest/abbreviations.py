"""Words of which letters were left out: rfnd, cmpgn, vndr, descr."""

import re
from collections import Counter
from functools import cache

from foresell.sources.suggest.vocabulary import lexicon, phrase_word_counts

SHORTEST, LONGEST = 3, 8
SHORTEST_BEGINNING = 4
# A word that the vocabulary has only once is too rare to be abbreviated.
FEWEST_USES = 2
VOWELS = re.compile("[aeiou]")
DOUBLED = re.compile(r"(.)\1")


@cache
def written_out(word: str) -> str | None:
    """The word of the vocabulary that an unknown one abbreviates, if any does.

    First those with the same consonants (rfnd, refund); then those that begin so (descr, description); then
    those that have its letters in order, from their first to their last consonant (rtn, return). Of several
    the one with the largest share of its letters kept, then the most used.
    """
    if not (SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isalpha()):
        return None
    known = _by_initial().get(word[0], {})
    bones = _consonants(word)
    by_rule = (
        [full for full in known if len(bones) >= SHORTEST and _consonants(full) == bones],
        [full for full in known if len(word) >= SHORTEST_BEGINNING and full.startswith(word)],
        [full for full in known if bones == word and _is_within(bones, _consonants(full))],
    )
    for found in by_rule:
        longer = [full for full in found if len(full) > len(word)]
        if longer:
            return max(longer, key=lambda full: (len(word) / len(full), known[full]))
    return None


def _consonants(word: str) -> str:
    """The first letter and the consonants after it, doubled ones once."""
    return DOUBLED.sub(r"\1", word[0] + VOWELS.sub("", word[1:]))


def _is_within(short: str, full: str) -> bool:
    """The letters of one in the other, in order, up to its last letter or as its beginning."""
    if not full.endswith(short[-1]) and not full.startswith(short):
        return False
    letters = iter(full)
    return all(letter in letters for letter in short)


@cache
def _by_initial() -> dict[str, dict[str, int]]:
    counts = Counter(phrase_word_counts())
    for word in lexicon().tokens:
        if word.isascii() and word.isalpha() and len(word) > LONGEST // 2:
            counts[word] += 1
    found: dict[str, dict[str, int]] = {}
    for word, count in counts.items():
        if count >= FEWEST_USES and len(word) > SHORTEST:
            found.setdefault(word[0], {})[word] = count
    return found
