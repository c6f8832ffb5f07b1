"""What single values look like: each detector says of one text whether it is such a thing."""

import json
import re
from collections.abc import Callable, Mapping

from foresell.contracts.settings import time_zones
from foresell.contracts.tables import EVENT_NAMES
from foresell.sources.suggest.value_words import (
    CITIES,
    COUNTRIES,
    EVENT_WORDS,
    FIRST_NAMES,
    FLAG_WORDS,
    GENDERS,
    LANGUAGES,
    PAYMENT_WORDS,
    REGIONS,
    STATUS_WORDS,
    SURNAMES_ZH,
)
from foresell.sources.words import CURRENCIES, EVENT_ALIASES

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(?:\+|00)?[\d(][\d\s().*xX-]{6,18}[\dxX]")
MOBILE_ZH = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d(?:\d{8}|\*{4}\d{4}|-?\d{4}-?\d{4})")
IP = re.compile(
    r"(?:\d{1,3}\.){2}(?:\d{1,3}|[x*]+)\.(?:\d{1,3}|[x*]+)|(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}", re.I
)
URL = re.compile(
    r"(?:https?://|www\.)\S+|/[\w\-./?=&%#]*|(?:[\w-]+\.)+(?:com|org|net|de|cn|co|io|shop)(?:/\S*)?", re.I
)
WEB = re.compile(r"https?://\S+", re.I)
IMAGE = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|svg|avif)(?:\?\S*)?", re.I)
DOCUMENT_ZH = re.compile(r"\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{5}[\dXx]|\d{6}\*{8}[\dXx]{4}")
CARD = re.compile(r"(?:[\d*xX•]{4}[ -]?){3}\d{1,7}|[*xX•]{2,}[ -]?\d{4}|\d{4}")
IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?")
EAN = re.compile(r"\d{8}|\d{12,14}")
SKU = re.compile(r"(?=.*\d)[A-Za-z0-9][\w./-]{2,29}")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
TOKEN = re.compile(r"[0-9a-fA-F]{16,64}|[A-Za-z0-9_-]{20,64}|(?:GA1\.\d\.)?\d{6,10}\.\d{9,10}")
PATH = re.compile(r"[^>/|]{2,}(?:\s*(?:>|/|\||›|»)\s*[^>/|]{2,})+")
TIME_OF_DAY = re.compile(r"[0-2]?\d:[0-5]\d(?::[0-5]\d)?(?:\s*[AaPp][Mm])?")
YEAR = re.compile(r"(?:19[2-9]\d|20[012]\d)(?:\.0)?")
_AMOUNT = r"[$€£¥]?\d{1,3}(?:[,.]?\d{3})*\s?[kKwW万岁元]?"
BAND = re.compile(
    rf"(?:under|over|unter|über|bis|<|>|≤|≥)?\s*{_AMOUNT}\s*(?:-|–|~|to|bis|至|到)\s*{_AMOUNT}"
    r"|(?:under|over|below|above|less than|more than|unter|über|<|>|≤|≥)\s*[$€£¥]?\d+[kKwW万岁元,\d]*"
    r"|\d+[kKwW万]?\s*(?:\+|岁?以上|岁?以下|元?以上|元?以下|后)"
    r"|low|medium|high|高|中|低|高收入|中等收入|低收入",
    re.I,
)
AGE = re.compile(r"(?:1[2-9]|[2-8]\d)(?:岁)?")
PERCENT = re.compile(r"-?\d+(?:[.,]\d+)?\s?%")
MONEY_SIGN = re.compile(r"[$€£¥￥₹]\s?-?\d|\d\s?(?:€|元|kr|zł)")
STREET = re.compile(
    r"\d+\S*\s+[A-Z]\w+.*"
    r"|.*(?:street|road|avenue|lane|straße|strasse|str\.|weg|platz|rue |calle |allee|drive|blvd|way).*"
    r"|.*(?: st\b| rd\b| ave\b).*"
    r"|.*(?:路|街|号|弄|巷|村|小区|大厦|苑|座|室|栋|单元).*",
    re.I,
)
POSTCODE = re.compile(
    r"\d{4,6}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}"
)
COUPON = re.compile(r"[A-Z][A-Z0-9_-]{2,19}(?:\|[A-Z][A-Z0-9_-]{2,19})*")
NAME_EN = re.compile(r"[A-ZÀ-Ž][\w'’.-]+(?:,? [A-ZÀ-Ž][\w'’.-]*){1,3}")
NAME_ZH = re.compile(
    r"[\u4e00-\u9fff·]{2,4}|[\u4e00-\u9fff][*＊某]{1,2}[\u4e00-\u9fff]?|[\u4e00-\u9fff](?:先生|女士|小姐)"
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def plain_word(text: str) -> str:
    return re.sub(r"[\s_\-/.]+", "_", text.strip().lower())


def _is_json(text: str) -> bool:
    if text[:1] not in "{[":
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_person(text: str) -> bool:
    words = re.split(r"[\s,]+", text.strip())
    if 2 <= len(words) <= 4 and any(word.lower().strip(".") in FIRST_NAMES for word in words):
        return True
    if len(words) == 1 and text.lower() in FIRST_NAMES:
        return True
    return bool(NAME_ZH.fullmatch(text)) and text[0] in SURNAMES_ZH and plain_word(text) not in PAYMENT_WORDS


def _has_check_digit(text: str) -> bool:
    """GTIN-8, -12, -13 and -14, by their check digit (GS1 General Specifications, 7.9)."""
    if not EAN.fullmatch(text):
        return False
    digits = [int(digit) for digit in reversed(text)]
    return sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _is_event(text: str) -> bool:
    word = plain_word(text)
    return word in EVENT_NAMES or word in EVENT_ALIASES or word in EVENT_WORDS


DETECTORS: Mapping[str, Callable[[str], bool]] = {
    "email": lambda text: EMAIL.fullmatch(text) is not None,
    # Spreadsheets are kept from reading numbers by a stroke before them.
    "phone": lambda text: (
        bool(PHONE.fullmatch(text.lstrip("'"))) and 7 <= sum(c.isdigit() or c in "*x" for c in text) <= 15
    ),
    "mobile_zh": lambda text: MOBILE_ZH.fullmatch(text.lstrip("'")) is not None,
    # What stands in brackets after it is where it is of.
    "ip": lambda text: IP.fullmatch(text.partition("(")[0]) is not None,
    "url": lambda text: URL.fullmatch(text) is not None,
    "web": lambda text: WEB.fullmatch(text) is not None,
    "image": lambda text: IMAGE.fullmatch(text) is not None,
    "document_zh": lambda text: DOCUMENT_ZH.fullmatch(text) is not None,
    "card": lambda text: CARD.fullmatch(text) is not None or IBAN.fullmatch(text) is not None,
    "ean": _has_check_digit,
    "sku": lambda text: SKU.fullmatch(text) is not None and not text.isdigit(),
    "token": lambda text: TOKEN.fullmatch(text) is not None or UUID.fullmatch(text) is not None,
    "path": lambda text: PATH.fullmatch(text) is not None and not WEB.match(text),
    "time_of_day": lambda text: TIME_OF_DAY.fullmatch(text) is not None,
    "year": lambda text: YEAR.fullmatch(text) is not None,
    "band": lambda text: BAND.fullmatch(text) is not None,
    "age": lambda text: AGE.fullmatch(text) is not None,
    "percent": lambda text: PERCENT.fullmatch(text) is not None,
    "money_sign": lambda text: MONEY_SIGN.search(text) is not None,
    "street": lambda text: len(text) > 5 and STREET.fullmatch(text) is not None,
    "postcode": lambda text: POSTCODE.fullmatch(text) is not None,
    "coupon": lambda text: COUPON.fullmatch(text) is not None,
    "person": _is_person,
    "name_shape": lambda text: NAME_EN.fullmatch(text) is not None,
    "chinese": lambda text: CHINESE.search(text) is not None,
    "json": _is_json,
    "currency": lambda text: text.upper() in CURRENCIES or text in ("人民币", "美元", "欧元"),
    "country": lambda text: plain_word(text) in COUNTRIES,
    "city": lambda text: text.removesuffix("市").lower() in CITIES,
    "region": lambda text: text.removesuffix("省").removesuffix("市").lower() in REGIONS,
    "event": _is_event,
    "status": lambda text: plain_word(text) in STATUS_WORDS,
    "payment": lambda text: plain_word(text) in PAYMENT_WORDS,
    "gender": lambda text: plain_word(text) in GENDERS,
    "language": lambda text: plain_word(text).split("_")[0] in LANGUAGES,
    "time_zone": lambda text: "/" in text and text in time_zones(),
    "flag": lambda text: text.strip().lower() in FLAG_WORDS,
}
