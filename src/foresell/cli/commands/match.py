"""`foresell match`: one person behind several ids, one order from several sources."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(
    help="Persons behind several ids, orders of several sources: find, list, show, undo.",
    no_args_is_help=True,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be found.")]
RunId = Annotated[str, typer.Argument(metavar="RUN")]


@app.command()
def identities(dry_run: DryRun = False, store: Store = None, as_json: Json = False) -> None:
    """Which customer ids, visitors and sessions are one person."""
    from foresell.cli.output import progress_bar
    from foresell.services.match import match_identities

    with progress_bar() as progress:
        record = match_identities(open_given(store), dry_run=dry_run, progress=progress).as_record()
    _print(record, as_json)


@app.command()
def orders(dry_run: DryRun = False, store: Store = None, as_json: Json = False) -> None:
    """Which orders of several sources are the same: they count once."""
    from foresell.cli.output import progress_bar
    from foresell.services.match import match_orders

    with progress_bar() as progress:
        record = match_orders(open_given(store), dry_run=dry_run, progress=progress).as_record()
    _print(record, as_json)


@app.command()
def events(store: Store = None, as_json: Json = False) -> None:
    """Purchase events against orders: missing, doubled, of no order, cancelled, of another amount."""
    from foresell.cli.output import print_fields, print_json, print_table, print_text
    from foresell.services.match import reconcile_events

    found = reconcile_events(open_given(store))
    record = found.as_record()
    if as_json:
        print_json(record)
        return
    print_table(found.by_source(), empty="There are no purchase events, so nothing can be compared.")
    print_text("")
    print_fields({f"{name}, such as": ", ".join(ids) for name, ids in found.examples().items() if ids})


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """The runs of matching, oldest first."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.match import list_matches

    records = [run.as_record() for run in list_matches(open_given(store))]
    if as_json:
        print_json({"runs": records})
        return
    print_table(records, empty="Nothing was matched yet.")


@app.command()
def show(
    run_id: RunId,
    limit: Annotated[int, typer.Option(min=1, help="At most so many links.")] = 20,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """The links that a run made, with their evidence."""
    from foresell.cli.output import print_fields, print_json, print_text
    from foresell.services.match import show_match

    links = show_match(open_given(store), run_id, None if as_json else limit)
    if as_json:
        print_json({"run_id": run_id, "links": links})
        return
    for link in links:
        print_fields(link)
        print_text("")


@app.command()
def undo(run_id: RunId, store: Store = None, as_json: Json = False) -> None:
    """Take a run back: the links are again, row for row, what they were before it."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.match import undo_match

    run = undo_match(open_given(store), run_id)
    if as_json:
        print_json({"undone": run.as_record()})
        return
    print_text(f"Undone: {run.num_added} links are gone, {run.num_closed} are believed again.")


def _print(record: dict[str, object], as_json: bool) -> None:
    from foresell.cli.output import print_fields, print_json

    if as_json:
        print_json(record)
        return
    print_fields({name: value for name, value in record.items() if value not in (None, {}, [])})
