"""`foresell simulate`: a shop whose truth is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.commands.simulate_compare import compare
from foresell.cli.options import Json

if TYPE_CHECKING:
    from foresell.simulator.settings import WorldSettings

app = typer.Typer(help="A shop whose truth is known, to learn and to check with.", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def simulate(
    context: typer.Context,
    store: Annotated[Path | None, typer.Option(help="A new folder for the store.")] = None,
    export: Annotated[
        str | None,
        typer.Option(help="No store, but raw files as they come from: ga4, rees46, segment, shopify."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A new folder for the files of --export.")] = None,
    customers: Annotated[int | None, typer.Option(help="People who may buy.")] = None,
    days: Annotated[int | None, typer.Option(help="How many days.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed lives the same days.")] = 1,
    world: Annotated[Path | None, typer.Option(help="A world of your own, in TOML.")] = None,
    processes: Annotated[
        int | None, typer.Option(help="Worker processes; the rows are the same for any number.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Live a world and make a store of what the shop saw of it; the truth lies in its folder truth/."""
    if context.invoked_subcommand is not None:
        return
    from foresell.contracts.errors import InputError
    from foresell.simulator.settings import WorldSettings, change_world, read_world

    if (store is None) == (export is None) or (export is None) != (output is None):
        raise InputError(
            "What shall be made is not said",
            do="Add --store NEWFOLDER, or --export shopify (or ga4, rees46, segment) --output NEWFOLDER.",
        )
    settings = read_world(world) if world else WorldSettings()
    settings = change_world(settings, customers=customers, days=days)
    if store is not None:
        _make_store(store, settings, seed, processes, as_json)
    elif export is not None and output is not None:
        _make_export(export, output, settings, seed, processes, as_json)


def _make_store(
    store: Path, settings: "WorldSettings", seed: int, processes: int | None, as_json: bool
) -> None:
    from foresell.cli.output import print_fields, print_json, print_text, progress_bar
    from foresell.services.simulate import simulate_store

    with progress_bar() as progress:
        made = simulate_store(store, settings, seed, processes, progress)
    if as_json:
        print_json(made.as_record())
        return
    print_fields({"store": str(made.store), **made.lived.num_rows})
    print_text(f"\nNext: foresell report --store {made.store}")


def _make_export(
    name: str, output: Path, settings: "WorldSettings", seed: int, processes: int | None, as_json: bool
) -> None:
    from foresell.cli.output import print_fields, print_json, print_text, progress_bar
    from foresell.services.simulate_export import export_world

    with progress_bar() as progress:
        made = export_world(name, output, settings, seed, processes, progress)
    if as_json:
        print_json(made.as_record())
        return
    print_fields({"output": str(made.folder), **made.files})
    print_text(f"\nNext: foresell import {made.folder} --as {name}")


@app.command("world")
def write_world(
    output: Annotated[Path, typer.Argument(help="The file to write.")],
    as_json: Json = False,
) -> None:
    """Write the settings of the default world, every key explained, to change and to use with --world."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.simulate import write_default_world

    write_default_world(output)
    if as_json:
        print_json({"world": str(output)})
    else:
        print_text(f"Wrote {output}")


app.command("compare")(compare)
