"""`foresell import`: files into the store."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given
from foresell.contracts.errors import InputError


def import_(
    path: Annotated[
        str | None,
        typer.Argument(
            help="A file, folder, zip or quoted pattern, or a database such as postgresql://user@host/shop; "
            "some presets know where theirs lies."
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--as", help="How to read it: a preset or a table's name.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="A mapping of your own, in TOML; of a database, or a folder of them."),
    ] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="csv, parquet, jsonl or excel.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates columns, if not found out.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8 or gb18030, if not found out.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook; else every sheet that fits.")] = None,
    header_row: Annotated[
        int | None, typer.Option(min=1, help="The row that names the columns, if not found out.")
    ] = None,
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
    table: Annotated[str | None, typer.Option(help="Of a database, such as public.orders.")] = None,
    query: Annotated[
        str | None,
        typer.Option(metavar="SELECT|@FILE", help="What to read of a database, if no table."),
    ] = None,
    watermark: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Grows with every change of a row; read only what is new."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="COLUMNS", help="Orders equal watermarks; else the primary key.")
    ] = None,
    overlap: Annotated[
        str | None, typer.Option(help="How long before the last watermark to begin; else '1 hour'.")
    ] = None,
    batch_rows: Annotated[int | None, typer.Option(help="Rows of a database in one run.")] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Propose a mapping instead; needs no store, imports nothing.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Where to write the proposed mapping.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Import files. Every row ends accepted, updated, duplicate or quarantined; none is lost."""
    from foresell.cli.output import print_json, print_note, print_table, progress_bar
    from foresell.services.ingest import import_files
    from foresell.services.inputs import ImportRequest
    from foresell.services.measure import read_date
    from foresell.services.sql_inputs import DatabaseRequest
    from foresell.sources.sql import is_database
    from foresell.sources.staging import ReadOptions

    options = ReadOptions(file_format, delimiter, encoding, sheet=sheet, header_row=header_row)
    if suggest:
        from foresell.cli.suggesting import suggest as show_suggestion

        show_suggestion(Path(path) if path else None, options, table=table, save=save, as_json=as_json)
        return
    shop = open_given(store)
    notes: list[str] = []
    of_database = DatabaseRequest(path or "", table, query, watermark, _columns(key), overlap, batch_rows)
    database = of_database if path is not None and is_database(path) else None
    if database is None and of_database != DatabaseRequest(path or ""):
        raise InputError(
            "A table, query, watermark, key, overlap or batch is of a database only",
            do="Give its URL: foresell import postgresql://user@host/shop …",
        )
    request = ImportRequest(
        None if path is None or database else Path(path),
        preset,
        mapping,
        options,
        may_lack_columns=allow_missing_columns,
        is_snapshot=snapshot,
        as_of=read_date(as_of, "--as-of"),
        may_shrink=allow_shrinking,
        database=database,
    )
    with progress_bar() as progress:
        runs = import_files(shop, request, progress, notes.append)
    for note in dict.fromkeys(notes):
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


def _columns(given: str | None) -> tuple[str, ...]:
    return () if given is None else tuple(name.strip() for name in given.split(",") if name.strip())
