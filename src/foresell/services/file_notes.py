"""What a user should know of a file that could be read: columns that have gone or are not used, repairs."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.records import IngestRun
from foresell.contracts.tables import TABLES
from foresell.services.shop import Shop
from foresell.sources.mapping import Mapping, identifier_columns, mapping_from_json
from foresell.sources.staging import StagedFile
from foresell.store.engine import quoted
from foresell.store.raw import RawRun

if TYPE_CHECKING:
    import duckdb

# Called with a sentence about a file that is imported all the same.
Note = Callable[[str], None]


def unheard(_sentence: str) -> None:
    """The notes of somebody who does not listen."""


def review_columns(
    shop: Shop, mapping: Mapping, file_name: str, columns: Sequence[str], note: Note, *, may_lack: bool
) -> None:
    """Refuse a file whose columns were renamed since the last of its kind; note what is not used.

    A column that the mapping can do without is null where a file lacks it. If the last file had it, and this
    one has a new column that nobody knows, it was most likely renamed: importing it would empty the column
    in every corrected row. InputError then, unless it `may_lack` columns.
    """
    used = used_columns(mapping)
    unused = [column for column in columns if column not in used]
    last = _last_run(shop, mapping.name)
    before = set() if last is None else _columns_of(shop, last)
    gone = sorted((before & used) - set(columns))
    came = [column for column in unused if last is not None and column not in before]
    if last is not None and gone and came and not may_lack:
        raise InputError(
            f"{file_name} has no {_listed(gone)}, which the last import of '{mapping.name}' "
            f"({last.source_file}) had, but it has {_listed(came)}, which nothing reads",
            do="If it was renamed, rename it back in the file, or write a mapping. If the file is right "
            "as it is, add --allow-missing-columns.",
        )
    if last is not None and gone:
        note(f"{file_name} has no {_listed(gone)}, unlike {last.source_file}: its rows say nothing there.")
    if unused and mapping.name in TABLES:
        note(f"{file_name}: not used: {_listed(unused)}. Rename them, or write a mapping, if they matter.")


def require_named(
    connection: "duckdb.DuckDBPyConnection",
    mapping: Mapping,
    columns: Sequence[str],
    file_name: str,
    *,
    may_lack: bool,
) -> None:
    """InputError where a mapping of the user's own speaks of a column that the file does not have.

    An identifier under another name would be stored as it is; a condition on it could never be asked. A file
    that `may_lack` columns may lack identifiers.
    """
    import duckdb

    lacking = [] if may_lack else [name for name in mapping.identifiers if name not in columns]
    if lacking:
        raise InputError(
            f"{file_name} has no column '{lacking[0]}', which [identifiers] of '{mapping.name}' names: under "
            "another name it would be stored in clear",
            do=did_you_mean(lacking[0], columns),
        )
    nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS {quoted(name)}" for name in columns)
    for target in mapping.targets:
        try:
            connection.execute(f"SELECT {target.when or 'true'} FROM (SELECT {nothing}) LIMIT 0")
        except duckdb.BinderException as error:
            raise InputError(
                f"The condition `where` of [tables.{target.table}] does not fit {file_name}",
                received=str(error).splitlines()[0],
                do="Name one of its columns.",
            ) from error


def note_repairs(staged: StagedFile, file_name: str, note: Note) -> None:
    """What the reader has found out about a file and put right."""
    if warning := staged.details.get("warning"):
        note(f"{file_name}: {warning}")
    for sentence in staged.details.get("notes", ()):
        note(f"{file_name}: {sentence}")
    if count := staged.details.get("nul_bytes_removed"):
        note(f"{file_name}: NUL bytes removed: {count:,}.")
    if count := staged.details.get("replacement_characters"):
        note(
            f"{file_name}: places that are not {staged.details.get('encoding')} and read � now: {count:,}. "
            "If names look wrong, take the import back (`foresell store restore --take-back RUN`) and name "
            "the right encoding with --encoding."
        )


def note_retired(run: RawRun, record: IngestRun, note: Note) -> None:
    """What a full dump has ended."""
    if record.keys_retired:
        note(f"{run.source_file} lacks what '{run.source}' had given; keys retired: {record.keys_retired:,}.")
    elif run.num_rejected and mapping_from_json(run.mapping).snapshot_at is not None:
        note(
            f"{run.source_file}: lines that could not be split: {run.num_rejected:,}. Any key may be in "
            "them, so nothing was retired. Correct the file and import it again."
        )


def used_columns(mapping: Mapping) -> set[str]:
    """The source columns that a mapping reads."""
    fields = (field for target in mapping.targets for field in target.all_fields.values())
    return {column for field in fields for column in field.columns} | set(identifier_columns(mapping))


def _last_run(shop: Shop, source: str) -> RawRun | None:
    taken_back = shop.folder.state.rolled_back_runs()
    for run in reversed(shop.folder.raw.runs()):
        if run.kind == "import" and run.source == source and run.run_id not in taken_back and run.parts:
            return run
    return None


def _columns_of(shop: Shop, run: RawRun) -> set[str]:
    import pyarrow.parquet as pq

    return {name for path in shop.folder.raw.part_paths(run) for name in pq.read_schema(path).names}


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(json.dumps(column, ensure_ascii=False) for column in columns)
