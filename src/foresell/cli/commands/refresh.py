"""`foresell refresh`: bring everything that is derived up to date, for a schedule."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

# As sysexits.h has it: try again later.
EXIT_BUSY = 75
EXIT_FAILED = 1


def refresh(
    what: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this: events, kpis, forecasts, scores, recommendations, segments, profiles, drift, "
            "alerts; repeatable. Default: all."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also what is up to date.")] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """KPIs, scores, forecasts and the rest up to date; what is so already is left alone.

    Ends with 0, with 75 where somebody else wrote for too long (try again), with 1 where something failed.
    """
    from foresell.cli.output import print_json, print_table, print_text, progress_bar
    from foresell.services.monitoring.refresh import refresh as bring_up_to_date

    shop = open_given(store)
    with progress_bar() as progress:
        done = bring_up_to_date(shop, what or (), progress, is_forced=force)
    if as_json:
        print_json(done.as_record())
    else:
        print_table(
            [{"step": one.step, "outcome": one.outcome, "seconds": one.seconds} for one in done.results]
        )
        for one in done.results:
            if one.note:
                print_text(f"{one.step}: {one.note}")
    codes = {"failed": EXIT_FAILED, "busy": EXIT_BUSY}
    if code := codes.get(done.worst, 0):
        raise typer.Exit(code)
