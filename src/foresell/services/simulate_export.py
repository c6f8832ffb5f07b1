"""Raw exports of a simulated shop: live a world, and write what it saw as another system would."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.settings import EngineSettings
from foresell.contracts.tables import TABLES as CANONICAL
from foresell.services.shop import Progress, silent
from foresell.services.simulate import TRUTH, Lived, live_world, unfinished_folder
from foresell.simulator.exports import EXPORTS
from foresell.simulator.exports.export import TABLES, Export
from foresell.simulator.settings import WorldSettings
from foresell.store.engine import connect, literal, quoted, read_files

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json"}


@dataclass(frozen=True)
class Exported:
    """`files`: name → rows."""

    folder: Path
    preset: str
    seed: int
    files: dict[str, int]
    lived: Lived

    def as_record(self) -> dict[str, object]:
        return {
            "output": str(self.folder),
            "preset": self.preset,
            "seed": self.seed,
            "processes": self.lived.num_processes,
            "files": self.files,
            "totals": self.lived.totals,
        }


def export_world(
    name: str,
    output: Path,
    settings: WorldSettings,
    seed: int,
    processes: int | None = None,
    progress: Progress = silent,
) -> Exported:
    """Live a world under the rules of thumb, and write it as the export `name` of EXPORTS to a new folder.

    `OUTPUT/truth/` holds what no export has. Errors: InputError (no such export), ConflictError (the folder
    is not empty); see also `simulate.live_world`.
    """
    if name not in EXPORTS:
        raise InputError(f"There is no export '{name}'", do=did_you_mean(name, EXPORTS))
    with unfinished_folder(output) as folder:
        tables = folder / "tables"
        lived = live_world(settings, seed, tables, folder / TRUTH, processes, progress)
        files = _write(EXPORTS[name], tables, folder, settings.shop.time_zone, progress)
        shutil.rmtree(tables)
    return Exported(output, name, seed, files, lived)


def _write(export: Export, tables: Path, folder: Path, time_zone: str, progress: Progress) -> dict[str, int]:
    """Each file by a query that streams, or spills beside the tables."""
    files = {}
    with connect(EngineSettings(), tables / ".spill") as connection:
        connection.execute(f"SET TimeZone = {literal(time_zone)}")
        for name in TABLES:
            _view(connection, name, tables)
        for index, (name, select) in enumerate(export.files.items()):
            progress(f"writing {name}", index, len(export.files))
            target = literal(str(folder / name))
            connection.execute(f"COPY ({select}) TO {target} ({FORMATS[export.kind]})")
            files[name] = int(connection.fetchall()[0][0])
    progress("written", len(files), len(files))
    return files


def _view(connection: "DuckDBPyConnection", name: str, tables: Path) -> None:
    parts = sorted(str(part) for part in (tables / name).glob("*.parquet"))
    rows = f"SELECT * FROM ({read_files(CANONICAL[name].columns, parts)})"
    if name == "products":
        rows += " QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY valid_from DESC NULLS LAST) = 1"
    connection.execute(f"CREATE VIEW {quoted(name)} AS {rows}")
