"""`foresell quarantine`: rows that could not be used, and their way back in."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="Rows that could not be used: list, show, fix, replay, discard.", no_args_is_help=True)

Ids = Annotated[list[str], typer.Argument(help="Ids of quarantined rows.", metavar="ID…")]


@app.command("list")
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="Also fixed, replayed, discarded, erased.")
    ] = False,
    run: Annotated[str | None, typer.Option(help="Only of this run.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this error code.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Counts by reason, and the first rows."""
    from dataclasses import asdict

    from foresell.cli.output import print_json, print_note, print_table, print_text
    from foresell.services.quarantine import count_quarantine, list_quarantine

    shop = open_given(store)
    counts = [asdict(count) for count in count_quarantine(shop)]
    status = None if everything else "open"
    rows = list_quarantine(shop, status=status, run_id=run, error_code=reason, limit=limit)  # type: ignore[arg-type]
    if as_json:
        print_json({"counts": counts, "rows": [row.as_record() for row in rows]})
        return
    print_table(counts, empty="Nothing is in quarantine.")
    if rows:
        print_text("")
        shown = ("quarantine_id", "source_file", "row_number", "error_code", "column", "message")
        print_table([{name: row.as_record()[name] for name in shown} for row in rows])
        print_note(
            "To bring a row in: foresell quarantine fix ID --set COLUMN=VALUE …, then foresell quarantine "
            "replay. To leave it out for good: foresell quarantine discard ID."
        )


@app.command()
def show(
    quarantine_id: Annotated[str, typer.Argument(metavar="ID")], store: Store = None, as_json: Json = False
) -> None:
    """One row, as it came, with its reason."""
    from foresell.cli.output import print_fields, print_json
    from foresell.services.quarantine import show_quarantine

    record = show_quarantine(open_given(store), quarantine_id).as_record()
    if as_json:
        print_json(record)
        return
    print_fields(record)


@app.command()
def fix(
    quarantine_id: Annotated[str, typer.Argument(metavar="ID")],
    values: Annotated[list[str], typer.Option("--set", metavar="COLUMN=VALUE", help="A corrected value.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Note corrected values; `replay` then brings the row in."""
    from foresell.cli.output import print_fields, print_json
    from foresell.contracts.errors import InputError
    from foresell.services.quarantine import fix_quarantine

    for value in values:
        if "=" not in value:
            raise InputError("A correction is written COLUMN=VALUE", received=value)
    fixes = dict(value.split("=", 1) for value in values)
    record = fix_quarantine(open_given(store), quarantine_id, fixes).as_record()
    if as_json:
        print_json(record)
        return
    print_fields(record)


@app.command()
def replay(
    quarantine_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Default: every fixed row.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Bring rows in again, with their corrections."""
    from foresell.cli.output import print_json, print_table, progress_bar
    from foresell.services.quarantine import replay_quarantine

    shop = open_given(store)
    with progress_bar() as progress:
        runs = replay_quarantine(shop, quarantine_ids or None, progress)
    records = [run.as_record() for run in runs]
    if as_json:
        print_json({"runs": records})
        return
    shown = ("run_id", "source_file", "rows_read", "rows_accepted", "rows_updated", "rows_quarantined")
    print_table([{name: record[name] for name in shown} for record in records], empty="No row is fixed.")


@app.command()
def discard(quarantine_ids: Ids, store: Store = None, as_json: Json = False) -> None:
    """Decide that rows are of no use. They stay in the raw zone and in the counts."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.quarantine import discard_quarantine

    discarded = discard_quarantine(open_given(store), quarantine_ids)
    if as_json:
        print_json({"discarded": discarded})
        return
    print_text(f"Discarded {discarded} rows.")
