"""Which encoding bytes are in that are not UTF-8 and do not say so."""

import codecs
import unicodedata

# What shops' exports are written in; the guess is kept among these.
LEGACY_ENCODINGS = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949", "koi8_r", "cp850", "mac_roman"),
]
HEAD = 4096
# Chinese writes a third of its common characters, in the order of their sounds, with these first bytes;
# Korean, whose syllables have the same codes as the rest of them, none of its syllables.
SECOND_HALF = (0xC9, 0xD7)
FEW_CHARACTERS = 20


def utf16_without_mark(head: bytes) -> str | None:
    """utf-16-le or utf-16-be, if the first bytes of a text are in it; None if not.

    Signs such as commas, digits and line ends have a byte NUL, the same one of the two; few others have one.
    """
    head = head[: HEAD & ~1]
    units = len(head) // 2
    for encoding, start in (("utf-16-le", 1), ("utf-16-be", 0)):
        num_nul, num_other = head[start::2].count(0), head[1 - start :: 2].count(0)
        # Every other byte of western text is NUL.
        if num_nul * 3 > len(head):
            return encoding
        is_one_sided = units and num_nul * 50 >= units and num_other * 4 <= num_nul
        if is_one_sided and not _is_plain(head.replace(b"\0", b"")) and _reads_well(head, encoding):
            return encoding
    return None


def _reads_well(head: bytes, encoding: str) -> bool:
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    if "\ufffd" in text or "\n" not in text.replace("\r", "\n"):
        return False
    odd = [sign for sign in text if unicodedata.category(sign) in ("Cn", "Co", "Cc")]
    return sum(sign not in "\t\r\n\ufeff" for sign in odd) * 100 <= len(text)


def _is_plain(data: bytes) -> bool:
    """Whether it is UTF-8 with hardly a control character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return sum(sign < " " and sign not in "\t\r\n" for sign in text) * 100 <= len(text)


def guess_legacy(sample: bytes) -> str | None:
    """The encoding of lines that are no UTF-8; None where it cannot be told."""
    from charset_normalizer import from_bytes

    if is_gb(sample, most_broken=0.1):
        return "gb18030"
    matches = from_bytes(sample, cp_isolation=LEGACY_ENCODINGS)
    best = matches.best()
    if best is None:
        return None
    # Short western texts fit several code pages alike: then by far the most common one is taken.
    is_western = any(match.encoding == "cp1252" and match.chaos <= best.chaos for match in matches)
    return "cp1252" if is_western or "cp1252" in best.could_be_from_charset else best.encoding


def is_gb(data: bytes, *, most_broken: float = 0.0) -> bool:
    """Whether nearly all that is not ASCII are common Chinese characters or signs in GB2312 (GBK, GB18030).

    `most_broken`: the share of characters that may be damaged.
    """
    num_all = num_common = num_second_half = num_broken = place = 0
    while place < len(data):
        first = data[place]
        if first < 0x80:
            place += 1
            continue
        second = data[place + 1] if place + 1 < len(data) else 0
        is_pair = 0x81 <= first <= 0xFE and 0x40 <= second <= 0xFE and second != 0x7F
        is_common = second >= 0xA1 and (0xB0 <= first <= 0xD7 or 0xA1 <= first <= 0xA3)
        num_all += 1
        num_common += is_common
        num_second_half += is_common and SECOND_HALF[0] <= first <= SECOND_HALF[1]
        num_broken += not is_pair
        place += 1 + is_pair
    if num_all < 2 or num_broken > most_broken * num_all or num_common < 0.85 * num_all:
        return False
    return num_all < FEW_CHARACTERS or num_second_half * 10 >= num_all
