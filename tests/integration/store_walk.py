"""Everything that a folder says, decoded: what an erasure must leave nothing in."""

import gzip
import html
import json
import lzma
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def find(folder: Path, needles: Iterable[str]) -> dict[str, set[str]]:
    """Needle → the places where it stands, as 'path: how it was read'; upper and lower case are one.

    Bytes of every file, raw and after decompressing; file names; every value of every Parquet column,
    statistics and metadata; every value of every SQLite table; JSON and HTML unescaped.
    """
    wanted = {needle: needle.lower().encode() for needle in needles}
    found: dict[str, set[str]] = defaultdict(set)
    for place, content in _contents(folder):
        lowered = content.lower()
        for needle, needle_bytes in wanted.items():
            if needle_bytes in lowered:
                found[needle].add(place)
    return found


def find_values(folder: Path, columns: Iterable[str], values: Iterable[str]) -> set[tuple[str, str, str]]:
    """(path, column, value) of each cell of these columns in any Parquet file that is one of the values.

    The proof for identifiers too short to search bytes for.
    """
    wanted, named = set(values), set(columns)
    found = set()
    for path in _files(folder, ".parquet"):
        table = pq.ParquetFile(path).read()
        for name in named & set(table.column_names):
            cells = {str(value) for value in table[name].to_pylist()} & wanted
            found |= {(str(path.relative_to(folder)), name, cell) for cell in cells}
    return found


def _files(folder: Path, suffix: str = "") -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name.endswith(suffix))


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in _files(folder):
        name = str(path.relative_to(folder))
        content = path.read_bytes()
        yield f"{name}: name", name.encode()
        yield f"{name}: bytes", content
        for how, decoded in _decoded(path, content):
            yield f"{name}: {how}", decoded


def _decoded(path: Path, content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:4] == b"PAR1":
        yield from _parquet(path)
    elif content[:15] == b"SQLite format 3":
        yield "sqlite", _text(list(_sqlite(path)))
    elif path.suffix == ".json":
        yield "json", _text([json.loads(line) for line in _json_documents(content)])
    elif path.suffix == ".html":
        yield "html", html.unescape(content.decode()).encode()
    for how, decompress in (("gzip", gzip.decompress), ("zlib", zlib.decompress), ("xz", lzma.decompress)):
        try:
            yield how, decompress(content)
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            continue


def _json_documents(content: bytes) -> list[str]:
    """A Delta commit is a JSON document a line, everything else one document."""
    text = content.decode()
    try:
        json.loads(text)
    except ValueError:
        return [line for line in text.splitlines() if line]
    return [text]


def _parquet(path: Path) -> Iterator[tuple[str, bytes]]:
    file = pq.ParquetFile(path)
    yield "values", _text(file.read().to_pylist())
    yield "metadata", repr((file.schema_arrow.metadata, file.metadata.metadata)).encode()
    statistics = []
    for group in range(file.metadata.num_row_groups):
        for column in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(column)
            if chunk.statistics is not None and chunk.statistics.has_min_max:
                statistics.append([chunk.statistics.min, chunk.statistics.max])
    yield "statistics", _text(statistics)


def _sqlite(path: Path) -> Iterator[Any]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                yield [name, *row]
    finally:
        connection.close()


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
