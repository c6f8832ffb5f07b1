"""`foresell embed`: vectors of customers, products and sessions, without training."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def embed(
    customers: Annotated[bool, typer.Option("--customers", help="Of customers.")] = False,
    products: Annotated[bool, typer.Option("--products", help="Of products.")] = False,
    sessions: Annotated[bool, typer.Option("--sessions", help="Of sessions.")] = False,
    cutoff: Annotated[
        str | None, typer.Option(metavar="TIME", help="From what was known before this day or time.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Compute vectors again from what the store has now. Default: of customers and products."""
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_fields, print_json, progress_bar
    from foresell.services.embeddings import ENTITIES
    from foresell.services.embeddings import embed as embed_entities

    shop = open_given(store)
    asked = {"customer": customers, "product": products, "session": sessions}
    chosen = [entity for entity in ENTITIES if asked[entity]] or ["customer", "product"]
    until = None if cutoff is None else read_moment(cutoff, shop.settings.store.time_zone)
    with progress_bar() as progress:
        answer = embed_entities(shop, [one for one in ENTITIES if one in chosen], until, progress)
    print_json(answer) if as_json else print_fields(answer)
