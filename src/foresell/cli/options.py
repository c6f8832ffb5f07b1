"""The options that every command shares."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from foresell.services.shop import Shop


STORE_VARIABLE = "FORESELL_STORE"

Store = Annotated[
    Path | None,
    typer.Option("--store", help="The store's folder. Default: $FORESELL_STORE, else the current folder."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Date = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD")]


def store_path(store: Path | None) -> Path:
    return store or Path(os.environ.get(STORE_VARIABLE) or ".")


def open_given(store: Path | None) -> "Shop":
    """The shop that --store, the environment or the current folder names."""
    from foresell.services.shop import open_shop

    return open_shop(store_path(store))
