"""Import: files in; rows accepted, updated, duplicate or quarantined, and nothing lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, InputError, NotFoundError, did_you_mean
from foresell.contracts.records import IngestRun
from foresell.privacy.originals import Projection, keeping_originals
from foresell.privacy.tokens import prepare_tokens, tokenizing
from foresell.services.apply import apply_one
from foresell.services.file_notes import Note, note_repairs, review_columns, unheard
from foresell.services.purge import bury_erased, forget_unused_originals
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import next_recorded_at, writing
from foresell.sources import PRESETS
from foresell.sources.mapping import (
    Mapping,
    identifier_columns,
    mapping_to_json,
    read_mapping,
    with_identities,
)
from foresell.sources.normalize import require_columns
from foresell.sources.readers import ReadOptions, stage_file
from foresell.store.crash_points import reached
from foresell.store.raw import RawRun, file_sha256, hash_parts, new_run_id

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class ImportRequest:
    """What to import. `preset` names one of PRESETS; `mapping` is a TOML file; one of the two.

    `path` may be left out for a preset that knows where its data lies. `options` go before those of the
    mapping. `may_lack_columns`: see `file_notes.review_columns`.
    """

    path: Path | None
    preset: str | None = None
    mapping: Path | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    may_lack_columns: bool = False


def import_files(
    shop: Shop, request: ImportRequest, progress: Progress = silent, note: Note = unheard
) -> list[IngestRun]:
    """Import every file of a request, one run each; a run is whole or has not happened.

    `note` is told what a user should know of a file that is imported all the same.

    A file whose very bytes were imported before, under the same mapping, is a duplicate as a whole.
    Errors: InputError for what cannot be read at all, BusyError while somebody else writes.
    """
    files = _find_files(request)
    runs: list[IngestRun] = []
    with writing(shop, "import", progress) as recovered:
        for index, (path, mapping) in enumerate(files):
            progress(f"importing {path.name}", index, len(files))
            sha256 = _fingerprint(path)
            finished = [run for run in recovered if run.sha256 == sha256 and run.status == "finished"]
            runs.append(finished[0] if finished else _import_one(shop, path, sha256, mapping, request, note))
        progress("imported", len(files), len(files))
    return runs


def _find_files(request: ImportRequest) -> list[tuple[Path, Mapping]]:
    if request.path is not None and not request.path.exists():
        raise NotFoundError(f"There is no file {request.path}", do="Check the path.")
    if request.mapping is not None:
        if request.preset is not None:
            raise InputError("A preset and a mapping are given", do="Leave out --as or --mapping.")
        if request.path is None or request.path.is_dir():
            raise InputError(
                "A mapping needs a file to read",
                received=request.path,
                do="Write: foresell import FILE --mapping MAPPING.toml",
            )
        return [(request.path, read_mapping(request.mapping))]
    if request.preset is None:
        raise InputError(
            "How to read this file is not said", do=f"Add --as with one of: {', '.join(sorted(PRESETS))}."
        )
    if request.preset not in PRESETS:
        raise InputError(f"There is no preset '{request.preset}'", do=did_you_mean(request.preset, PRESETS))
    files = PRESETS[request.preset].files(request.path)
    return [(path, with_identities(mapping)) for path, mapping in files]


def _fingerprint(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read", received=error.strerror, do="Check its permissions."
        ) from error


def _import_one(
    shop: Shop, path: Path, sha256: str, mapping: Mapping, request: ImportRequest, note: Note
) -> IngestRun:
    with _undone_if_it_fails(shop, path):
        run = _stage(shop, path, sha256, mapping, request, note)
        reached("import.staged")
        shop.folder.raw.publish(run)
    reached("import.raw_written")
    forget_unused_originals(shop)
    return apply_one(shop, run)


@contextmanager
def _undone_if_it_fails(shop: Shop, path: Path) -> Iterator[None]:
    """Until a run is published nothing of it is to stay. The lock is held: what is staged is ours."""
    try:
        yield
    except OSError as error:
        shop.folder.raw.clear_staging()
        raise BackendError(
            f"{path.name} could not be copied into the store",
            received=error.strerror,
            do="Free disk space, or check the permissions, and import again; nothing was recorded.",
        ) from error
    except BaseException:
        shop.folder.raw.clear_staging()
        raise


def _stage(
    shop: Shop, path: Path, sha256: str, mapping: Mapping, request: ImportRequest, note: Note
) -> RawRun:
    """Write the raw part of a run beside the raw zone, ready to be published."""
    recorded_at = next_recorded_at(shop)
    run_id = new_run_id(recorded_at)
    staging = shop.folder.raw.staging(run_id)
    text = mapping_to_json(mapping)
    options = _combined(request.options, mapping.read)
    earlier = _same_import(shop, sha256, text)
    if earlier is not None:
        return _duplicate_of(earlier, run_id, recorded_at)
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        with replacing_identifiers(shop, connection, identifier_columns(mapping)) as projection:
            staged = stage_file(connection, path, staging, options=options, projection=projection)
        for target in mapping.targets:
            require_columns(target, mapping, staged.columns, where=path.name)
        may_lack = request.may_lack_columns
        review_columns(shop, mapping, path.name, staged.columns, note, may_lack=may_lack)
        note_repairs(staged, path.name, note)
        bury_erased(shop, connection, staging, mapping)
    return RawRun(
        run_id=run_id,
        kind="import",
        source=mapping.name,
        source_file=path.name,
        sha256=sha256,
        mapping=text,
        recorded_at=recorded_at,
        num_rows=staged.num_rows,
        num_rejected=staged.num_rejected,
        parts=hash_parts(staging),
    )


def _combined(given: ReadOptions, of_mapping: ReadOptions) -> ReadOptions:
    """The mapping's options, but for those that differ from the defaults in what the user has given."""
    default = ReadOptions()
    names = [option.name for option in fields(ReadOptions)]
    chosen = {name: getattr(given, name) for name in names if getattr(given, name) != getattr(default, name)}
    return replace(of_mapping, **chosen)


@contextmanager
def replacing_identifiers(
    shop: Shop, connection: "duckdb.DuckDBPyConnection", identifiers: dict[str, str]
) -> Iterator[Projection]:
    """What replaces direct identifiers before anything is stored."""
    if not shop.settings.privacy.keep_originals:
        yield tokenizing(identifiers)
        return
    with keeping_originals(connection, identifiers, shop.folder.state, shop.key) as projection:
        yield projection


def _same_import(shop: Shop, sha256: str, mapping: str) -> RawRun | None:
    taken_back = shop.folder.state.rolled_back_runs()
    for run in shop.folder.raw.runs():
        is_same = run.kind == "import" and run.sha256 == sha256 and run.mapping == mapping
        if is_same and run.run_id not in taken_back:
            return run
    return None


def _duplicate_of(earlier: RawRun, run_id: str, recorded_at: datetime) -> RawRun:
    return RawRun(
        run_id=run_id,
        kind="duplicate",
        source=earlier.source,
        source_file=earlier.source_file,
        sha256=earlier.sha256,
        mapping=earlier.mapping,
        recorded_at=recorded_at,
        num_rows=earlier.num_rows + earlier.num_rejected,
        duplicate_of=earlier.run_id,
    )
