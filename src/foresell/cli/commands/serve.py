"""`foresell serve`: the HTTP API of a store, and its console."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Store, open_given, store_path

if TYPE_CHECKING:
    from foresell.services.shop import Shop

APPLICATION = "foresell.api.application:from_environment"
ON_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="The port.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
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
        import uvicorn
    except ImportError as error:
        raise BackendError(
            "The packages for serving are not installed", do="Run: pip install 'foresell[serve]'"
        ) from error
    shop = _open_or_make(store)
    tables = AccessTables(shop.folder.state)
    if not tables.accounts() and not tables.all_keys():
        print_note("Nobody may ask yet: foresell account add NAME --role admin, or foresell key add NAME.")
    if host not in ON_THIS_MACHINE and not behind_https:
        print_note("Others can reach this without HTTPS: put a proxy before it, and add --behind-https.")
    os.environ["FORESELL_SERVE_STORE"] = str(shop.folder.root)
    os.environ["FORESELL_SERVE_ORIGINS"] = ",".join(origin or [])
    os.environ["FORESELL_SERVE_SECURE"] = "yes" if behind_https else "no"
    print_note(f"Serving {shop.settings.store.name} on http://{host}:{port}; stop with Ctrl-C.")
    at = port + 1 if console_port is None else console_port
    beside: AbstractContextManager[None] = nullcontext()
    if at and has_console():
        print_note(f"The console is on http://{host}:{at}")
        beside = console_beside(shop.folder.root, host, at, behind_https=behind_https)
    elif at:
        print_note("No console: install it with pip install 'foresell[console]'")
    with beside:
        uvicorn.run(
            APPLICATION,
            factory=True,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=20,
        )


def _open_or_make(store: Path | None) -> "Shop":
    """The store; in a folder that is empty or not there yet, a new one with the settings' defaults."""
    from foresell.cli.output import print_note
    from foresell.services.shop import create_shop

    root = store_path(store)
    if root.exists() and any(root.iterdir()):
        return open_given(store)
    print_note(f"{root} is empty: a store is made there. Its settings are in foresell.toml.")
    return create_shop(root)
