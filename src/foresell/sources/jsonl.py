"""JSON Lines: one object a line, its fields as text columns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.sources.encoding import (
    LONGEST_LINE,
    TextProfile,
    Utf8Stream,
    encoding_notes,
    is_gzip,
    profile_text,
    sha256_of,
)
from foresell.sources.feed import fed_path
from foresell.sources.rejects import BATCH_ROWS, Reject, RejectWriter
from foresell.sources.source import Source, plain_path
from foresell.sources.staging import (
    Projection,
    ReadOptions,
    StagedFile,
    clean_names,
    copy_to_part,
    file_order,
    projected,
)
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A path inside the object: ("user",) or, for a nested object, ("user", "id") → column "user.id".
KeyPath = tuple[str, ...]
MOST_COLUMNS = 5_000


def stage_jsonl(
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A JSON Lines file as one Parquet part, every column text; see `readers.stage_file`.

    Columns are in order of first appearance. A nested object gives a column a field (`user.id`), deeper
    ones and arrays stay JSON text; null and absent are both null.
    """
    profile = profile_text(source, options)
    lines = _Lines(source, profile, options)
    keys, num_bad = _survey(connection, lines, source)
    columns = clean_names([".".join(key) for key in keys], source)
    replaced = projection(columns)
    with lines.relation() as relation:
        num_rows = copy_to_part(connection, _select(relation, keys, columns, replaced), into)
    with RejectWriter(into, is_raw_withheld=bool(replaced)) as rejects:
        if num_bad:
            _reject_bad_lines(connection, lines, rejects)
        num_rejected = rejects.count
    details: dict[str, Any] = {
        "encoding": profile.encoding,
        "nul_bytes_removed": profile.num_nul_bytes if profile.encoding == "utf-8" else 0,
        "replacement_characters": lines.num_replaced,
        "notes": encoding_notes(lines.stream),
    }
    return StagedFile(columns, num_rows, num_rejected, sha256_of(source), "jsonl", details)


class _Lines:
    """The file's lines as a relation of one column, `line`; each pass reads the file anew."""

    def __init__(self, source: Source, profile: TextProfile, options: ReadOptions) -> None:
        self._source = source
        self._profile = profile
        self.stream = Utf8Stream(source, profile, options)

    @property
    def num_replaced(self) -> int:
        return self.stream.num_replaced

    @contextmanager
    def relation(self) -> Iterator[str]:
        feed: AbstractContextManager[Path] = fed_path(map(_without_returns, self.stream))
        compression = "none"
        is_plain = self._profile.is_clean and not self._profile.has_carriage_return
        if is_plain and (path := plain_path(self._source)):
            feed = nullcontext(path)
            compression = "gzip" if is_gzip(path) else "none"
        with feed as readable:
            yield (
                f"read_csv({literal(str(readable))}, auto_detect=false, header=false, delim='\\x01',"
                f" quote='', escape='', new_line='\\n', columns={{'line': 'VARCHAR'}},"
                f" compression='{compression}', max_line_size={LONGEST_LINE})"
            )


def _without_returns(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b" ")


IS_OBJECT = "(CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END)"
IS_ROW = "(line IS NOT NULL AND trim(line, ' \t') <> '')"


def _survey(connection: "DuckDBPyConnection", lines: _Lines, source: Source) -> tuple[list[KeyPath], int]:
    """The key paths in order of first appearance, and how many lines hold no object."""
    keys = _keys(connection, lines, "json_keys(line)")
    with lines.relation() as relation:
        [(num_objects, num_bad)] = connection.execute(
            f"SELECT count(*) FILTER ({IS_OBJECT}), count(*) FILTER (NOT {IS_OBJECT})"
            f" FROM {relation} WHERE {IS_ROW}"
        ).fetchall()
    if not num_objects:
        raise InputError(
            f"{source.name} is not JSON Lines: no line holds a JSON object",
            do="Write one object a line, such as {\"id\": 1}; `jq -c '.[]'` makes lines of an array.",
        )
    if len(keys) > MOST_COLUMNS:
        raise InputError(
            f"{source.name} has {len(keys)} different field names", do=f"At most {MOST_COLUMNS} can be read."
        )
    paths: list[KeyPath] = []
    nested = _nested(connection, lines, keys)
    for key in keys:
        pointer = literal(_pointer((key,)))
        inner = _keys(connection, lines, f"json_keys(line, {pointer})") if key in nested else []
        paths.extend((key, name) for name in inner)
        if not inner:
            paths.append((key,))
    return paths, int(num_bad)


def _keys(connection: "DuckDBPyConnection", lines: _Lines, keys: str) -> list[str]:
    """The distinct names in a SQL list of keys, in order of first appearance."""
    with file_order(connection), lines.relation() as source:
        rows = connection.execute(
            f"""
            SELECT name FROM (
              SELECT unnest({keys}) AS name, generate_subscripts({keys}, 1) AS place, n FROM (
                SELECT line, row_number() OVER () AS n FROM {source}) WHERE {IS_OBJECT})
            GROUP BY name ORDER BY min(n * {MOST_COLUMNS} + place)
            """
        ).fetchall()
    return [row[0] for row in rows]


def _nested(connection: "DuckDBPyConnection", lines: _Lines, keys: Sequence[str]) -> set[str]:
    """The keys whose values are objects wherever they are given."""
    pointers = ", ".join(literal(_pointer((key,))) for key in keys)
    with lines.relation() as source:
        rows = connection.execute(
            f"""
            SELECT place FROM (
              SELECT unnest(types) AS type, generate_subscripts(types, 1) AS place
              FROM (SELECT json_type(line, [{pointers}]) AS types FROM {source} WHERE {IS_OBJECT}))
            WHERE type <> 'NULL' GROUP BY place HAVING bool_and(type = 'OBJECT')
            """
        ).fetchall()
    return {keys[row[0] - 1] for row in rows}


def _select(source: str, keys: Sequence[KeyPath], columns: Sequence[str], replaced: Mapping[str, str]) -> str:
    pointers = ", ".join(literal(_pointer(key)) for key in keys)
    fields = ", ".join(f"fields[{place}] AS {quoted(column)}" for place, column in enumerate(columns, 1))
    return (
        f"SELECT {projected(columns, replaced)} FROM (SELECT {fields} FROM ("
        f"SELECT json_extract_string(line, [{pointers}]) AS fields FROM {source} WHERE {IS_OBJECT}))"
    )


def _pointer(key: KeyPath) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in key)


def _reject_bad_lines(connection: "DuckDBPyConnection", lines: _Lines, rejects: RejectWriter) -> None:
    with file_order(connection), lines.relation() as source:
        found = connection.execute(
            f"""
            SELECT row_number, line_number, line, json_valid(line) FROM (
              SELECT *, row_number() OVER (ORDER BY line_number) AS row_number FROM (
                SELECT line, row_number() OVER () AS line_number FROM {source}) WHERE {IS_ROW})
            WHERE NOT {IS_OBJECT} ORDER BY line_number
            """
        )
        while rows := found.fetchmany(BATCH_ROWS):
            for row_number, line_number, line, is_json in rows:
                message = "The line is JSON, but no object" if is_json else "The line is not valid JSON"
                rejects.add(Reject(row_number, line_number, line, "invalid_json", message))
