"""Character n-grams by signed hashing: needs nothing, knows no language, sees only that texts share letters.

Source: Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009; n-grams within
words with boundary marks as in Bojanowski et al., Enriching word vectors with subword information, TACL
2017.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from foresell.behavior.text.plain import plain
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_WIDTH = 512
MOST_WIDTH = 65_536
LENGTHS = (3, 4, 5)
# Scripts that are written without spaces: their words are of one or two characters.
UNSPACED_LENGTHS = (1, 2)
UNSPACED = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(f"([{UNSPACED}]+)|((?:(?![{UNSPACED}])[^\\W_])+)")
START, END = "<", ">"
# Kinds of pieces that are hashed apart: a whole word is not the n-gram of the same letters.
WHOLE_WORD = 0
TEXTS_AT_ONCE = 2_000
ONE, MULTIPLIERS = (
    np.uint64(0x9E3779B97F4A7C15),
    (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)),
)


@dataclass(frozen=True, slots=True)
class HashedEncoder:
    """Of each word (runs of letters and digits; compatibility forms and case folded) the n-grams of 3 to 5
    characters, its ends marked, and the whole word; of Chinese and Japanese the n-grams of 1 and 2.

    Each distinct piece adds ± (1 + ln count) to one of `width` places, sign and place by its hash; the sum is
    scaled to length 1. The same in every process and on every machine.
    """

    width: int = DEFAULT_WIDTH

    @property
    def name(self) -> str:
        return f"hashed-1-{self.width}"

    def encode(self, texts: list[str]) -> "NDArray[np.float32]":
        vectors = np.zeros((len(texts), self.width), np.float32)
        remaining = iter(texts)
        start = 0
        while some := list(islice(remaining, TEXTS_AT_ONCE)):
            vectors[start : start + len(some)] = self._encode_some(some)
            start += len(some)
        return vectors

    def _encode_some(self, texts: list[str]) -> "NDArray[np.float32]":
        rows, hashes = _pieces(texts)
        order = np.lexsort((hashes, rows))
        rows, hashes = rows[order], hashes[order]
        is_first = np.ones(len(rows), bool)
        is_first[1:] = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
        firsts = np.flatnonzero(is_first)
        counts = np.diff(firsts, append=len(rows))
        rows, hashes = rows[firsts], hashes[firsts]
        signs = np.where(hashes >> np.uint64(63), 1.0, -1.0)
        places = (hashes & np.uint64(0xFFFFFFFF)) % np.uint64(self.width)
        cells = rows * self.width + places.astype(np.int64)
        sums = np.bincount(cells, signs * (1 + np.log(counts)), minlength=len(texts) * self.width)
        vectors = sums.reshape(len(texts), self.width)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def make(argument: str = "") -> HashedEncoder:
    """`argument`: the width, 512 by default. Raises InputError for anything but a number from 1 on."""
    if not argument:
        return HashedEncoder()
    if not argument.isdecimal() or not 1 <= int(argument) <= MOST_WIDTH:
        raise InputError(
            "The width of hashed texts must be a whole number",
            received=argument,
            do=f"Give 1 to {MOST_WIDTH}, for example hashed:512.",
        )
    return HashedEncoder(int(argument))


def _pieces(texts: list[str]) -> "tuple[NDArray[np.int64], NDArray[np.uint64]]":
    """The row and the hash of every piece of every text."""
    words: dict[str, int] = {}
    rows, numbers = [], []
    for row, text in enumerate(texts):
        for word in _words(text):
            rows.append(row)
            numbers.append(words.setdefault(word, len(words)))
    of_word, hashes = _pieces_of_words(list(words))
    num_pieces = np.bincount(of_word, minlength=len(words))
    starts = np.concatenate([[0], np.cumsum(num_pieces)])[:-1]
    which = np.array(numbers, np.int64)
    repeats = num_pieces[which]
    within = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return np.repeat(np.array(rows, np.int64), repeats), hashes[np.repeat(starts[which], repeats) + within]


def _words(text: str) -> Iterator[str]:
    """Words of spaced scripts with their ends marked, runs of unspaced ones as they are."""
    folded = unicodedata.normalize("NFKC", plain(text)).casefold()
    for unspaced, spaced in WORD.findall(folded):
        yield unspaced or f"{START}{spaced}{END}"


def _pieces_of_words(words: list[str]) -> "tuple[NDArray[np.int64], NDArray[np.uint64]]":
    """The word and the hash of every piece, ordered by word."""
    sizes = np.array([len(word) for word in words], np.int64)
    codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32).astype(np.uint64)
    starts = np.cumsum(sizes) - sizes
    is_spaced = codes[starts] == np.uint64(ord(START)) if len(words) else np.zeros(0, bool)
    found = [_grams(codes, starts, sizes, is_spaced, length) for length in LENGTHS]
    found += [_grams(codes, starts, sizes, ~is_spaced, length) for length in UNSPACED_LENGTHS]
    found.append(_whole_words(codes, starts, sizes, is_spaced))
    of_word = np.concatenate([piece[0] for piece in found])
    order = np.argsort(of_word, kind="stable")
    return of_word[order], np.concatenate([piece[1] for piece in found])[order]


def _grams(
    codes: "NDArray[np.uint64]",
    starts: "NDArray[np.int64]",
    sizes: "NDArray[np.int64]",
    wanted: "NDArray[np.bool_]",
    length: int,
) -> "tuple[NDArray[np.int64], NDArray[np.uint64]]":
    """All runs of `length` characters within the wanted words."""
    nums = np.where(wanted, np.maximum(sizes - length + 1, 0), 0)
    of_word = np.repeat(np.arange(len(sizes)), nums)
    first = np.arange(nums.sum()) - np.repeat(np.cumsum(nums) - nums, nums) + starts[of_word]
    hashes = np.full(len(first), length, np.uint64)
    for place in range(length):
        hashes = _mixed(hashes ^ codes[first + place])
    return of_word, hashes


def _whole_words(
    codes: "NDArray[np.uint64]",
    starts: "NDArray[np.int64]",
    sizes: "NDArray[np.int64]",
    wanted: "NDArray[np.bool_]",
) -> "tuple[NDArray[np.int64], NDArray[np.uint64]]":
    of_word = np.flatnonzero(wanted)
    hashes = np.full(len(of_word), WHOLE_WORD, np.uint64)
    for place in range(int(sizes[of_word].max(initial=0))):
        goes_on = sizes[of_word] > place
        next_codes = codes[starts[of_word[goes_on]] + place]
        hashes[goes_on] = _mixed(hashes[goes_on] ^ next_codes)
    return of_word, hashes


def _mixed(values: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """splitmix64: every bit of the result depends on every bit of the value."""
    mixed = values + ONE
    mixed = (mixed ^ (mixed >> np.uint64(30))) * MULTIPLIERS[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * MULTIPLIERS[1]
    return mixed ^ (mixed >> np.uint64(31))
