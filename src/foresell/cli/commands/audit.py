"""`foresell audit`: who did what."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="The log of who did what: show, verify.", no_args_is_help=True)
EXIT_PROBLEMS = 1


@app.command()
def verify(store: Store = None, as_json: Json = False) -> None:
    """Check that no entry was changed, taken out or cut off."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.access.audit import audit_log

    found = audit_log(open_given(store)).faults()
    if as_json:
        print_json({"entries": found.num_entries, "problems": list(found.problems)})
    else:
        for problem in found.problems:
            print_text(problem)
        print_text(f"{found.num_entries:,} entries, {len(found.problems)} problems")
    if found.problems:
        raise typer.Exit(EXIT_PROBLEMS)


@app.command()
def show(
    last: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
    customer: Annotated[str | None, typer.Option(help="Only what is about this customer.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """The newest entries, oldest first."""
    from collections import deque

    from foresell.cli.output import print_json, print_table
    from foresell.services.access.audit import audit_log, subject_of

    shop = open_given(store)
    subject = None if customer is None else subject_of(shop, customer)
    chosen = (one for one in audit_log(shop).entries() if subject is None or one["subject"] == subject)
    rows = [dict(one) for one in deque(chosen, maxlen=last)]
    if as_json:
        print_json({"entries": rows})
        return
    shown = ("number", "at", "who", "action", "subject", "details")
    print_table([{name: row[name] or None for name in shown} for row in rows], empty="Nothing was logged.")
