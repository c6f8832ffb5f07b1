"""`foresell alerts`: what somebody should look at."""

from getpass import getuser
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="What somebody should look at: list, acknowledge, send.", invoke_without_command=True)
SHOWN = ("alert_id", "severity", "kind", "subject", "since", "state")


@app.callback()
def list_(
    context: typer.Context,
    state: Annotated[
        str | None,
        typer.Option(help="open, acknowledged, resolved or all. Default: those that are not resolved."),
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What somebody should look at, the newest first; raised by `foresell refresh` and a server."""
    if context.invoked_subcommand is not None:
        return
    from foresell.cli.output import print_json, print_table, print_text
    from foresell.services.monitoring.alerts import list_alerts

    shop = open_given(store)
    found = list_alerts(shop, state)
    if as_json:
        print_json({"alerts": [one.as_record() for one in found]})
        return
    rows = [
        {name: f"{value:%Y-%m-%d %H:%M}" if name == "since" else value for name, value in one.items()}
        for one in ({name: getattr(alert, name) for name in SHOWN} for alert in found)
    ]
    print_table(rows, empty="No alerts.")
    for one in found:
        message, advice = one.in_language(shop.settings.store.language)
        print_text(f"{one.alert_id}: {message} — {advice}")


@app.command()
def acknowledge(
    alert_id: Annotated[int, typer.Argument(metavar="ID", help="As `foresell alerts` has it.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Say that somebody sees to it; it stays in the list until it is over."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.monitoring.alerts import acknowledge as see_to

    done = see_to(open_given(store), alert_id, getuser())
    print_json(done.as_record()) if as_json else print_text(f"Alert {alert_id} is {done.state}")


@app.command()
def send(store: Store = None, as_json: Json = False) -> None:
    """Tell the webhook that the settings declare what it has not been told."""
    from foresell.cli.output import print_json, print_text
    from foresell.contracts.errors import InputError
    from foresell.services.monitoring.webhook import PATIENCE_SECONDS, deliver

    done = deliver(open_given(store), PATIENCE_SECONDS)
    if done is None:
        raise InputError("No webhook is declared", do="Set [monitoring] webhook in foresell.toml.")
    if as_json:
        print_json(done.as_record())
        return
    print_text(f"{done.num_sent} sent, {done.num_waiting} wait to be sent again")
    if done.problem is not None:
        print_text(f"Last: {done.problem}")
