"""Export what models found to files and databases; every export is written down before a row leaves."""

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import ForesellError, InputError, NotFoundError, did_you_mean
from foresell.contracts.results import RESULTS
from foresell.services.export_files import require_file_target, write_file
from foresell.services.export_rows import Leaving, result_rows
from foresell.services.export_segments import SEGMENTS, audience_rows, segment_rows
from foresell.services.shop import Progress, Shop, silent
from foresell.sources.sql import is_database
from foresell.sources.sql.address import Address, read_address
from foresell.sources.sql.writing import write_table
from foresell.store.export_log import ExportEntry, close_entry, export_entries, note_file, open_entry

if TYPE_CHECKING:
    import pyarrow as pa

    from foresell.predict.customers.segments.activating import Identifier

AUDIENCE = "audience"
MARKETING = "marketing"
IDENTIFIERS: "dict[str, Identifier]" = {"customer_id": "customer_id", "token": "token", "sha256": "sha256"}
SQLITE = "sqlite"


@dataclass(frozen=True)
class Destination:
    """Where to: a .csv or .parquet file, or the URL of a database without a password.

    `table`: in a database, perhaps `schema.table`; None: called as what is exported. `is_forced`: replace
    also what Foresell did not write. `is_spreadsheet`: a CSV for people, see `export_files.write_file`.
    """

    place: str
    table: str | None = None
    is_forced: bool = False
    is_spreadsheet: bool = False


@dataclass(frozen=True)
class Exported:
    """`notes`: what whoever exports should know, such as how many customers allow no marketing."""

    name: str
    target: str
    num_rows: int
    details: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_record(self) -> dict[str, object]:
        told = {"exported": self.name, "target": self.target, "rows": self.num_rows}
        return {**told, **self.details, "notes": list(self.notes)}


def export_results(
    shop: Shop,
    name: str,
    to: Destination,
    *,
    where: Mapping[str, str] | None = None,
    segmentation: str | None = None,
    by: Sequence[str] = (),
    progress: Progress = silent,
) -> Exported:
    """Export the current rows of a result table; `segments` as `export_segments.segment_rows` lets them go.

    `where`: column → value as text, of any table but `segments`. `segmentation`, `by` (attributes of
    customers): of `segments` only. What was exported there before is replaced, whole or not at all.

    Errors: InputError, NotFoundError (table, column, nothing to export), ConflictError (what is there is not
    ours, a group of fewer than ten), and those of `sources.sql.writing.write_table`.
    """
    if name not in RESULTS:
        raise NotFoundError(
            f"There is no table '{name}' to export", do=did_you_mean(name, [*RESULTS, AUDIENCE])
        )
    if name == SEGMENTS:
        if where:
            raise InputError(
                "Segments leave whole: a choice among their rows could single people out",
                do="Leave out --where; --segmentation chooses one.",
            )
        return export_rows(shop, name, to, segment_rows(shop, segmentation, by), progress)
    if segmentation is not None or by:
        raise InputError(f"--segmentation and --by are of 'segments', not of '{name}'", do="Leave them out.")
    with result_rows(shop, name, where or {}) as leaving:
        return export_rows(shop, name, to, leaving, progress)


def export_audience(
    shop: Shop,
    to: Destination,
    *,
    segmentation: str,
    segment: str,
    identifier: str = "customer_id",
    purpose: str = MARKETING,
    progress: Progress = silent,
) -> Exported:
    """Export the members of a segment who allow a purpose, for a mail or ad tool.

    `identifier`: customer_id; token, as the store keeps addresses and numbers; or sha256 of the address or
    number itself, as ad tools match it, which needs kept originals. Errors: those of
    `export_segments.audience_rows` and `export_results`.
    """
    if identifier not in IDENTIFIERS:
        raise InputError(
            f"There is no kind of identifier '{identifier}'", do=did_you_mean(identifier, IDENTIFIERS)
        )
    leaving = audience_rows(shop, segmentation, segment, IDENTIFIERS[identifier], purpose)
    return export_rows(shop, AUDIENCE, to, leaving, progress)


def list_exports(shop: Shop) -> list[ExportEntry]:
    """Every export there was, oldest first, those that failed or were killed too."""
    return export_entries(shop.folder.state)


def export_rows(shop: Shop, name: str, to: Destination, leaving: Leaving, progress: Progress) -> Exported:
    """Write rows that may leave; `name`: what the log of exports calls them. Errors as `export_results`."""
    address = read_address(to.place) if is_database(to.place) else None
    table = to.table or name
    target = str(_file(shop, to)) if address is None else f"{_database(shop, address).place} {table}"
    entry = open_entry(shop.folder.state, name, target, _account(), leaving.details)
    told = replace(leaving, batches=_told(leaving, name, progress))
    try:
        if address is None:
            num_rows, notes = _to_file(shop, Path(target), to, told, entry)
        else:
            rows = told.batches
            num_rows = write_table(
                _database(shop, address), table, leaving.columns, rows, is_forced=to.is_forced
            )
            notes = ()
    except BaseException:
        with suppress(ForesellError):
            close_entry(shop.folder.state, entry, "failed", None)
        raise
    close_entry(shop.folder.state, entry, "finished", num_rows)
    return Exported(name, target, num_rows, leaving.details, (*leaving.notes, *notes))


def _file(shop: Shop, to: Destination) -> Path:
    """The file to write, where links lead."""
    if to.table is not None:
        raise InputError("A file has no table in it", do="Leave out --table, or name a database.")
    path = Path(to.place).expanduser().resolve()
    require_file_target(path)
    _require_outside(shop, path)
    return path


def _database(shop: Shop, address: Address) -> Address:
    """A SQLite file by its whole path, so that the log of exports says which it was."""
    if address.scheme != SQLITE:
        return address
    path = Path(address.database).resolve()
    _require_outside(shop, path)
    return replace(address, database=str(path))


def _require_outside(shop: Shop, path: Path) -> None:
    if path.is_relative_to(shop.folder.root):
        raise InputError(
            "Exports do not go into the store itself",
            received=path,
            do="Choose another folder: what lies in the store is the store's.",
        )


def _to_file(
    shop: Shop, path: Path, to: Destination, leaving: Leaving, entry: int
) -> tuple[int, tuple[str, ...]]:
    state = shop.folder.state
    known = {one.sha256 for one in export_entries(state) if one.target == str(path)}
    written = write_file(
        path,
        leaving.columns,
        leaving.batches,
        is_spreadsheet=to.is_spreadsheet,
        is_ours=lambda sha256: to.is_forced or sha256 in known,
        is_about_to_be=lambda sha256: note_file(state, entry, sha256),
    )
    if not written.num_formulas or to.is_spreadsheet:
        return written.num_rows, ()
    return written.num_rows, (
        f"{written.num_formulas:,} values begin with =, +, - or @, which a spreadsheet takes for a formula: "
        "if people will open the file in one, export it with --spreadsheet.",
    )


def _told(leaving: Leaving, name: str, progress: Progress) -> "Iterator[pa.RecordBatch]":
    done = 0
    for batch in leaving.batches:
        yield batch
        done += batch.num_rows
        progress(f"exporting {name}", done, None)


def _account() -> str:
    """Who exports: the account of the machine that does, whatever its environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
