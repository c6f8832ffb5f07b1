"""`foresell recommend`: products for a customer."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def recommend(
    customer: Annotated[str, typer.Option(help="The customer's id.")],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many products.")] = 10,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What this customer will want next, with reasons."""
    from foresell.cli.output import print_json, print_table, print_text, progress_bar
    from foresell.services.predict import recommend as recommend_products

    shop = open_given(store)
    with progress_bar() as progress:
        answer = recommend_products(shop, customer, k, progress)
    if as_json:
        print_json(answer)
        return
    print_text(f"For customer {answer['customer_id']}, by {answer['model']}")
    items = answer["items"]
    print_table(items if isinstance(items, list) else [], empty="No product can be recommended.")
