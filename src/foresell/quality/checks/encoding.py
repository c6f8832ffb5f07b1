"""Encoding damage: text that was read in the wrong encoding, or lost characters on the way."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, rows_of

TEXT_COLUMNS: dict[str, tuple[str, ...]] = {
    "products": ("title", "description", "brand", "department", "category", "category_path"),
    "customers": ("city", "country"),
    "locations": ("name",),
    "campaigns": ("kind",),
    "refunds": ("reason",),
    "reviews": ("title", "body"),
    "tickets": ("body",),
    "events": ("search_query",),
    "calendar": ("holiday_name",),
}

# UTF-8 read as Latin-1 or Windows-1252: the first byte of a character shows as Â, Ã, Ä … ï, and each byte
# that follows as one of 64 signs. 'Ã' alone is Portuguese, and quotes, dashes and no-break spaces may
# follow a letter in sound text ("voilà »"): they only count after Â and Ã, where damage is likelier.
SIGNS = "\u0080-\u009f\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf€‚ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ"
PUNCTUATION = "\u00a0«»…‘’“–—"
MOJIBAKE = "|".join(
    [
        f"[ÂÃ][{SIGNS}{PUNCTUATION}]",
        "Ã”[A-Za-z]",
        "Å“[A-Za-z]",
        f"[ÄÅÎÏÐÑ×Ø][{SIGNS}]",
        f"[à-ï][{SIGNS}][{SIGNS}{PUNCTUATION}”]",
        f"[à-ï][{SIGNS}{PUNCTUATION}”][{SIGNS}]",
    ]
)
REPLACEMENT_CHARACTER = "\ufffd"
# GBK read as Latin-1: each Chinese character shows as two signs of 128 and more. A letter beside a sign that
# no spelling puts there, or six such letters in a row; signs that may stand there (É®, «É, ¿É) are left out.
GBK_SIGNS = "¢£¤¥¦§¨ª¬\u00ad¯±³´µ¶·¸¹º¼½¾÷×"
GBK_LETTERS = "À-ÖØ-öø-þ"
GBK_MOJIBAKE = "|".join(
    [
        f"[{GBK_LETTERS}][{GBK_SIGNS}]",
        f"[{GBK_SIGNS}²°][{GBK_LETTERS}]",
        f"[{GBK_SIGNS}²°»¿®©¡«]{{2}}[{GBK_LETTERS}{GBK_SIGNS}]",
        f"[{GBK_LETTERS}][²°»¿®©¡«][{GBK_LETTERS}]",
        f"[{GBK_LETTERS}]{{6}}",
    ]
)
# A question mark within a word, or two and more where a word should be; one alone in a name.
LOST_CHARACTERS = r"\?{3,}|\p{L}\?\p{L}|(^|\s)\?{2,}(\s|$)"
LOST_IN_NAMES = (
    LOST_CHARACTERS + r"|(^|\s)\?\p{L}|\p{L}\?\s+\p{L}|(^|\s)\?\s+\p{L}|\p{L}\s+\?(\s|$)|\p{Lu}\?$"
)
# Names ask no questions; what people write and search for does.
PROSE = {"description", "body", "reason", "search_query"}
CONTROL_CHARACTERS = "[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]"


def check(tables: Tables, settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    for name, columns in TEXT_COLUMNS.items():
        rows = rows_of(tables, name)
        if rows is not None:
            rules = [rule for column in columns for rule in _rules(column, rows[column])]
            findings += find_rows("encoding", name, rows, TABLES[name].key[0], rules)
    return findings


def _rules(column: str, values: Any) -> list[Rule]:
    lost = LOST_CHARACTERS if column in PROSE else LOST_IN_NAMES
    return [
        Rule(column, "warning", values.contains(REPLACEMENT_CHARACTER), _replaced(column)),
        Rule(column, "warning", values.re_search(MOJIBAKE), _mojibake(column)),
        Rule(column, "warning", values.re_search(GBK_MOJIBAKE) & ~values.re_search(MOJIBAKE), _gbk(column)),
        Rule(column, "note", values.re_search(lost), _lost(column)),
        Rule(column, "note", values.re_search(CONTROL_CHARACTERS), _control(column)),
    ]


def _replaced(column: str) -> Words:
    return Words(
        f"'{column}' has lost characters (�)",
        "They cannot be brought back from this file. Export it again as UTF-8.",
        f"“{column}”中有字符已丢失（�）",
        "无法从该文件恢复。请以 UTF-8 重新导出。",
    )


def _mojibake(column: str) -> Words:
    return Words(
        f"'{column}' was read in the wrong encoding (Ã© for é)",
        "Import the file again with the right encoding, mostly UTF-8, named in the mapping.",
        f"“{column}”以错误的编码读取（é 变成了 Ã©）",
        "请在映射中指定正确的编码（多为 UTF-8）后重新导入。",
    )


def _gbk(column: str) -> Words:
    return Words(
        f"'{column}' was read in the wrong encoding (²è for 茶)",
        "Import the file again with the right encoding, mostly GBK or GB18030, named in the mapping.",
        f"“{column}”以错误的编码读取（茶 变成了 ²è）",
        "请在映射中指定正确的编码（多为 GBK 或 GB18030）后重新导入。",
    )


def _lost(column: str) -> Words:
    return Words(
        f"'{column}' holds question marks where letters should be",
        "A program without Unicode may have written the file. Look at the examples at the source.",
        f"“{column}”中本应是文字的地方出现了问号",
        "可能由不支持 Unicode 的程序写出。请在数据源查看示例。",
    )


def _control(column: str) -> Words:
    return Words(
        f"'{column}' holds control characters",
        "They break exports and searches. Strip them at the source.",
        f"“{column}”中有控制字符",
        "它们会破坏导出和搜索。请在源头去除。",
    )
