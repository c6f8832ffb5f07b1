"""What is often given in place of a table: web pages named .xls, archives, pictures; and what to do then."""

import re

from foresell.contracts.errors import InputError

HEAD = 4096

# Magic bytes → what they begin, and what to do about it.
UNPACK = "Unpack it and import the files, or pack them as .zip or .csv.gz."
AS_TABLE = "Export the data as CSV, Excel, Parquet or JSON Lines."
KINDS: dict[bytes, tuple[str, str]] = {
    b"PK\x03\x04": ("a zip archive", UNPACK),
    b"PK\x05\x06": ("an empty zip archive", UNPACK),
    b"Rar!": ("a RAR archive", UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", UNPACK),
    b"\xfd7zXZ\x00": ("an xz archive", UNPACK),
    b"BZh91AY": ("a bzip2 archive", UNPACK),
    b"\x28\xb5\x2f\xfd": ("a Zstandard archive", UNPACK),
    b"%PDF": ("a PDF document", AS_TABLE),
    b"SQLite format 3\x00": (
        "an SQLite database",
        "Import it with a URL: foresell import sqlite:///PATH --table NAME.",
    ),
    b"\x89PNG": ("a picture", AS_TABLE),
    b"\xff\xd8\xff": ("a picture", AS_TABLE),
    b"GIF8": ("a picture", AS_TABLE),
    b"\x7fELF": ("a program", AS_TABLE),
    b"MZ\x90\x00": ("a program", AS_TABLE),
    b"Obj\x01": ("an Avro file", AS_TABLE),
    b"ARROW1": ("an Arrow file", AS_TABLE),
}
PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style)\b", re.IGNORECASE | re.DOTALL
)
XML = re.compile(rb"\s*<\?(?:xml|mso)|\s*<(?:ss:)?Workbook\b", re.IGNORECASE)


def refuse_what_is_no_table(name: str, head: bytes) -> None:
    """Raise InputError if a file's first bytes show that it is something else, saying what to do."""
    for magic, (kind, advice) in KINDS.items():
        if head.startswith(magic):
            raise InputError(f"{name} is {kind}", do=advice)
    text = _as_ascii(head)
    if PAGE.match(text):
        raise InputError(
            f"{name} is a web page (HTML), whatever its name says, as many shops export it as 'Excel'",
            do="Open it in Excel or LibreOffice and save it as .xlsx or as CSV (UTF-8).",
        )
    if XML.match(text):
        raise InputError(
            f"{name} is XML (such as 'XML Spreadsheet 2003')",
            do="Open it in Excel or LibreOffice and save it as .xlsx or as CSV (UTF-8).",
        )


def _as_ascii(head: bytes) -> bytes:
    """Without byte-order marks and the NULs of UTF-16."""
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"):
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"")
