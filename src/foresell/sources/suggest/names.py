"""What a column's name says: cut into words, made plain English tokens, compared with the vocabulary."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from foresell.sources.suggest.abbreviations import written_out
from foresell.sources.suggest.vocabulary import Lexicon, lexicon, phrases, plain
from foresell.sources.words import CURRENCIES

CJK = r"\u3400-\u9fff"
WORD = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+|#", re.UNICODE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
DIGITS_END = re.compile(r"(?<=[^\W\d_])(?=\d+$)")
# What stands in brackets after a name is a unit or a currency far more often than a part of the name.
UNIT = re.compile(
    rf"[(（\[【]\s*(?:{'|'.join(CURRENCIES)}|[€$£¥]|元|人民币|件|个|天|万元|美元|含税|不含税|days?|pcs|units|utc|gmt|kg|g|cm|mm"
    r"|(?:incl?|excl?)\.? ?(?:tax|vat)|net|gross|yes/no|y/n)\s*[)）\]】]",
    re.IGNORECASE,
)
BRACKETS = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")
SLASH = re.compile(r"\s+/\s+|(?<=[a-z])/(?=[A-Za-z]{3})|\||、")
BESIDE, ONE_SIDE = 0.93, 0.85
# "dsc" is a discount of these, and the description of whatever else.
DISCOUNTED = ("order", "order ", "ord", "o", "line", "ln", "total", "tot", "ttl", "coupon", "cart")
# Where names are paths ("order.customer.id"), what their ends say.
PATH = re.compile(r"(?<=\w)(?:\.|__|/|:)(?=[A-Za-z])")
INNER, INNERMOST = 0.97, 0.85
# A number of things counts them; the number of a thing names it.
COUNT = re.compile(r"\b(?:number|num|no|nr)[\s_]+of\b|#[\s_]*of\b", re.IGNORECASE)
# Weights of words that say little, and of words that many names have.
LIGHT, COMMON = 0.3, 0.75
# So does a number before a plural: "num_orders".
COUNT_OF_MANY = re.compile(
    r"(?<![a-z])(?:num|number|nbr|no|nr|n)\.?[\s_]+(?=[a-z]{3,}[^su]s(?![a-z]))", re.IGNORECASE
)
# Questionnaires number what they ask: "3、您的年龄段：".
NUMBERED = re.compile(r"^\s*[Qq]?\d{1,3}\s*(?:[、．)）:：]|[.](?=\D))\s*")
SHORTEST_PART = 3
BARE_ID = 0.7
# "Created at" and "created on" are times, as "date created" is.
MOMENTS = ("at", "on", "am", "le")
# A rate that is stated ("VAT 19%") leaves an amount; without a number the column holds the rates.
STATED_RATE = re.compile(r"\d+(?:[.,]\d+)?\s*%")
# What an amount holds is no tax: "total incl. VAT", "net of tax".
_TAX, _GAP = r"(?:tax|vat|gst|mwst|ust|btw|tva|iva)", r"\.?[\s_-]*"
_WITH = r"(?:incl?|inc|including|included|inclusive|with|inkl|con|incluid[oa]|inclus|comprise?)"
_WITHOUT = r"(?:excl?|ex|excluding|excluded|exclusive|before|without|w/o|net of|less|exkl|ohne|zzgl|sin|hors|exclue?)"
WITH_TAX, WITHOUT_TAX = (
    re.compile(rf"(?<![a-z])(?:{word}{_GAP}{_TAX}|{_TAX}{_GAP}{word})(?![a-z])", re.IGNORECASE)
    for word in (_WITH, _WITHOUT)
)
# What a single letter before the rest of a name stands for: "o_id", "c_name".
INITIAL = re.compile(r"^([ocp])[_.](?=[a-z])", re.IGNORECASE)
INITIALS = {"o": "order ", "c": "customer ", "p": "product "}
FLOWS = ("s", "es", "n", "en")
SAME_ORDER, SAME_WORDS, LIKENESS_POWER, LEAST = 0.98, 0.92, 1.7, 0.15


@cache
def tokens_of(name: str) -> tuple[str, ...]:
    """A name as plain tokens: 'Order No.', 'orderNumber' and '订单编号' are ('order', 'id')."""
    words = _words(UNIT.sub(" ", name))
    if len(words) > 1 and words[-1] in MOMENTS:
        words[-1] = "time"
    known = lexicon()
    tokens = [token for word in words for token in _translated(word, known)]
    kept = [token for token in tokens if token not in known.ignored]
    kept = kept or tokens
    while len(kept) > 1 and kept[0] in known.prefixes:
        kept = kept[1:]
    kept = _merged(kept)
    if kept[-1:] == ["id"] and "time" in kept[:-1]:
        # A data warehouse's key of a day.
        kept = kept[:-1]
    return tuple(kept)


def _words(name: str) -> list[str]:
    asked = NUMBERED.sub("", plain(name)) or name
    text = INITIAL.sub(lambda match: INITIALS[match[1].lower()], asked)
    text = WITHOUT_TAX.sub(" excl ", WITH_TAX.sub(" incl ", text))
    parted = CAMEL.sub(" ", text)
    text = parted if COUNT.search(parted) else text
    text = (
        STATED_RATE.sub(" ", COUNT_OF_MANY.sub(" count ", COUNT.sub(" count ", text)))
        .replace("'", "")
        .replace("%", " percent ")
    )
    words: list[str] = []
    for piece in WORD.findall(text):
        is_one = piece.isupper() or piece.lower() in lexicon().tokens
        parts = [piece] if is_one else CAMEL.split(piece)
        for part in parts:
            words.extend(word.lower() for word in DIGITS_END.split(part) if word)
    if len(words) > 1 and words[-1] == "uid":
        words[-1] = "id"
    if len(words) > 1 and words[-1] == "dsc" and words[-2] not in DISCOUNTED:
        words[-1] = "desc"
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
                if text[place : place + size] in known.segments
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
class _Said:
    """What a phrase says. `is_reduced`: little words carry its meaning, so that it must be there as a whole;
    `is_light`: it is a common word and one that says little ("amount (excl.)" is not any amount)."""

    text: str
    tokens: tuple[str, ...]
    bag: frozenset[str]
    size: float
    is_reduced: bool
    is_light: bool


@dataclass(frozen=True)
class _Known:
    """A phrase of the vocabulary: what it answers, its weight, what it says."""

    answer: str
    weight: float
    said: _Said


@cache
def _index() -> tuple[dict[str, list[_Known]], dict[str, list[tuple[str, float]]]]:
    """Phrases by each of their tokens, and answers by whole phrases."""
    by_token: dict[str, list[_Known]] = defaultdict(list)
    by_text: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for answer, given in phrases().items():
        for phrase in given:
            said = _said(phrase.text)
            by_text[said.text].append((answer, phrase.weight))
            if said.is_reduced or phrase.is_whole:
                continue
            # Any number, code or reference: only the very word says more.
            weight = min(phrase.weight, BARE_ID) if said.tokens == ("id",) else phrase.weight
            known = _Known(answer, weight, said)
            for token in said.bag:
                by_token[token].append(known)
    return dict(by_token), dict(by_text)


@cache
def _said(phrase: str) -> _Said:
    tokens = tokens_of(phrase)
    weights = sorted(map(lexicon().weight, tokens))
    is_light = len(weights) == 2 and weights[0] < LIGHT and weights[1] < COMMON
    bag = frozenset(tokens)
    return _Said(_text(phrase), tokens, bag, _size(bag), _is_reduced(phrase, tokens), is_light)


def _text(name: str) -> str:
    """A name as its words, in lower case: 'onOrder' and 'On order' are one."""
    return " ".join(_words(UNIT.sub(" ", name)))


def _is_reduced(phrase: str, tokens: tuple[str, ...]) -> bool:
    """Whether words that are left out of the tokens carry the meaning: "on order"."""
    if len(tokens) > 1:
        return False
    known = lexicon()
    return len({token for word in _words(phrase) for token in _translated(word, known)}) > 1


def _size(tokens: frozenset[str]) -> float:
    return sum(map(lexicon().weight, tokens))


@cache
def name_scores(name: str) -> dict[str, float]:
    """`whole_scores` of the name, or of what stands beside or in its brackets, or of a side of its slash."""
    found = dict(whole_scores(name))
    for part, factor in _parts(name):
        for answer, score in whole_scores(part).items():
            found[answer] = max(found.get(answer, 0.0), factor * score)
    return found


def _parts(name: str) -> list[tuple[str, float]]:
    text = UNIT.sub(" ", name)
    outer, inner = BRACKETS.sub(" ", text), BRACKETS.findall(text)
    if inner and outer.strip():
        return [(outer, BESIDE), *((part.strip("()[]（）【】"), BESIDE) for part in inner)]
    steps = PATH.split(text.strip())
    if len(steps) > 2:
        tails = [".".join(steps[place:]) for place in range(1, len(steps))]
        return [(tail, INNERMOST if place else INNER) for place, tail in enumerate(tails)]
    sides = [side.strip() for side in SLASH.split(text) if side.strip()]
    return [(side, ONE_SIDE) for side in sides] if len(sides) > 1 else []


@cache
def whole_scores(name: str) -> dict[str, float]:
    """Answer → how well the name fits the best of its phrases, 0 to 1; without those that it does not fit.

    1: it is the phrase; 0.98: it says the same in other words; below: the likeness of the tokens (Dice's
    coefficient, weighted by how much a token says, to the power LIKENESS_POWER).
    """
    by_token, by_text = _index()
    text = _text(name)
    found: dict[str, float] = {}
    for answer, weight in by_text.get(text, ()):
        found[answer] = max(weight, found.get(answer, 0.0))
    tokens = tokens_of(name)
    bag = frozenset(tokens)
    size = _size(bag)
    for token in bag:
        for known in by_token.get(token, ()):
            best = found.get(known.answer, 0.0)
            if known.weight > best:
                found[known.answer] = max(best, known.weight * _likeness(tokens, bag, size, known))
    return {answer: score for answer, score in found.items() if score >= LEAST}


def _likeness(tokens: tuple[str, ...], bag: frozenset[str], size: float, known: _Known) -> float:
    said = known.said
    if bag == said.bag:
        return SAME_ORDER if tokens == said.tokens else SAME_WORDS
    if said.is_light:
        return 0.0
    dice = 2 * _size(bag & said.bag) / (size + said.size)
    return float(SAME_WORDS * dice**LIKENESS_POWER)
