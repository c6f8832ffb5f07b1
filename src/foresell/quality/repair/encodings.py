"""fix_encoding: text that was read in the wrong encoding becomes what it was."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.checks.encoding import MOJIBAKE
from foresell.quality.repair.fitness import refuse_argument, require_type
from foresell.quality.repair.patch import Patch, believed, changes
from foresell.quality.repair.rule import Rule

# GBK read as Latin-1: two and more Chinese characters in a row show as four and more signs beyond ASCII.
GBK_SIGNS = "[\u00a1-\u00fe]{4}|[\u0080-\u00fe][\u0040-\u00fe][\u0080-\u00fe][\u0040-\u00fe]"
# UTF-8 read as GBK: three bytes a character show as characters that are rare in Chinese texts.
HAN = "[\u4e00-\u9fff]{3}"
LEAST_HAN = 2
# The first bytes of GB 2312's most frequent 3,755 characters, which nearly all of a title consists of.
COMMON_BYTES = range(0xB0, 0xD8)
LEAST_COMMON_SHARE = 0.8


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_type(rule, ("string",), "another column: only text has an encoding")
    if rule.the_column.name in rule.contract.key or rule.the_column.identifies:
        raise rule.error("would change a key or an identifier", do="Import the file again, as UTF-8.")


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """UTF-8 read as Latin-1 or Windows-1252 (by ftfy), GBK read as these, UTF-8 read as GBK.

    Only text that looks damaged is touched, and only where all of it can be read again; characters that were
    lost (�, ?) cannot be brought back.
    """
    import ibis

    column = rule.the_column.name
    rows = believed(tables, rule.table)
    values = rows[column]
    damaged = rows.filter(values.re_search(MOJIBAKE) | values.re_search(GBK_SIGNS) | values.re_search(HAN))
    texts = damaged.select(text=damaged[column]).distinct().to_pyarrow()["text"].to_pylist()
    fixes = [(text, *fixed) for text in texts if (fixed := fix(text)) is not None]
    if not fixes:
        return []
    known = ibis.memtable(
        {name: [fix[place] for fix in fixes] for place, name in enumerate(("_text", "_fixed", "_how"))},
        schema={"_text": "string", "_fixed": "string", "_how": "string"},
    )
    joined = damaged.inner_join(known, damaged[column] == known._text)
    return [changes(joined, rule, {column: joined._fixed}, joined._how)]


def fix(text: str) -> tuple[str, str] | None:
    """The text as it was, and what had happened to it; None if nothing had, or it cannot be told."""
    import re

    as_gbk = _from_gbk(text)
    if as_gbk is not None:
        return as_gbk, "GBK was read as Latin-1"
    if re.search(MOJIBAKE, text):
        import ftfy

        fixed = ftfy.fix_encoding(text)
        return None if fixed == text else (fixed, "UTF-8 was read as Latin-1 or Windows-1252")
    from_utf8 = _utf8_read_as_gbk(text)
    return None if from_utf8 is None else (from_utf8, "UTF-8 was read as GBK")


def _from_gbk(text: str) -> str | None:
    """The Chinese text whose GBK bytes these signs are; None where they are no such bytes.

    Words of European languages have no runs of four signs beyond ASCII; and nearly all characters must be
    frequent ones, which they are not where the bytes were something else.
    """
    for encoding in ("latin-1", "cp1252"):
        try:
            data = text.encode(encoding)
            decoded = data.decode("gbk")
        except UnicodeError:
            continue
        han = [char for char in decoded if "\u4e00" <= char <= "\u9fff"]
        foreign = [char for char in decoded if ord(char) >= 0x80]
        if len(han) < LEAST_HAN or any("\u0080" <= char <= "\u00ff" for char in foreign):
            continue
        common = sum(char.encode("gbk")[0] in COMMON_BYTES and char.encode("gbk")[1] >= 0xA1 for char in han)
        if common / len(han) >= LEAST_COMMON_SHARE and _reads_as_utf8(data) is None:
            return decoded
    return None


def _utf8_read_as_gbk(text: str) -> str | None:
    """Three bytes a character: Chinese that happens to be valid UTF-8 in GBK is all but impossible."""
    try:
        decoded = text.encode("gbk").decode("utf-8")
    except UnicodeError:
        return None
    han = sum("\u4e00" <= char <= "\u9fff" for char in decoded)
    return decoded if han >= LEAST_HAN and decoded != text else None


def _reads_as_utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return None


def texts_of(rows: Any, column: str) -> list[str]:
    """The different texts of a column."""
    found: list[str] = rows.select(text=rows[column]).distinct().to_pyarrow()["text"].to_pylist()
    return found
