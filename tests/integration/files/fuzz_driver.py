"""Broken files without end, each from a number: made, damaged, imported, and counted.

Run as a program, so that a crash of a library below ends this process and not the tests':

    python fuzz_driver.py FIRST_NUMBER LAST_NUMBER FOLDER [store]

It prints each number before it tries it, and ends with 1 and a traceback where a reader raises what no user
should see, or where rows do not add up. With `store`, each file is imported into a store as users do.
"""

import gzip
import io
import os
import random
import re
import shutil
import sys
import time
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fuzz_tables import WRITERS, Table, make_table

from foresell.contracts.errors import BackendError, ForesellError
from foresell.contracts.settings import EngineSettings
from foresell.services.file_inputs import find_file_inputs
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Shop, create_shop
from foresell.services.sql_inputs import DatabaseRequest
from foresell.sources import PRESETS
from foresell.sources.readers import ReadOptions
from foresell.store.engine import connect, literal

LONGEST_SECONDS = 60
JUNK = (
    b"\0",
    b'"',
    b"'",
    b",",
    b"\n",
    b"\r",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1f\x8b",
    b"PK\x03\x04",
)
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1252", "shift_jis", "utf-32")
EXTENSIONS = (
    ".csv",
    ".tsv",
    ".txt",
    ".jsonl",
    ".json",
    ".parquet",
    ".xlsx",
    ".xls",
    ".zip",
    ".csv.gz",
    "",
    ".ods",
)


@dataclass(frozen=True)
class Case:
    """A file and what may be known of it: `rows`, how many rows it has, or None."""

    name: str
    content: bytes
    options: ReadOptions
    rows: int | None


def make_case(number: int) -> Case:
    chance = random.Random(number)
    if chance.random() < 0.1:
        content = chance.randbytes(chance.choice([0, 1, 5, 100, 5000]))
        return Case(f"f{chance.choice(EXTENSIONS)}", content, _options(chance), None)
    kind = chance.choice([*WRITERS])
    table = make_table(chance)
    content = WRITERS[kind](chance, table)
    form = kind if kind.startswith("s3rec") else None
    if chance.random() < 0.35:
        return Case(f"f{_extension(kind)}", content, ReadOptions(format=form), _count(kind, table))
    for _ in range(chance.choice([1, 1, 1, 3, 10])):
        content = damage_inside(chance, content) if chance.random() < 0.5 else damage(chance, content)
    extension = chance.choice(EXTENSIONS) if chance.random() < 0.2 else _extension(kind)
    options = _options(chance) if chance.random() < 0.2 else ReadOptions(format=form)
    return Case(f"f{extension}", content, options, None)


def damage(chance: random.Random, content: bytes) -> bytes:
    """One mutation."""
    place = chance.randrange(len(content) + 1)
    match chance.randrange(8):
        case 0:
            return content[:place]
        case 1:
            return content[place:]
        case 2:
            return content[:place] + chance.choice(JUNK) * chance.choice([1, 1, 2, 50]) + content[place:]
        case 3:
            flipped = bytearray(content)
            for _ in range(chance.choice([1, 3, 30])):
                if flipped:
                    flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
            return bytes(flipped)
        case 4:
            other = chance.randrange(len(content) + 1)
            return content[:place] + content[min(place, other) : max(place, other)] + content[place:]
        case 5:
            end = min(len(content), place + chance.choice([1, 10, 500]))
            return content[:place] + chance.randbytes(end - place) + content[end:]
        case 6:
            end = min(len(content), place + chance.choice([1, 4, 200]))
            return content[:place] + content[end:]
        case _:
            encoding = chance.choice(ENCODINGS)
            text = content[place:].decode("utf-8", errors="replace")
            return content[:place] + text.encode(encoding, errors="replace")


