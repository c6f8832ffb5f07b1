"""Which titles are the same but for how they were typed."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

# A block of more titles than this shares a word that says nothing.
LARGEST_BLOCK = 200
NUM_RARE_WORDS = 3
EDGE = 5
# Words that differ must be so alike to be one word mistyped: 'spoty' and 'spotty', but not 'red' and 'blue'.
LEAST_WORD_LIKENESS = 0.75
SHORT = 4
SEPARATORS = re.compile(r"[\W_]+")
CHINESE = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Title:
    """A title as it is compared: its words in lower case, and all its letters without spaces."""

    words: tuple[str, ...]
    squashed: str

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(sorted(re.findall(r"\d+", self.squashed)))


def read_title(text: str) -> Title:
    plain = SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split()
    return Title(tuple(plain), "".join(plain))


def likeness(one: Title, other: Title) -> float:
    """0 to 1: how alike two titles are; 0 where what differs is no slip of the keyboard.

    1: the same letters and digits. Numbers must be the same (500 ml is not 250 ml), a word that differs must
    be like its counterpart, and Chinese titles must be the same: there one character is a word. Short words
    (below SHORT letters: colors, sizes) are never taken for mistyped.
    """
    if one.squashed == other.squashed:
        return 1.0
    if one.numbers != other.numbers or CHINESE.search(one.squashed + other.squashed):
        return 0.0
    from rapidfuzz import fuzz

    rest_one, rest_other = _rest(one, other), _rest(other, one)
    if min(len(rest_one), len(rest_other)) < SHORT:
        return 0.0
    if fuzz.ratio(rest_one, rest_other) < 100 * LEAST_WORD_LIKENESS:
        return 0.0
    return min(fuzz.ratio(one.squashed, other.squashed) / 100, 0.999)


def _rest(one: Title, other: Title) -> str:
    """The words that the other title lacks, joined."""
    left = Counter(one.words) - Counter(other.words)
    return "".join(word for word in one.words if left[word] > 0)


def candidate_pairs(titles: Sequence[Title], groups: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs (of positions, once each) within a group that share a rare word, or how they begin or end.

    Blocks of more than LARGEST_BLOCK are left out: 100,000 titles give some million pairs, not billions.
    """
    known = Counter(word for title in titles for word in set(title.words))
    blocks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (title, group) in enumerate(zip(titles, groups, strict=True)):
        for sign in _signs(title, known):
            blocks[group, sign].append(place)
    seen: set[tuple[int, int]] = set()
    for members in blocks.values():
        if 1 < len(members) <= LARGEST_BLOCK:
            for pair in combinations(members, 2):
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def _signs(title: Title, known: Counter[str]) -> set[str]:
    rare = sorted(set(title.words), key=lambda word: (known[word], word))[:NUM_RARE_WORDS]
    edges = (f"^{title.squashed[:EDGE]}", f"{title.squashed[-EDGE:]}$") if title.squashed else ()
    whole = (f"={title.squashed}",) if title.squashed else ()
    return {*rare, *edges, *whole}
