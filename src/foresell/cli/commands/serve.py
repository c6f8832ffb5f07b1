"""`foresell serve`: the HTTP API of a store, and its console."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Store, open_given, store_path

if TYPE_CHECKING:
    from foresell.contracts.serving import ServeSettings
    from foresell.contracts.settings import Settings
    from foresell.services.shop import Shop

ON_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def serve(
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The port. Default: [serve] of foresell.toml, 8080.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on. Default: [serve], this machine only.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Where the shop's pages live, such as https://shop.example; repeatable."),
    ] = None,
    behind_https: Annotated[
        bool, typer.Option("--behind-https", help="A proxy before it speaks HTTPS: cookies go by it only.")
    ] = False,
    console_port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="The console's port; 0: no console. Default: the next one."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that share the port. Default: [serve], 1."),
    ] = None,
    store: Store = None,
) -> None:
    """Take events and answer by HTTP until it is stopped, on this machine only if not told else.

    The console, for people, stands beside it where NiceGUI is installed; an empty folder becomes a store.
    """
    from foresell.cli.console_beside import console_beside, has_console
    from foresell.cli.output import print_note
    from foresell.contracts.errors import BackendError
    from foresell.store.access import AccessTables

    try:
        import fastapi  # noqa: F401  # asked for here, so that what is missing is said plainly
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise BackendError(
            "The packages for serving are not installed", do="Run: pip install 'foresell[serve]'"
        ) from error
    shop = _open_or_make(store)
    asked = chosen(
        shop.settings,
        host=host,
        port=port,
        console_port=console_port,
        origins=origin,
        is_behind_https=behind_https or None,
        workers=workers,
    )
    tables = AccessTables(shop.folder.state)
    if not tables.accounts() and not tables.all_keys():
        print_note("Nobody may ask yet: foresell account add NAME --role admin, or foresell key add NAME.")
    if asked.host not in ON_THIS_MACHINE and not asked.is_behind_https:
        print_note("Others can reach this without HTTPS: put a proxy before it, and add --behind-https.")
    os.environ["FORESELL_SERVE_STORE"] = str(shop.folder.root)
    os.environ["FORESELL_SERVE_ORIGINS"] = ",".join(asked.origins)
    os.environ["FORESELL_SERVE_SECURE"] = "yes" if asked.is_behind_https else "no"
    print_note(f"Serving {shop.settings.store.name} on http://{asked.host}:{asked.port}; stop with Ctrl-C.")
    at = asked.port + 1 if asked.console_port < 0 else asked.console_port
    beside: AbstractContextManager[None] = nullcontext()
    if at and has_console():
        print_note(f"The console is on http://{asked.host}:{at}")
        beside = console_beside(shop.folder.root, asked.host, at, behind_https=asked.is_behind_https)
    elif at:
        print_note("No console: install it with pip install 'foresell[console]'")
    with beside:
        _run(asked)


def _run(asked: "ServeSettings") -> None:
    import uvicorn

    from foresell.cli.output import print_note
    from foresell.cli.workers import Workers, require_free
    from foresell.contracts.serving import APPLICATION, HOST_VARIABLE, PORT_VARIABLE, SERVER_OPTIONS

    if asked.workers == 1:
        uvicorn.run(APPLICATION, host=asked.host, port=asked.port, **SERVER_OPTIONS)
        return
    require_free(asked.host, asked.port)
    os.environ[HOST_VARIABLE], os.environ[PORT_VARIABLE] = asked.host, str(asked.port)
    Workers(asked.workers, print_note).run()


def chosen(settings: "Settings", **options: object) -> "ServeSettings":
    """How to serve: what is given (None: is not), else what [serve] of the store's settings says. InputError
    for what cannot be."""
    from foresell.contracts.settings import make_settings

    given = {name: value for name, value in options.items() if value is not None}
    tree = settings.model_dump()
    return make_settings({**tree, "serve": {**tree["serve"], **given}}, where="options").serve


def _open_or_make(store: Path | None) -> "Shop":
    """The store; in a folder that is empty or not there yet, a new one with the settings' defaults."""
    from foresell.cli.output import print_note
    from foresell.services.shop import create_shop

    root = store_path(store)
    if root.exists() and any(root.iterdir()):
        return open_given(store)
    print_note(f"{root} is empty: a store is made there. Its settings are in foresell.toml.")
    return create_shop(root)
