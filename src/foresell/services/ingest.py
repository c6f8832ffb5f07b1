"""Import: files in; rows accepted, updated, duplicate or quarantined, and nothing lost."""

from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError
from foresell.contracts.records import IngestRun
from foresell.privacy.nested import Projection, replacing_nested
from foresell.privacy.originals import keeping_originals
from foresell.privacy.tokens import prepare_tokens, token, tokenizing
from foresell.services.apply import apply_one
from foresell.services.dump_dates import dated_inputs, refuse_own_times
from foresell.services.file_notes import (
    Note,
    note_repairs,
    note_retired,
    require_named,
    review_columns,
    unheard,
)
from foresell.services.inputs import ImportRequest, Input, find_inputs
from foresell.services.purge import bury_erased, forget_unused_originals
from foresell.services.shop import Progress, Shop, silent
from foresell.services.snapshot import check_dump
from foresell.services.sql_inputs import find_database_inputs
from foresell.services.typed_views import view_raw, view_typed
from foresell.services.writing import next_recorded_at, writing
from foresell.sources.mapping import Mapping, identifier_columns, mapping_to_json
from foresell.sources.normalize import require_columns
from foresell.store.crash_points import reached
from foresell.store.merge import Stamp
from foresell.store.raw import RawRun, hash_parts, new_run_id

if TYPE_CHECKING:
    import duckdb

    from foresell.quality.repair.rule import Rule


def import_files(
    shop: Shop, request: ImportRequest, progress: Progress = silent, note: Note = unheard
) -> list[IngestRun]:
    """Import every input of a request, one run each; a run is whole or has not happened.

    `note` is told what a user should know of a file that is imported all the same.

    A file whose very bytes were imported before, under the same mapping, is a duplicate as a whole.
    Errors: InputError for what cannot be read at all, BusyError while somebody else writes.
    """
    is_database = request.database is not None
    inputs = find_database_inputs(shop, request, note) if is_database else find_inputs(request, note)
    total = len(inputs) if isinstance(inputs, Sized) else None
    runs: list[IngestRun] = []
    rules = _rules_after_import(shop)
    with writing(shop, "import", progress) as recovered, _given_back(inputs):
        zone = shop.settings.store.time_zone
        dated = dated_inputs(inputs, request, zone, next_recorded_at(shop), note)
        with shop.folder.one_engine(shop.settings):
            for index, given in enumerate(dated):
                progress(f"importing {given.name}", index, total)
                sha256 = given.fingerprint()
                finished = [run for run in recovered if run.sha256 == sha256 and run.status == "finished"]
                runs.append(finished[0] if finished else _import_one(shop, given, sha256, request, note))
        if rules:
            _repair(shop, rules, progress, note)
        progress("imported", len(runs), len(runs))
    return runs


def _rules_after_import(shop: Shop) -> list["Rule"]:
    if not shop.settings.repair.rules:
        return []
    from foresell.services.repair import rules_after_import

    return rules_after_import(shop)


def _repair(shop: Shop, rules: Sequence["Rule"], progress: Progress, note: Note) -> None:
    from foresell.services.repair import repair_each
    from foresell.services.repair_records import note_repaired

    for outcome in repair_each(shop, rules, progress):
        note_repaired(outcome, note)


@contextmanager
def _given_back(inputs: Iterable[Input]) -> Iterator[None]:
    """Whatever happens, the connection that lazy inputs hold is closed: it may stop others from writing."""
    try:
        yield
    finally:
        if isinstance(inputs, Generator):
            inputs.close()


def _import_one(
    shop: Shop, given: Input, sha256: str | None, request: ImportRequest, note: Note
) -> IngestRun:
    with _undone_if_it_fails(shop, given.name):
        run = _stage(shop, given, sha256, request, note)
        reached("import.staged")
        shop.folder.raw.publish(run)
    reached("import.raw_written")
    forget_unused_originals(shop)
    record = apply_one(shop, run)
    note_retired(run, record, note)
    return record


@contextmanager
def _undone_if_it_fails(shop: Shop, name: str) -> Iterator[None]:
    """Until a run is published nothing of it is to stay. The lock is held: what is staged is ours."""
    try:
        yield
    except OSError as error:
        shop.folder.raw.clear_staging()
        raise BackendError(
            f"{name} could not be copied into the store",
            received=error.strerror,
            do="Free disk space, or check the permissions, and import again; nothing was recorded.",
        ) from error
    except BaseException:
        shop.folder.raw.clear_staging()
        raise


def _stage(shop: Shop, given: Input, sha256: str | None, request: ImportRequest, note: Note) -> RawRun:
    """Write the raw part of a run beside the raw zone, ready to be published."""
    recorded_at = next_recorded_at(shop)
    run_id = new_run_id(recorded_at)
    staging = shop.folder.raw.staging(run_id)
    mapping = given.mapping
    text = mapping_to_json(mapping)
    earlier = None if sha256 is None else _same_import(shop, sha256, text)
    if earlier is not None:
        return _duplicate_of(earlier, run_id, recorded_at)
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        with replacing_identifiers(shop, connection, identifier_columns(mapping)) as projection:
            staged = given.stage(connection, staging, projection)
        for target in mapping.targets:
            require_columns(target, mapping, staged.columns, where=given.name)
        may_lack = request.may_lack_columns
        if request.mapping is not None:
            require_named(connection, mapping, staged.columns, given.name, may_lack=may_lack)
        review_columns(shop, mapping, given.name, staged.columns, note, may_lack=may_lack)
        note_repairs(staged, given.name, note)
        bury_erased(shop, connection, staging, mapping)
        if mapping.snapshot_at is not None:
            refuse_own_times(mapping, staged.columns, given.name)
            limit = 1.0 if request.may_shrink else shop.settings.quality.dump_shrink_limit
            _check_dump(shop, connection, staging, mapping, Stamp(run_id, mapping.name, recorded_at), limit)
    return RawRun(
        run_id=run_id,
        kind="import",
        source=mapping.name,
        source_file=given.name,
        sha256=sha256 or staged.sha256,
        mapping=text,
        recorded_at=recorded_at,
        num_rows=staged.num_rows,
        num_rejected=staged.num_rejected,
        parts=hash_parts(staging),
        position=staged.position,
    )


def _check_dump(
    shop: Shop,
    connection: "duckdb.DuckDBPyConnection",
    staging: Path,
    mapping: Mapping,
    stamp: Stamp,
    limit: float,
) -> None:
    view_raw(connection, sorted(staging.glob("part-*.parquet")), mapping)
    typed = view_typed(connection, shop.settings, mapping)
    at = datetime.fromisoformat(str(mapping.snapshot_at))
    check_dump(connection, shop.folder.tables, stamp, at, typed, limit=limit)


@contextmanager
def replacing_identifiers(
    shop: Shop, connection: "duckdb.DuckDBPyConnection", identifiers: dict[str, str]
) -> Iterator[Projection]:
    """What replaces direct identifiers before anything is stored."""
    if not shop.settings.privacy.keep_originals:
        replace = partial(token, shop.key)
        with replacing_nested(connection, identifiers, replace, tokenizing(identifiers)) as projection:
            yield projection
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
