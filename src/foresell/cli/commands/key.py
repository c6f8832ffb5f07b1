"""`foresell key`: what programs may do."""

from getpass import getuser
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="Keys of programs: add, list, revoke.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    scope: Annotated[
        list[str], typer.Option(help="What it may do; repeatable. `foresell key scopes` lists.")
    ],
    days: Annotated[
        int | None, typer.Option(min=1, help="How long it holds. Default: until revoked.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    from foresell.cli.output import print_json, print_note, print_text
    from foresell.services.access.accounts import add_key

    key, secret = add_key(open_given(store), name, scope, getuser(), days)
    if as_json:
        print_json({"key_id": key.key_id, "name": key.name, "scopes": list(key.scopes), "secret": secret})
        return
    print_text(secret)
    print_note(f"Key {key.key_id} for {key.name}: {', '.join(key.scopes)}. It is not shown again.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `foresell key list` has it.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """End a key; a server refuses it within seconds."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.access.accounts import revoke_key

    revoke_key(open_given(store), key_id, getuser())
    print_json({"key_id": key_id}) if as_json else print_text(f"Key {key_id} is revoked")


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """Every key, the revoked ones too."""
    from foresell.cli.output import print_json, print_table
    from foresell.store.access import AccessTables

    rows = [
        {
            "key_id": one.key_id,
            "name": one.name,
            "scopes": list(one.scopes),
            "made_at": one.made_at.isoformat(),
            "expires_at": one.expires_at.isoformat() if one.expires_at else None,
            "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None,
        }
        for one in AccessTables(open_given(store).folder.state).all_keys()
    ]
    print_json({"keys": rows}) if as_json else print_table(rows, empty="There is no key yet.")


@app.command()
def scopes(as_json: Json = False) -> None:
    """What a key can be allowed."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.access.roles import ROLES, SCOPES

    rows = [
        {"scope": scope, "may": does, "roles": [role for role, its in ROLES.items() if scope in its]}
        for scope, does in SCOPES.items()
    ]
    print_json({"scopes": rows}) if as_json else print_table(rows)
