"""`foresell check`: the quality of what the store holds."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def check(
    checks: Annotated[list[str] | None, typer.Argument(help="Names of checks. Default: all.")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. Default: the store's.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Check the data: what is missing, impossible, doubled or odd, and what to do about it."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.measure import check_quality
    from foresell.services.report import read_language

    chosen = read_language(language)
    shop = open_given(store)
    with progress_bar() as progress:
        report = check_quality(shop, checks or None, progress)
    if as_json:
        print_json(report.as_record())
        return
    print_text(report.as_text(chosen or shop.settings.store.language))
