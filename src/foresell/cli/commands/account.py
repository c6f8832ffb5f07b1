"""`foresell account`: who may sign in."""

import os
from getpass import getuser
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

PASSWORD_VARIABLE = "FORESELL_PASSWORD"  # noqa: S105  # the name of a variable
app = typer.Typer(help="Accounts of people: add, list, change, remove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
Role = Annotated[str, typer.Option(help="viewer, analyst or admin.")]


@app.command()
def add(name: Name, role: Role, store: Store = None, as_json: Json = False) -> None:
    """Make an account. The password is asked for, or taken from $FORESELL_PASSWORD."""
    from foresell.services.access.accounts import add_account
    from foresell.services.access.roles import check_role

    shop = open_given(store)
    check_role(role)
    made = add_account(shop, name, role, _password(), getuser())
    _say(as_json, f"{made.name} may sign in as {made.role}", name=made.name, role=made.role)


@app.command()
def password(name: Name, store: Store = None, as_json: Json = False) -> None:
    """Change a password; sessions of the account end."""
    from foresell.services.access.accounts import set_password

    set_password(open_given(store), name, _password(), getuser())
    _say(as_json, f"{name} has another password", name=name)


@app.command()
def role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, analyst or admin.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Change what an account may do; its sessions end."""
    from foresell.services.access.accounts import set_role

    set_role(open_given(store), name, role, getuser())
    _say(as_json, f"{name} is {role}", name=name, role=role)


@app.command()
def remove(name: Name, store: Store = None, as_json: Json = False) -> None:
    """Remove an account; its sessions end."""
    from foresell.services.access.accounts import remove_account

    remove_account(open_given(store), name, getuser())
    _say(as_json, f"{name} is removed", name=name)


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """Every account with its role."""
    from foresell.cli.output import print_json, print_table
    from foresell.store.access import AccessTables

    accounts = AccessTables(open_given(store).folder.state).accounts()
    rows = [{"name": one.name, "role": one.role, "made_at": one.made_at.isoformat()} for one in accounts]
    print_json({"accounts": rows}) if as_json else print_table(rows, empty="There is no account yet.")


def _say(as_json: bool, sentence: str, **record: str) -> None:
    from foresell.cli.output import print_json, print_text

    print_json(record) if as_json else print_text(sentence)


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
