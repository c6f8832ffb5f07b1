"""Complete an erasure whose tombstones are written: nothing of the erased is left in the folder."""

from dataclasses import replace
from typing import TYPE_CHECKING

from foresell.privacy.erasure import blank_erased_rows, is_buried_sql, load_tombstones
from foresell.privacy.tokens import prepare_tokens
from foresell.services.rebuild import rebuild_tables
from foresell.services.shop import Progress, Shop, silent
from foresell.sources.mapping import customer_columns, identifier_columns, mapping_from_json
from foresell.store.crash_points import reached
from foresell.store.raw import RawRun, hash_parts, raw_rows_sql

if TYPE_CHECKING:
    import duckdb

PENDING = "erasure_pending"
REPORTS = "report*.html"


def finish_erasure(shop: Shop, progress: Progress = silent) -> tuple[str, ...]:
    """Complete an erasure that has its tombstones; returns the models to train again."""
    if shop.folder.state.meta(PENDING) != "yes":
        return ()
    runs = shop.folder.raw.runs()
    for index, run in enumerate(runs):
        progress("erasing raw rows", index, len(runs))
        _blank_run(shop, run)
    reached("erase.raw_rewritten")
    _clean_state(shop)
    rebuild_tables(shop, progress)
    for report in shop.folder.root.glob(REPORTS):
        report.unlink()
    models = _trained_models(shop)
    shop.folder.state.set_meta(PENDING, "no")
    shop.folder.state.vacuum()
    reached("erase.finished")
    return models


def _blank_run(shop: Shop, run: RawRun) -> None:
    paths = shop.folder.raw.part_paths(run)
    if run.kind == "duplicate" or not (paths or shop.folder.raw.rejects_path(run)):
        return
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        columns = erasable_columns(connection, run, raw_rows_sql(paths))
        folder = shop.folder.raw.folder(run.run_id)
        blank_erased_rows(connection, folder, columns, shop.folder.state.tombstones())
    shop.folder.raw.replace(replace(run, parts=hash_parts(folder)))


def erasable_columns(connection: "duckdb.DuckDBPyConnection", run: RawRun, rows: str) -> dict[str, str]:
    """Raw column → kind of identifier, for every column that leads to a person."""
    mapping = mapping_from_json(run.mapping)
    names = [row[0] for row in connection.execute(f"DESCRIBE {rows}").fetchall()]
    tokens = {column: "id_token" for column in identifier_columns(mapping) if column in names}
    return {**customer_columns(mapping, names), **tokens}


def _clean_state(shop: Shop) -> None:
    """Forget fixes of erased rows and originals of erased identifiers."""
    erased: list[str] = []
    with shop.connect() as connection:
        prepare_tokens(connection, shop.key)
        load_tombstones(connection, shop.folder.state.tombstones())
        for run in shop.folder.raw.runs():
            rows = raw_rows_sql(shop.folder.raw.part_paths(run))
            numbers = connection.execute(f"SELECT _row_number FROM ({rows}) WHERE _erased").fetchall()
            erased += [f"{run.run_id}:{number}" for (number,) in numbers]
        kept = shop.folder.state.original_tokens()
        connection.execute("CREATE TEMP TABLE kept AS SELECT unnest(?::VARCHAR[]) AS token", [kept])
        gone = connection.execute(
            f"SELECT token FROM kept WHERE {is_buried_sql('id_token', 'token')}"
        ).fetchall()
    shop.folder.state.forget_decisions(erased)
    shop.folder.state.forget_originals(mark for (mark,) in gone)


def _trained_models(shop: Shop) -> tuple[str, ...]:
    """Every artifact: all were trained while the erased rows were there."""
    manifests = sorted(shop.folder.models.glob("*/*/manifest.json"))
    return tuple(f"{path.parent.parent.name}/{path.parent.name}" for path in manifests)
