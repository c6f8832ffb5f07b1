"""The files of S3-Rec: sequences (`user item item …`, a line a user) and attributes (item → list of ids)."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.sources.encoding import Utf8Stream, profile_text, sha256_of
from foresell.sources.feed import fed_path
from foresell.sources.rejects import Reject, RejectWriter
from foresell.sources.source import Source
from foresell.sources.staging import Projection, ReadOptions, StagedFile, copy_to_part, projected
from foresell.store.engine import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SEQUENCE_COLUMNS = ("user_id", "item_id", "place", "length")
ATTRIBUTE_COLUMNS = ("item_id", "attribute_ids")


def stage_sequences(
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A line `user item item …` as one row an item; see `readers.stage_file`.

    `place`: the item's in its line, from 1; `length`: how many items the line has. A line of one word is
    rejected; InputError where no line has more, since the file is none of sequences then.
    """
    columns = projected(SEQUENCE_COLUMNS, projection(SEQUENCE_COLUMNS))
    is_withheld = bool(projection(SEQUENCE_COLUMNS))
    stream = Utf8Stream(source, profile_text(source, options), options)
    with RejectWriter(into, is_raw_withheld=is_withheld) as rejects:
        with fed_path(_one_item_a_line(stream, rejects)) as readable:
            types = ", ".join(f"{name}: 'VARCHAR'" for name in SEQUENCE_COLUMNS)
            relation = (
                f"read_csv({literal(str(readable))}, auto_detect=false, header=false, delim=' ', quote='', "
                f"escape='', new_line='\\n', columns={{{types}}})"
            )
            num_rows = copy_to_part(connection, f"SELECT {columns} FROM {relation}", into)
        num_rejected = rejects.count
    if not num_rows:
        raise InputError(
            f"{source.name} holds no sequences", do="Each line must be a user and its items: user item item …"
        )
    return StagedFile(SEQUENCE_COLUMNS, num_rows, num_rejected, sha256_of(source), "s3rec_sequences")


def _one_item_a_line(stream: Iterable[bytes], rejects: RejectWriter) -> Iterator[bytes]:
    line_number = 0
    for block in stream:
        lines = block.splitlines()
        rows: list[bytes] = []
        for line in lines:
            line_number += 1
            user, *items = line.split() or [b""]
            length = b"%d" % len(items)
            rows += (b"%s %s %d %s\n" % (user, item, place, length) for place, item in enumerate(items, 1))
            if user and not items:
                raw = line.decode()
                rejects.add(Reject(None, line_number, raw, "too_few_columns", "The line has a user, no item"))
        yield b"".join(rows)


def stage_attributes(
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """One JSON object, item → list of attribute ids, as one row an item; see `readers.stage_file`.

    InputError where the file is anything else. It is read whole: an entry an item of a catalog.
    """
    import pyarrow as pa

    items = _read_object(source, options)
    entries = pa.table(
        {
            "item_id": pa.array(items, pa.string()),
            "attribute_ids": pa.array(map(json.dumps, items.values()), pa.string()),
        }
    )
    connection.register("attribute_entries", entries)
    try:
        columns = projected(ATTRIBUTE_COLUMNS, projection(ATTRIBUTE_COLUMNS))
        num_rows = copy_to_part(connection, f"SELECT {columns} FROM attribute_entries", into)
    finally:
        connection.unregister("attribute_entries")
    return StagedFile(ATTRIBUTE_COLUMNS, num_rows, 0, sha256_of(source), "s3rec_attributes")


def _read_object(source: Source, options: ReadOptions) -> dict[str, Any]:
    text = b"".join(Utf8Stream(source, profile_text(source, options), options))
    try:
        items = json.loads(text)
    except ValueError:
        items = None
    if not isinstance(items, dict) or not items or not all(isinstance(ids, list) for ids in items.values()):
        raise InputError(
            f"{source.name} holds no attributes of items",
            do='The file must be one JSON object: {"item": [attribute, …], …}',
        )
    return items
