"""Which titles are the same but for how they were typed."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# A block of more titles than this shares a word that says nothing.
LARGEST_BLOCK = 200
NUM_RARE_WORDS = 3
EDGE = 6
# Of longer titles only the rarer words are taken for mistyped.
MOST_WORDS = 6
# Letters that may be wrong, missing, too many or exchanged: 'spoty' is 'spotty', but 'tall' is not 'small'.
MOST_SLIPS = 1
# ... in a long word, if it is the only one that differs.
LONG_WORD, MOST_SLIPS_IN_LONG = 8, 2
# Shorter words (colors, sizes) are never taken for mistyped.
SHORT = 4
# Below 1, the likeness of titles that are not the same letters.
NEARLY_ONE = 0.999
SEPARATORS = re.compile(r"[\W_]+")
NUMBERS = re.compile(r"\d+")
CHINESE = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Title:
    """A title as it is compared: its words in lower case, all its letters without spaces, its numbers."""

    words: tuple[str, ...]
    squashed: str
    numbers: tuple[str, ...]


def read_title(text: str) -> Title:
    plain = SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split()
    squashed = "".join(plain)
    return Title(tuple(plain), squashed, tuple(sorted(NUMBERS.findall(squashed))))


def like_pairs(
    titles: Sequence[Title], groups: Sequence[str], least: float
) -> Iterator[tuple[int, int, float]]:
    """Pairs (of positions, once each) that are in one group and at least so alike, with their likeness.

    Compared are titles with the same numbers (500 ml is not 250 ml) that share a rare word, all words but
    one, or how they begin or end: of 100,000 titles a small part of the five billion pairs. Blocks of more
    than LARGEST_BLOCK titles are left out.
    """
    from rapidfuzz import fuzz, process

    blocks = _blocks(titles, groups)
    members: defaultdict[int, list[list[int]]] = defaultdict(list)
    for block in blocks:
        for place in block:
            members[place].append(block)
    for place, shared in members.items():
        near = sorted({other for block in shared for other in block if other > place})
        if not near:
            continue
        texts = [titles[other].squashed for other in near]
        cutoff = 100 * least
        found = process.extract(
            titles[place].squashed, texts, scorer=fuzz.ratio, processor=None, score_cutoff=cutoff, limit=None
        )
        for _, _, position in found:
            score = likeness(titles[place], titles[near[position]])
            if score >= least:
                yield place, near[position], score


def likeness(one: Title, other: Title) -> float:
    """0 to 1: how alike two titles are; 0 where what differs is no slip of the keyboard.

    1: the same letters and digits. Numbers must be the same, no word may be missing, and Chinese titles must
    be the same: there one character is a word.
    """
    if one.squashed == other.squashed:
        return 1.0
    if one.numbers != other.numbers or CHINESE.search(one.squashed + other.squashed):
        return 0.0
    if not _is_slip(_rest(one, other), _rest(other, one)):
        return 0.0
    from rapidfuzz import fuzz

    return min(fuzz.ratio(one.squashed, other.squashed) / 100, NEARLY_ONE)


def _is_slip(one: list[str], other: list[str]) -> bool:
    """Whether the words that differ are the same but for a slip, or for a space and a slip."""
    from rapidfuzz.distance import OSA

    joined_one, joined_other = "".join(one), "".join(other)
    if min(len(joined_one), len(joined_other)) < SHORT:
        return False
    if len(one) != len(other):
        is_space = abs(len(one) - len(other)) == 1
        return is_space and OSA.distance(joined_one, joined_other) <= MOST_SLIPS
    if any(min(len(a), len(b)) < SHORT for a, b in zip(one, other, strict=True)):
        return False
    slips = sum(OSA.distance(a, b) for a, b in zip(one, other, strict=True))
    is_long = len(one) == 1 and min(len(joined_one), len(joined_other)) >= LONG_WORD
    return slips <= (MOST_SLIPS_IN_LONG if is_long else MOST_SLIPS)


def _rest(one: Title, other: Title) -> list[str]:
    """The words that the other title lacks."""
    left = Counter(one.words) - Counter(other.words)
    return [word for word in one.words if left[word] > 0]


def _blocks(titles: Sequence[Title], groups: Sequence[str]) -> list[list[int]]:
    """Positions of titles that share a group, their numbers, and a sign."""
    known = Counter(word for title in titles for word in set(title.words))
    blocks: defaultdict[tuple[str, tuple[str, ...], str], list[int]] = defaultdict(list)
    for place, (title, group) in enumerate(zip(titles, groups, strict=True)):
        for sign in _signs(title, known):
            blocks[group, title.numbers, sign].append(place)
    return [block for block in blocks.values() if 1 < len(block) <= LARGEST_BLOCK]


def _signs(title: Title, known: Counter[str]) -> set[str]:
    if not title.squashed:
        return set()
    words = sorted(set(title.words), key=lambda word: (known[word], word))
    all_but_one = (
        {" ".join(sorted({*words} - {word})) for word in words[:MOST_WORDS]} if len(words) > 2 else set()
    )
    edges = {f"^{title.squashed[:EDGE]}", f"{title.squashed[-EDGE:]}$", f"={title.squashed}"}
    return {*words[:NUM_RARE_WORDS], *all_but_one, *edges}
