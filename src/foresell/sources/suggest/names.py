"""What a column's name says: cut into words, made plain English tokens, compared with the vocabulary."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from foresell.sources.suggest.abbreviations import written_out
from foresell.sources.suggest.vocabulary import Lexicon, lexicon, phrases, simplified

CJK = r"\u3400-\u9fff"
WORD = re.compile(rf"[{CJK}]+|[^\W_]+|#", re.UNICODE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
DIGITS_END = re.compile(r"(?<=[^\W\d_])(?=\d+$)")
# What stands in brackets after a name is a unit or a currency far more often than a part of the name.
UNIT = re.compile(
    r"[(（\[【]\s*(?:[\w€$£¥%/ ]{1,4}|[A-Z]{3}|元|人民币|件|个|天|万元|美元|incl\.? (?:tax|vat)|excl\.? (?:tax|vat)|"
    r"含税|不含税|inc tax|ex tax|days|pcs|units|utc)\s*[)）\]】]",
    re.IGNORECASE,
)
SEPARATORS = re.compile(r"[\s_\-.]+")
# A number of things counts them; the number of a thing names it.
COUNT = re.compile(r"\b(?:number|num|no|nr)[\s_]+of\b|#[\s_]*of\b", re.IGNORECASE)
SHORTEST_PART = 3
FLOWS = ("s", "es", "n", "en")
SAME_ORDER, SAME_WORDS, LIKENESS_POWER, LEAST = 0.98, 0.92, 1.7, 0.15


def plain(text: str) -> str:
    """Simplified characters, full-width letters as plain ones, no accents."""
    decomposed = unicodedata.normalize("NFKD", simplified(text))
    return unicodedata.normalize("NFKC", "".join(c for c in decomposed if not unicodedata.combining(c)))


@cache
def tokens_of(name: str) -> tuple[str, ...]:
    """A name as plain tokens: 'Order No.', 'orderNumber' and '订单编号' are ('order', 'id')."""
    words = _words(UNIT.sub(" ", name))
    known = lexicon()
    tokens = [token for word in words for token in _translated(word, known)]
    kept = [token for token in tokens if token not in known.ignored]
    kept = kept or tokens
    while len(kept) > 1 and kept[0] in known.prefixes:
        kept = kept[1:]
    return tuple(_merged(kept))


def _words(name: str) -> list[str]:
    text = COUNT.sub(" count ", plain(name)).replace("'", "")
    words: list[str] = []
    for piece in WORD.findall(text):
        parts = CAMEL.split(piece) if not piece.isupper() else [piece]
        for part in parts:
            words.extend(word.lower() for word in DIGITS_END.split(part) if word)
    return words


def _translated(word: str, known: Lexicon) -> list[str]:
    if word in known.tokens:
        return [known.tokens[word]]
    if word in known.ignored:
        return [word]
    if re.match(f"[{CJK}]", word):
        return _segments(word, known)
    if word in known.phrase_words or word.isdigit():
        return [word]
    if parts := _compound(word, known):
        return parts
    singular = word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
    if singular in known.tokens or singular in known.phrase_words:
        return [known.tokens.get(singular, singular)]
    full = written_out(word)
    return [known.tokens.get(full, full) if full else singular]


def _segments(text: str, known: Lexicon) -> list[str]:
    """Chinese text by the longest words that are known; what is not known, a character each."""
    found, place = [], 0
    while place < len(text):
        length = next(
            (
                size
                for size in range(min(6, len(text) - place), 0, -1)
                if text[place : place + size] in known.tokens
            ),
            0,
        )
        part = text[place : place + max(length, 1)]
        found.append(known.tokens.get(part, part))
        place += max(length, 1)
    return found


@lru_cache(maxsize=4096)
def _compound_cached(word: str) -> tuple[str, ...]:
    known = lexicon()
    if not word:
        return ()
    for size in range(len(word), 1, -1):
        head = word[:size]
        if head not in known.tokens and head not in known.phrase_words:
            continue
        rest = word[size:]
        if size < SHORTEST_PART and rest:
            continue
        if not rest or rest in FLOWS:
            return (known.tokens.get(head, head),)
        for tail in (rest, rest[1:] if rest[0] in "sn" else ""):
            if tail and (parts := _compound_cached(tail)):
                return (known.tokens.get(head, head), *parts)
    return ()


def _compound(word: str, known: Lexicon) -> list[str]:
    """The known words that a word is written together of, such as 'ordernumber' or 'Bestelldatum'."""
    return list(_compound_cached(word)) if len(word) > 2 * SHORTEST_PART - 1 else []


def _merged(tokens: Iterable[str]) -> list[str]:
    """Each token once, in order: 'order order id' says no more than 'order id'."""
    return list(dict.fromkeys(tokens))


def is_known(token: str) -> bool:
    """Whether the vocabulary has a token at all."""
    return token in lexicon().tokens or token in lexicon().phrase_words or token in _index()[0]


@dataclass(frozen=True)
class _Known:
    """A phrase of the vocabulary: what it answers, its weight, its tokens."""

    answer: str
    weight: float
    tokens: tuple[str, ...]
    bag: frozenset[str]
    size: float


@cache
def _index() -> tuple[dict[str, list[_Known]], dict[str, list[tuple[str, float]]]]:
    """Phrases by each of their tokens, and answers by whole phrases."""
    by_token: dict[str, list[_Known]] = defaultdict(list)
    by_text: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for answer, given in phrases().items():
        for text, weight in given:
            tokens = tokens_of(text)
            known = _Known(answer, weight, tokens, frozenset(tokens), _size(tokens))
            by_text[plain(text)].append((answer, weight))
            for token in known.bag:
                by_token[token].append(known)
    return dict(by_token), dict(by_text)


def _size(tokens: Iterable[str]) -> float:
    return sum(map(lexicon().weight, set(tokens)))


@cache
def name_scores(name: str) -> dict[str, float]:
    """Answer → how well the name fits the best of its phrases, 0 to 1; answers that it does not fit are left out.

    1: it is the phrase; 0.98: it says the same in other words; below: the likeness of the tokens (Dice's
    coefficient, weighted by how much a token says, to the power LIKENESS_POWER).
    """
    by_token, by_text = _index()
    text = SEPARATORS.sub(" ", plain(name)).strip().lower()
    found: dict[str, float] = {}
    for answer, weight in by_text.get(text, ()):
        found[answer] = max(weight, found.get(answer, 0.0))
    tokens = tokens_of(name)
    bag, size = frozenset(tokens), _size(tokens)
    for token in bag:
        for known in by_token.get(token, ()):
            best = found.get(known.answer, 0.0)
            if known.weight > best:
                found[known.answer] = max(best, known.weight * _likeness(tokens, bag, size, known))
    return {answer: score for answer, score in found.items() if score >= LEAST}


def _likeness(tokens: tuple[str, ...], bag: frozenset[str], size: float, known: _Known) -> float:
    if bag == known.bag:
        return SAME_ORDER if tokens == known.tokens else SAME_WORDS
    dice = 2 * _size(bag & known.bag) / (size + known.size)
    return float(SAME_WORDS * dice**LIKENESS_POWER)
