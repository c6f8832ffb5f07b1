"""`foresell recommend`: products for a customer, a basket, a product, a place."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def recommend(
    customer: Annotated[str | None, typer.Option(help="The customer's id.")] = None,
    surface: Annotated[
        str | None,
        typer.Option(
            help="customer, session, basket, similar, together, buy_again, trending, new_arrivals, on_offer, "
            "rerank, segment or email. Default: by what is given."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many products.")] = 10,
    product: Annotated[
        list[str] | None,
        typer.Option(
            help="A product id, repeatable: of the basket, the list to rerank, or what others are like."
        ),
    ] = None,
    viewed: Annotated[
        list[str] | None, typer.Option(help="A product viewed in this session, oldest first; repeatable.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Of trending: the category.")] = None,
    location: Annotated[str | None, typer.Option(help="Of trending: the place's id.")] = None,
    customers: Annotated[
        Path | None, typer.Option(help="A file of customer ids, one a line: of segment and email.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A product not to show; repeatable.")] = None,
    why_not: Annotated[
        str | None, typer.Option(help="A product id: say what keeps it out of this answer.")
    ] = None,
    served: Annotated[
        bool, typer.Option("--served", help="Customers will see this: log it with its propensities.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="What exploration draws its lots from.")] = 0,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What will be wanted next, with reasons: on every surface, under the rules in force."""
    from foresell.cli.output import print_json, print_table, progress_bar
    from foresell.contracts.errors import InputError
    from foresell.services.recommend import make_requests
    from foresell.services.recommend import recommend as recommend_products
    from foresell.services.recommend import why_not as explain_absence

    requests = make_requests(
        surface,
        k=k,
        customer_id=customer,
        product_ids=product or [],
        viewed=viewed or [],
        category=category,
        location_id=location,
        customers=customers,
        exclude=exclude or [],
        seed=seed,
    )
    shop = open_given(store)
    with progress_bar() as progress:
        if why_not is not None:
            if len(requests) != 1:
                raise InputError("--why-not is about one answer", do="Leave --customers out.")
            record = explain_absence(shop, requests[0], why_not, progress)
            answers = []
        else:
            answers = recommend_products(shop, requests, progress, is_served=served)
    if why_not is not None:
        _show_absence(record, as_json=as_json)
    elif as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    elif len(answers) == 1:
        _show(answers[0])
    else:
        rows = [
            {"customer_id": answer["customer_id"], **item} for answer in answers for item in _items(answer)
        ]
        print_table(rows, empty="No product can be recommended.")


def _items(answer: dict[str, object]) -> list[dict[str, object]]:
    items = answer["items"]
    return items if isinstance(items, list) else []


def _show(answer: dict[str, object]) -> None:
    from foresell.cli.output import print_note, print_table, print_text

    whom = f"customer {answer['customer_id']}" if answer["customer_id"] else "a visitor"
    print_text(f"For {whom} on the surface {answer['surface']}, by {answer['model']}")
    notes = answer["notes"]
    for note in notes if isinstance(notes, list) else []:
        print_note(str(note))
    hidden = {"propensity"} if all(item["propensity"] == 1.0 for item in _items(answer)) else set()
    rows = [{key: value for key, value in item.items() if key not in hidden} for item in _items(answer)]
    print_table(rows, empty="No product can be recommended.")


def _show_absence(record: dict[str, object], *, as_json: bool) -> None:
    from foresell.cli.output import print_json, print_text

    if as_json:
        print_json(record)
        return
    print_text(f"Product {record['product_id']} on the surface {record['surface']}: {record['reason']}")
