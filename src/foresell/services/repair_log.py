"""The repair log: what was repaired, row by row, and undoing it."""

from foresell.contracts.errors import NotFoundError
from foresell.services.repair import read_example
from foresell.services.repair_records import Example, RepairRun
from foresell.services.shop import Progress, Shop, silent
from foresell.services.undo import finish_undo
from foresell.services.writing import writing
from foresell.store.crash_points import reached
from foresell.store.raw import RawRun, raw_rows_sql
from foresell.store.said import REPAIR_SOURCE


def list_repairs(shop: Shop) -> list[RepairRun]:
    """Every repair that was done, undone ones too, oldest first."""
    undone = shop.folder.state.rolled_back_runs()
    runs = _runs(shop)
    with shop.reading() as tables:
        records = tables.current("ingest_runs").select("run_id", "rows_updated").to_pyarrow().to_pylist()
    applied = {record["run_id"]: record["rows_updated"] for record in records}
    return [
        RepairRun(
            run.run_id,
            run.source.removeprefix(REPAIR_SOURCE),
            run.source_file,
            run.recorded_at,
            run.num_rows,
            applied.get(run.run_id, 0),
            run.run_id in undone,
        )
        for run in runs.values()
    ]


def show_repair(shop: Shop, run_id: str, limit: int = 100) -> list[Example]:
    """The first rows of a repair, by key: old and new values, and why. NotFoundError for an unknown run.

    Rows of people who were erased are not there any more.
    """
    run = _known(shop, run_id)
    found: list[Example] = []
    with shop.connect() as connection:
        for part in shop.folder.raw.part_paths(run):
            rows = f"SELECT * FROM ({raw_rows_sql([part])}) WHERE NOT _erased"
            answer = connection.execute(f"{rows} ORDER BY ALL LIMIT ?", [limit - len(found)])
            names = [column[0] for column in answer.description]
            for values in answer.fetchall():
                row = dict(zip(names, values, strict=True))
                found.append(read_example(row["table_name"], row["action"], row))
    return found


def undo_repair(shop: Shop, run_id: str, progress: Progress = silent) -> RepairRun:
    """Give back exactly the rows of a store in which the repair never happened.

    NotFoundError for a run that is no repair, or undone already.
    """
    _known(shop, run_id)
    [before] = [run for run in list_repairs(shop) if run.run_id == run_id]
    if before.is_undone:
        raise NotFoundError(
            f"The repair '{run_id}' is undone already", do="`foresell repair list` shows all."
        )
    with writing(shop, "undo", progress):
        shop.folder.state.roll_back([run_id])
        reached("undo.decided")
        finish_undo(shop, progress)
    return before


def _runs(shop: Shop) -> dict[str, RawRun]:
    return {run.run_id: run for run in shop.folder.raw.runs() if run.kind == "repair"}


def _known(shop: Shop, run_id: str) -> RawRun:
    run = _runs(shop).get(run_id)
    if run is None:
        raise NotFoundError(f"There is no repair '{run_id}'", do="`foresell repair list` shows all.")
    return run