def damage_inside(chance: random.Random, content: bytes) -> bytes:
    """One mutation of what is packed, packed again as if nothing had happened."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return gzip.compress(damage(chance, gzip.decompress(content)), mtime=0)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return damage(chance, content)
    if not members:
        return damage(chance, content)
    victim = chance.choice([*members])
    if chance.random() < 0.1:
        del members[victim]
    elif victim.endswith(".xml") and chance.random() < 0.5:
        members[victim] = _damaged_xml(chance, members[victim])
    else:
        members[victim] = damage(chance, members[victim])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _damaged_xml(chance: random.Random, data: bytes) -> bytes:
    """Another number or word in a place of one: rows, columns, counts, types of cells."""
    words = [*re.finditer(rb"[0-9]+|[A-Za-z]+", data)]
    if not words:
        return data
    word = chance.choice(words)
    other = chance.choice([b"", b"0", b"-1", b"99999999999", b"1048577", b"A", b"XFD", b"e", b"s", b"\xff"])
    return data[: word.start()] + other + data[word.end() :]


def _options(chance: random.Random) -> ReadOptions:
    return ReadOptions(
        format=chance.choice([None, None, "csv", "jsonl", "parquet", "excel", "s3rec_sequences"]),
        delimiter=chance.choice([None, None, ",", ";", "\t", '"', "ab", ""]),
        encoding=chance.choice([None, None, *ENCODINGS, "nonsense", "rot13", "idna", "utf-7", "punycode"]),
        fallback_encoding=chance.choice([None, None, "cp1252", "nonsense"]),
        has_header=chance.random() < 0.8,
        quote=chance.choice(['"', '"', "", "'"]),
        header_row=chance.choice([None, None, 1, 3, 1000]),
        sheet=chance.choice([None, None, None, "S", "nope"]),
    )


def _extension(kind: str) -> str:
    return {"gz": ".csv.gz", "s3rec_sequences": ".txt", "s3rec_attributes": ".json"}.get(kind, f".{kind}")


def _count(kind: str, table: Table) -> int | None:
    num_rows = len(table.rows)
    if kind == "s3rec_sequences":
        return 2 * num_rows or None
    # Without rows, lines of JSON do not even name columns.
    return num_rows if num_rows or kind not in ("json", "jsonl", "s3rec_attributes") else None


def check_reading(case: Case, folder: Path, connection: Any) -> None:
    """Read it as an import would, up to what would be published."""
    if case.name.endswith(".sqlite"):
        case = replace(case, rows=None)  # a database is none of files
    path, into = folder / case.name, folder / "into"
    path.write_bytes(case.content)
    rows = 0
    try:
        mappings = {"products": PRESETS["products"].mappings["products"]}
        for given in find_file_inputs(path, mappings, case.options, lambda _: None):
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir()
            given.fingerprint()
            staged = given.stage(
                connection,
                into,
                lambda columns: {"email": 'upper(CAST("email" AS VARCHAR))'} if "email" in columns else {},
            )
            assert staged.num_rows == _stored(connection, into, "part-*.parquet")
            assert staged.num_rejected == _stored(connection, into, "rejects.parquet")
            rows += staged.num_rows + staged.num_rejected
    except ForesellError as error:
        _check_error(case, error)
    else:
        assert case.rows is None or rows == case.rows, f"{rows} of {case.rows} rows"
    finally:
        path.unlink()


def check_import(case: Case, folder: Path, shop: Shop) -> None:
    """Import it as a user does; whatever it is, the store must be fit for the next import."""
    path = folder / case.name
    path.write_bytes(case.content)
    request = ImportRequest(path, "products", options=case.options, may_lack_columns=True)
    if path.suffix == ".sqlite":
        database = DatabaseRequest(f"sqlite:///{path}", "products")
        request = replace(request, path=None, database=database)
    try:
        runs = import_files(shop, request)
    except ForesellError as error:
        is_other_table = (case.options.format or "").startswith("s3rec")
        _check_error(replace(case, rows=None) if is_other_table else case, error)
    else:
        for run in runs:
            counts = run.counts
            ends = (counts.rows_accepted, counts.rows_updated, counts.rows_duplicate, counts.rows_quarantined)
            assert sum(ends) == counts.rows_read
        assert case.rows is None or sum(run.counts.rows_read for run in runs) == case.rows
    finally:
        path.unlink()
    assert not [*shop.folder.raw.root.glob(".staging-*")]
    whole = folder / "whole.csv"
    whole.write_text("product_id,title\nwhole,Tea\n", encoding="utf-8")
    import_files(shop, ImportRequest(whole, "products", may_lack_columns=True))


def _check_error(case: Case, error: ForesellError) -> None:
    assert case.rows is None, f"a file in order was refused: {error}"
    assert "defect of Foresell" not in error.message, error.message
    assert not isinstance(error, BackendError), error.message


def _stored(connection: Any, into: Path, pattern: str) -> int:
    if not [*into.glob(pattern)]:
        return 0
    [(count,)] = connection.execute(
        f"SELECT count(*) FROM (SELECT * FROM read_parquet({literal(str(into / pattern))}))"
    ).fetchall()
    return int(count)


def main(first: int, last: int, folder: Path, target: Sequence[str]) -> None:
    os.environ.setdefault("FORESELL_KEY", "5a" * 32)
    folder.mkdir(parents=True, exist_ok=True)
    connection = connect(EngineSettings(memory_limit="500MB", threads=2))
    end = time.monotonic() + float(os.environ.get("FORESELL_FUZZ_SECONDS", "inf"))
    for number in range(first, last):
        if time.monotonic() > end:
            break
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        began = time.monotonic()
        case = make_case(number)
        if target:
            shop = create_shop(folder / f"store-{number}")
            check_import(case, folder, shop)
            shutil.rmtree(shop.folder.root)
        else:
            check_reading(case, folder, connection)
        assert time.monotonic() - began < LONGEST_SECONDS, "it took too long"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
