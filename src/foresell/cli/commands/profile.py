"""`foresell profile`: one customer on a page, or the tags of all."""

from typing import Annotated

import typer

from foresell.cli.commands.predict import AsOf
from foresell.cli.options import Json, Store, open_given


def profile(
    customer: Annotated[
        str | None, typer.Argument(help="The customer's id. Default: tag all customers.")
    ] = None,
    as_of: AsOf = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Who a customer is: rhythm, tastes, price level, worth, risks, and what those alike have in common."""
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.customers.profile import profile_customer, tag_customers

    shop = open_given(store)
    if customer is None:
        with progress_bar() as progress:
            number = tag_customers(shop, progress)
        print_json({"tags": number}) if as_json else print_text(f"{number:,} tags of customers written")
        return
    moment = None if as_of is None else read_moment(as_of, shop.settings.store.time_zone)
    found = profile_customer(shop, customer, as_of=moment)
    if as_json:
        print_json(found.as_record())
        return
    from foresell.predict.customers.profiles.saying import sentences

    for sentence in sentences(found, "zh" if shop.settings.store.language == "zh" else "en"):
        print_text(sentence)
