"""`foresell erase`: remove customers from everything."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def erase(
    customers: Annotated[list[str], typer.Argument(help="Ids of customers.", metavar="CUSTOMER…")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Erase customers from the whole store: raw rows, tables, logs, state. It cannot be undone."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.contracts.errors import InputError
    from foresell.services.erase import erase as erase_customers

    shop = open_given(store)
    if not yes and not _is_sure(len(customers)):
        raise InputError("Nothing was erased", do="Add --yes to erase without being asked.")
    with progress_bar() as progress:
        erased = erase_customers(shop, customers, progress)
    if as_json:
        print_json(erased.as_record())
        return
    print_text(f"Erased {erased.num_customers} customers ({erased.num_identifiers} identifiers).")
    if erased.models_to_retrain:
        print_text(f"Trained on them, fit again: {', '.join(erased.models_to_retrain)}")


def _is_sure(num_customers: int) -> bool:
    import sys

    return sys.stdin.isatty() and typer.confirm(f"Erase {num_customers} customers for good?", err=True)
