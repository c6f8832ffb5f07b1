"""Complete an erasure whose tombstones are written: nothing of the erased is left in the folder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.privacy.erasure import blank_erased_rows, load_tombstones, tombstone
from foresell.privacy.nested import has_nested, nested_tokens_sql
from foresell.privacy.tokens import prepare_tokens
from foresell.services.identifying import raw_expressions, run_expressions, token_columns
from foresell.services.rebuild import is_kept_sql, rebuild_tables
from foresell.services.shop import Progress, Shop, silent
from foresell.sources.mapping import Mapping, mapping_from_json
from foresell.sources.sql.position import without_key
from foresell.store.crash_points import reached
from foresell.store.engine import quoted
from foresell.store.raw import RawRun, hash_parts, raw_rows_sql
from foresell.store.state import Decision

if TYPE_CHECKING:
    import duckdb

PENDING = "erasure_pending"
# Reports, and what a killed process left of one.
REPORTS = ("*.html", ".*.unfinished")


def finish_erasure(shop: Shop, progress: Progress = silent) -> tuple[str, ...]:
    """Complete an erasure that has its tombstones; returns the models to train again."""
    if shop.folder.state.meta(PENDING) != "yes":
        return ()
    from foresell.services.live.moving import publish_segments

    # Events that were accepted meanwhile; who accepts more from here on knows of the erasure.
    segments = publish_segments(shop)
    runs = shop.folder.raw.runs()
    for index, run in enumerate(runs):
        progress("erasing raw rows", index, len(runs))
        _blank_run(shop, run)
    reached("erase.raw_rewritten")
    shop.folder.state.forget_decisions(_erased_decisions(shop))
    forget_unused_originals(shop)
    _forget_in_logs(shop)
    rebuild_tables(shop, progress)
    for segment in segments:
        shop.folder.events.remove(segment)
    for pattern in REPORTS:
        for report in shop.folder.root.rglob(pattern):
            report.unlink()
    shop.folder.state.vacuum()
    shop.folder.state.set_meta(PENDING, "no")
    reached("erase.finished")
    return trained_models(shop)


def bury_erased(shop: Shop, connection: "duckdb.DuckDBPyConnection", folder: Path, mapping: Mapping) -> None:
    """Blank the rows of erased people in staged parts: they do not come back with a new file.

    The connection has the store's key.
    """
    tombstones = shop.folder.state.tombstones()
    if tombstones:
        parts = sorted(folder.glob("part-*.parquet"))
        blank_erased_rows(connection, folder, raw_expressions(connection, mapping, parts), tombstones)


def _blank_run(shop: Shop, run: RawRun) -> None:
    if run.kind == "duplicate":
        return
    paths = shop.folder.raw.part_paths(run)
    folder = shop.folder.raw.folder(run.run_id)
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        identifiers = run_expressions(connection, run, paths)
        blank_erased_rows(connection, folder, identifiers, shop.folder.state.tombstones())
    shop.folder.raw.replace(replace(run, parts=hash_parts(folder), position=without_key(run.position)))


def _erased_decisions(shop: Shop) -> list[str]:
    """The quarantined rows, decided upon, that are erased or whose fixes name erased people."""
    decisions = shop.folder.state.decisions()
    tombstones = set(shop.folder.state.tombstones())
    found = []
    for run in shop.folder.raw.runs():
        own = {q: decision for q, decision in decisions.items() if q.startswith(f"{run.run_id}:")}
        if not own:
            continue
        with shop.connect() as connection:
            rows = raw_rows_sql(shop.folder.raw.part_paths(run))
            erased = connection.execute(f"SELECT _row_number FROM ({rows}) WHERE _erased").fetchall()
            found += [q for q in (f"{run.run_id}:{number}" for (number,) in erased) if q in own]
        found += [q for q, decision in own.items() if _names_erased(shop.key, decision, tombstones)]
    return found


def _names_erased(key: bytes, decision: Decision, tombstones: set[tuple[str, str]]) -> bool:
    """Whether any corrected value is an erased identifier, of whatever kind."""
    kinds = {kind for kind, _ in tombstones}
    values = {value.strip() for value in decision.fixes.values()}
    return any(tombstone(key, kind, value) in tombstones for kind in kinds for value in values)


def forget_unused_originals(shop: Shop) -> None:
    """Forget the kept originals whose token stands in no raw row any more.

    So go the names and addresses of the erased too, which nobody can look up by customer; what
    others share with them stays. The caller holds the lock.
    """
    kept = shop.folder.state.original_tokens()
    if not kept or not shop.folder.state.tombstones():
        return
    with shop.connect() as connection:
        connection.execute("CREATE TEMP TABLE kept AS SELECT unnest(?::VARCHAR[]) AS token", [kept])
        for run in shop.folder.raw.runs():
            rows = raw_rows_sql(shop.folder.raw.part_paths(run))
            columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {rows}").fetchall()}
            mapping = mapping_from_json(run.mapping)
            whole = token_columns(mapping, columns)
            nested = [c for c in columns if c not in whole] if has_nested(mapping.identifiers) else []
            used = [quoted(column) for column in whole]
            used += [f"unnest({nested_tokens_sql(column)})" for column in nested]
            for tokens in used:
                connection.execute(f"DELETE FROM kept WHERE token IN (SELECT {tokens} FROM ({rows}))")
        unused = connection.execute("SELECT token FROM kept").fetchall()
    shop.folder.state.forget_originals(mark for (mark,) in unused)


def _forget_in_logs(shop: Shop) -> None:
    """Take the rows of the erased out of the logs. Processes that append to them go on in new files."""
    tombstones = shop.folder.state.tombstones()
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        load_tombstones(connection, tombstones)
        for log in shop.folder.logs.values():
            log.forget(connection, is_kept_sql(log.table))


def trained_models(shop: Shop) -> tuple[str, ...]:
    """Every artifact: all were trained while the erased rows were there."""
    manifests = sorted(shop.folder.models.glob("*/*/manifest.json"))
    return tuple(f"{path.parent.parent.name}/{path.parent.name}" for path in manifests)
