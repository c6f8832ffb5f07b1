"""Databases as inputs: each batch of a table or query becomes one run, which remembers how far it went.

The memory of a source stands in the raw records of its runs and nowhere else: it is durable exactly with
their rows, and a run that is taken back takes its part of it along.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.services.file_notes import Note
from foresell.services.inputs import ImportRequest, Input
from foresell.services.shop import Shop
from foresell.sources import PRESETS
from foresell.sources.mapping import (
    Mapping,
    identifier_columns,
    mapping_to_json,
    read_mapping,
    with_identities,
)
from foresell.sources.mapping_toml import read_source
from foresell.sources.sql.address import Address, read_address
from foresell.sources.sql.kept_connection import KeptConnection
from foresell.sources.sql.position import Position, read_position
from foresell.sources.sql.reading import Pass
from foresell.sources.sql.selection import Selection, selection_from_tree
from foresell.sources.sql.typed_parts import write_part
from foresell.sources.staging import PART, Projection, StagedFile, errors_told
from foresell.store.raw import STAGING, RawRun, file_sha256

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class DatabaseRequest:
    """What to import of which database. What is given here goes before the `[source]` of a mapping.

    `query`: SQL, or @ and a file that holds it.
    """

    url: str
    table: str | None = None
    query: str | None = None
    watermark: str | None = None
    key: tuple[str, ...] = ()
    overlap: str | None = None
    batch_rows: int | None = None


def find_database_inputs(shop: Shop, request: ImportRequest, note: Note) -> Iterator[Input]:
    """The batches of each mapping's table or query, read one after the other as they are asked for.

    The store must be locked before the first batch is asked for: what is remembered is read then.
    Errors: InputError, NotFoundError at once; when batches are read, those of `sql.open_database` too.
    """
    database = request.database
    if database is None:
        raise InputError("No database is given", do="foresell import postgresql://user@host/shop …")
    if request.is_snapshot or request.as_of is not None:
        raise InputError(
            "A database is read in batches, and none of them is a full dump",
            do="Leave out --snapshot. To find deleted rows, export the table and import that file so.",
        )
    address = read_address(database.url)
    mappings = _mappings(request)
    chosen = [(mapping, _selection(database, mapping, path)) for mapping, path in mappings]
    return _all_batches(shop, address, chosen, note)


def _mappings(request: ImportRequest) -> list[tuple[Mapping, Path | None]]:
    """The mapping, or those of a folder in the order of their names, each with its TOML."""
    if (request.mapping is None) == (request.preset is None):
        raise InputError(
            "How to read this database is not said, or said twice",
            do="Add --mapping with a TOML file or a folder of them, or --as with a table's name.",
        )
    if request.mapping is None:
        return [(_of_preset(str(request.preset)), None)]
    if not request.mapping.is_dir():
        return [(read_mapping(request.mapping), request.mapping)]
    files = sorted(request.mapping.glob("*.toml"))
    if not files:
        raise NotFoundError(
            f"{request.mapping} holds no mapping", do="Put a .toml file for each table there."
        )
    return [(read_mapping(file), file) for file in files]


def _of_preset(name: str) -> Mapping:
    if name not in PRESETS:
        raise InputError(f"There is no preset '{name}'", do=did_you_mean(name, PRESETS))
    mappings = list(PRESETS[name].mappings.values())
    if len(mappings) != 1:
        raise InputError(
            f"'{name}' is a preset of several files", do="Write a mapping for each table of the database."
        )
    return with_identities(mappings[0])


def _selection(request: DatabaseRequest, mapping: Mapping, path: Path | None) -> Selection:
    tree = {} if path is None else dict(read_source(path))
    given = {
        "table": request.table,
        "query": _query(request.query),
        "watermark": request.watermark,
        "key": list(request.key) or None,
        "overlap": request.overlap,
        "batch_rows": request.batch_rows,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    if "table" in chosen or "query" in chosen:
        tree = {name: value for name, value in tree.items() if name not in ("table", "query")}
    where = "the command" if path is None else f"{path.name}: [source]"
    selection = selection_from_tree({**tree, **chosen}, where=where)
    if mapping.is_snapshot:
        raise InputError(
            f"'{mapping.name}' is a mapping of full dumps, and a database is read in batches",
            do="Leave out snapshot = true. Rows that were deleted: export the table and import that file.",
        )
    _refuse_identifiers(selection, mapping)
    return selection


def _query(given: str | None) -> str | None:
    if given is None or not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotFoundError(f"There is no query in {path}", received=error.strerror) from error


def _refuse_identifiers(selection: Selection, mapping: Mapping) -> None:
    """The values of these columns are remembered as they are."""
    identifiers = identifier_columns(mapping)
    for name in (selection.watermark, *selection.key):
        if name in identifiers:
            raise InputError(
                f"'{name}' holds direct identifiers, and rows cannot be ordered by it",
                do="Their last value would have to be remembered. Choose another key.",
            )


def _all_batches(
    shop: Shop, address: Address, chosen: Sequence[tuple[Mapping, Selection]], note: Note
) -> Iterator[Input]:
    kept = KeptConnection(address)
    try:
        for mapping, selection in chosen:
            yield from _batches(shop, kept, address, mapping, selection, note)
    finally:
        kept.close()


def _batches(
    shop: Shop, kept: KeptConnection, address: Address, mapping: Mapping, selection: Selection, note: Note
) -> Iterator[Input]:
    memory = _Memory(shop, mapping, note)
    zone = mapping.time_zone or shop.settings.store.time_zone
    reading = Pass(address, selection, memory.position, zone, kept)
    name = f"{Path(address.database).name} {selection.name}"
    try:
        while not reading.is_finished:
            yield Input(name, mapping, partial(_stage, reading, memory, name), lambda: None)
    finally:
        reading.close()


def _stage(
    reading: Pass,
    memory: "_Memory",
    name: str,
    connection: "DuckDBPyConnection",
    into: Path,
    projection: Projection,
) -> StagedFile:
    batch = reading.read()
    columns = tuple(column.name for column in batch.columns)
    with errors_told(name, "rows of a database"):
        num_rows = write_part(connection, batch.rows, batch.columns, projection(columns), into)
    position = memory.follow(batch.position, into.name.removeprefix(STAGING))
    is_empty = num_rows == 0 and position.follows is None
    details = {"warning": "There are no rows."} if is_empty else {}
    digest = file_sha256(into / PART)
    return StagedFile(columns, num_rows, 0, digest, "sql", details, position.as_json())


class _Memory:
    """How far the sources of a mapping were read, by what stands in the runs that count.

    A run counts unless it, or one that it follows, was taken back.
    """

    def __init__(self, shop: Shop, mapping: Mapping, note: Note) -> None:
        self._mapping = mapping
        self._note = note
        self._last: dict[str, tuple[RawRun, Position]] = {}
        self._follows: dict[str, str] = {}
        counting: set[str] = set()
        taken_back = shop.folder.state.rolled_back_runs()
        for run in shop.folder.raw.runs():
            position = read_position(run.position) if run.source == mapping.name else None
            if position is None or run.run_id in taken_back:
                continue
            if position.follows is None or position.follows in counting:
                counting.add(run.run_id)
                self._last[position.origin] = (run, position)

    def position(self, origin: str) -> Position | None:
        """Where to go on in a source; None: read all of it."""
        if origin not in self._last:
            return None
        run, position = self._last[origin]
        if run.mapping != mapping_to_json(self._mapping):
            self._note(
                f"{run.source_file}: the mapping '{self._mapping.name}' is not as it was in the last import, "
                "so all rows are read again."
            )
            return None
        self._follows[origin] = run.run_id
        return position

    def follow(self, position: Position, run_id: str) -> Position:
        """The position of a new run, which follows the last one of its source."""
        followed = replace(position, follows=self._follows.get(position.origin))
        self._follows[position.origin] = run_id
        return followed
