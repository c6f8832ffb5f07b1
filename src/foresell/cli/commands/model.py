"""`foresell model`: versions of models, which serves, and back."""

from getpass import getuser
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="Versions of models: list, promote, roll back.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="recommend, forecast, churn, …")]


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """Every version of every model, the newest first, and which is in production."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.models_in_use import known_models

    rows = [
        {
            "model": model.name,
            "version": one.version,
            "kind": one.kind,
            "made_at": None if one.made_at is None else f"{one.made_at:%Y-%m-%d %H:%M}",
            "in_production": one.is_in_production,
        }
        for model in known_models(open_given(store))
        for one in model.versions
    ]
    print_json({"models": rows}) if as_json else print_table(rows, empty="No model was fitted yet.")


@app.command()
def promote(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A number, or candidate.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Put a version in production, whatever its canary check said; one that cannot be read is refused."""
    from foresell.services.models_in_use import promote as put_in_production
    from foresell.store.model_versions import resolve

    shop = open_given(store)
    done = put_in_production(shop, name, resolve(shop.folder.models, name, version))
    _tell(shop.folder.root.name, name, done.version, as_json)
    _note(store, "model.promote", name, done.version)


@app.command("roll-back")
def roll_back(name: Name, store: Store = None, as_json: Json = False) -> None:
    """Put the version before the one in production in its place."""
    from foresell.services.models_in_use import roll_back as go_back

    shop = open_given(store)
    done = go_back(shop, name)
    _tell(shop.folder.root.name, name, done.version, as_json)
    _note(store, "model.roll_back", name, done.version)


def _tell(store: str, name: str, version: str, as_json: bool) -> None:
    from foresell.cli.output import print_json, print_text

    if as_json:
        print_json({"store": store, "model": name, "production": version})
    else:
        print_text(f"{name}/{version} is in production")


def _note(store: Store, action: str, name: str, version: str) -> None:
    from foresell.services.access.audit import audit_log

    audit_log(open_given(store)).append(getuser(), action, None, model=name, version=version)
