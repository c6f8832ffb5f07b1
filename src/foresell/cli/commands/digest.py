"""`foresell digest`: yesterday in ten lines."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def digest(
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="A local date. Default: yesterday.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write it to a .md or .html file as well.")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. Default: the store's.")] = None,
    send: Annotated[bool, typer.Option(help="Post it to $FORESELL_DIGEST_WEBHOOK, if that is set.")] = True,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """The day in ten lines: sales and why, and sources that are late, changed or unusual."""
    from foresell.cli.output import print_json, print_note, print_text
    from foresell.services.digest import make_digest
    from foresell.services.digest.delivery import deliver
    from foresell.services.measure import read_date
    from foresell.services.report import read_language

    shop = open_given(store)
    made = make_digest(shop, read_date(day, "--day"), read_language(language))
    delivered = deliver(shop, made, output, is_sent=send)
    if as_json:
        print_json({**made.as_record(), **delivered.as_record()})
    else:
        print_text(made.markdown())
    for note in delivered.notes:
        print_note(note)
