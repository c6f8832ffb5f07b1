"""`foresell import`: files into the store."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def import_(
    path: Annotated[
        Path | None, typer.Argument(help="A file or folder; some presets know where theirs lies.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--as", help="How to read it: a preset or a table's name.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="A mapping of your own, in TOML.")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="csv, parquet or jsonl.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates columns, if not found out.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8 or gb18030, if not found out.")] = None,
    allow_missing_columns: Annotated[
        bool, typer.Option("--allow-missing-columns", help="Even if columns were renamed since last time.")
    ] = False,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="A full dump: what it lacks is no longer true.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Its day, if its name does not say it."),
    ] = None,
    allow_shrinking: Annotated[
        bool, typer.Option("--allow-shrinking", help="However many keys a full dump lacks.")
    ] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Import files. Every row ends accepted, updated, duplicate or quarantined; none is lost."""
    from foresell.cli.output import print_json, print_note, print_table, progress_bar
    from foresell.services.ingest import import_files
    from foresell.services.inputs import ImportRequest
    from foresell.services.measure import read_date
    from foresell.sources.readers import ReadOptions

    shop = open_given(store)
    notes: list[str] = []
    options = ReadOptions(format=file_format, delimiter=delimiter, encoding=encoding)
    request = ImportRequest(
        path,
        preset,
        mapping,
        options,
        may_lack_columns=allow_missing_columns,
        is_snapshot=snapshot,
        as_of=read_date(as_of, "--as-of"),
        may_shrink=allow_shrinking,
    )
    with progress_bar() as progress:
        runs = import_files(shop, request, progress, notes.append)
    for note in notes:
        print_note(f"Note: {note}")
    if as_json:
        print_json({"runs": [run.as_record() for run in runs]})
        return
    shown = (
        "source_file",
        "rows_read",
        "rows_accepted",
        "rows_updated",
        "rows_duplicate",
        "rows_quarantined",
    )
    records = [run.as_record() for run in runs]
    print_table([{name.removeprefix("rows_"): record[name] for name in shown} for record in records])
    if any(run.counts.rows_quarantined for run in runs):
        print_note("Some rows could not be used: `foresell quarantine list` says which, and why.")
