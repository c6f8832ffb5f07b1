"""`foresell events`: events that were accepted and are not in the tables yet."""

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="Accepted events: move them into the tables, see what waits.", no_args_is_help=True)


@app.command()
def move(store: Store = None, as_json: Json = False) -> None:
    """Bring accepted events into the tables now. `foresell serve` does it by itself."""
    from foresell.cli.output import print_fields, print_json, progress_bar
    from foresell.services.live.moving import move_events
    from foresell.services.live.shared_shop import carried

    shop = open_given(store)
    with progress_bar() as progress, carried(shop):
        moved = move_events(shop, progress)
    print_json(moved.as_record()) if as_json else print_fields(moved.as_record())


@app.command()
def waiting(store: Store = None, as_json: Json = False) -> None:
    """How much waits to be moved, and since when."""
    from foresell.cli.output import print_fields, print_json
    from foresell.services.live.shared_shop import redis_log

    shop = open_given(store)
    log = redis_log(shop) or shop.folder.events
    oldest = log.oldest_at()
    record = {"bytes": log.num_bytes(), "since": None if oldest is None else oldest.isoformat()}
    print_json(record) if as_json else print_fields(record)
