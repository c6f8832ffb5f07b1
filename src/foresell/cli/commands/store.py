"""`foresell store`: the care of a store."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(
    help="Look after the store: versions, restore, compact, verify, backup and back.", no_args_is_help=True
)


@app.command()
def info(store: Store = None, as_json: Json = False) -> None:
    """What the store holds."""
    from foresell.cli.output import print_fields, print_json
    from foresell.services.upkeep import store_summary

    summary = store_summary(open_given(store))
    if as_json:
        print_json(summary)
        return
    rows = summary.pop("rows")
    print_fields(summary)
    print_fields(rows if isinstance(rows, dict) else {})


@app.command()
def versions(store: Store = None, as_json: Json = False) -> None:
    """Every run: each is a version of the store to go back to."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.upkeep import versions as list_versions

    records = [version.as_record() for version in list_versions(open_given(store))]
    if as_json:
        print_json({"versions": records})
        return
    print_table(records, empty="No runs yet.")


@app.command()
def restore(
    run_id: Annotated[str | None, typer.Argument(help="Go back to the store as this run left it.")] = None,
    take_back: Annotated[
        list[str] | None, typer.Option(help="Instead: take back this run alone, such as a bad load.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Take runs back. Their raw rows stay, but count no more; their files can be imported again."""
    from foresell.cli.output import print_fields, print_json, progress_bar
    from foresell.contracts.errors import InputError
    from foresell.services import upkeep

    if bool(run_id) == bool(take_back):
        raise InputError(
            "What to restore is not said", do="Name a run to go back to, or runs to --take-back."
        )
    shop = open_given(store)
    with progress_bar() as progress:
        if run_id:
            rebuilt = upkeep.restore(shop, run_id, progress)
        else:
            rebuilt = upkeep.take_back(shop, take_back or [], progress)
    if as_json:
        print_json(rebuilt.as_record())
        return
    print_fields({"runs applied": rebuilt.num_runs, **rebuilt.num_rows})


@app.command()
def compact(store: Store = None, as_json: Json = False) -> None:
    """Join small files, so that reading stays fast after many imports."""
    from foresell.cli.output import print_fields, print_json, progress_bar
    from foresell.services.upkeep import compact as compact_store

    with progress_bar() as progress:
        joined = compact_store(open_given(store), progress)
    if as_json:
        print_json({"files_joined": joined})
        return
    print_fields({f"{name}, files joined": count for name, count in joined.items()})


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A new folder.")], store: Store = None, as_json: Json = False
) -> None:
    """Copy the store to a new folder. Its key is not in the copy: back that up apart."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.backups import backup as backup_store

    with progress_bar() as progress:
        copied = backup_store(open_given(store), target, progress)
    if as_json:
        print_json({"backup": str(copied)})
        return
    print_text(f"Copied to {copied}. The key is not in it: keep it apart.")


@app.command("from-backup")
def from_backup(
    copy: Annotated[Path, typer.Argument(help="A folder that `foresell store backup` has made.")],
    target: Annotated[Path, typer.Argument(help="Where the store is to be: a new folder.")],
    as_json: Json = False,
) -> None:
    """Make a store of a backup again, after every file of it was checked. Its key must be at hand."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.backups import restore_backup

    with progress_bar() as progress:
        restored = restore_backup(copy, target, progress)
    if as_json:
        print_json({"store": str(restored.folder.root)})
        return
    print_text(f"{restored.folder.root} is a store again.")


@app.command()
def original(
    token: Annotated[
        str, typer.Argument(help="A token that stands for an e-mail address, a phone number, …")
    ],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What a token stands for, where privacy.keep_originals was on when it was imported."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.upkeep import read_kept_original

    text = read_kept_original(open_given(store), token)
    print_json({"token": token, "original": text}) if as_json else print_text(text)


@app.command()
def verify(store: Store = None, as_json: Json = False) -> None:
    """Check every file and count. Exits with 6 if something is wrong."""
    from foresell.cli.output import print_json, print_note, print_text, progress_bar
    from foresell.contracts.errors import BackendError
    from foresell.services.upkeep import verify as verify_store

    with progress_bar() as progress:
        found = verify_store(open_given(store), progress)
    if as_json:
        print_json(found.as_record())
    else:
        print_text(f"Checked {found.num_files} files of {found.num_runs} runs.")
        for note in found.notes:
            print_note(note)
    if found.problems:
        raise typer.Exit(_report(found.problems, BackendError.exit_code))


def _report(problems: tuple[str, ...], exit_code: int) -> int:
    from foresell.cli.output import print_note

    for problem in problems:
        print_note(f"Problem: {problem}")
    print_note("Tables: `foresell rebuild` derives them again. Raw files, logs: restore them from a backup.")
    return exit_code
