"""`foresell init`: make a store."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    name: Annotated[str | None, typer.Option(help="What the reports call this shop.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name, such as Europe/Berlin.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217, such as EUR.")] = None,
    week_start: Annotated[str | None, typer.Option(help="First day of a week, such as monday.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the reports: en or zh.")] = None,
    as_json: Json = False,
) -> None:
    """Make a new store: a folder with its settings, and a key outside it."""
    from foresell.cli.output import print_json, print_text
    from foresell.privacy.tokens import KEY_VARIABLE, key_file
    from foresell.services.shop import create_shop

    given = {
        "name": name,
        "time_zone": time_zone,
        "currency": currency,
        "week_start": week_start,
        "language": language,
    }
    shop = create_shop(folder, {"store": {key: value for key, value in given.items() if value is not None}})
    key = key_file(shop.folder.store_id)
    where = str(key) if key.exists() else f"the environment's {KEY_VARIABLE}"
    if as_json:
        print_json({"store": str(shop.folder.root), "settings": str(shop.folder.settings_path), "key": where})
        return
    print_text(
        f"Made the store {shop.folder.root}\n"
        f"Settings, each explained: {shop.folder.settings_path}\n"
        f"Its key: {where} (back it up apart from the store)\n"
        f"Next: foresell import FILE --as PRESET --store {folder}"
    )
