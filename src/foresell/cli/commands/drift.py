"""`foresell drift`: whether what arrives, and what models say, is like before."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def drift(
    top: Annotated[int, typer.Option(min=1, help="How many rows are shown, the largest first.")] = 20,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What arrives, what models read and say, against before; forecasts against what came."""
    from foresell.cli.output import print_json, print_note, print_table, print_text, progress_bar
    from foresell.services.monitoring.drift import find_drift

    with progress_bar() as progress:
        report = find_drift(open_given(store), progress)
    if as_json:
        print_json(report.as_record())
        return
    shown = ("name", "measure", "effect", "p_value", "size")
    print_table(
        [
            {
                "group": row.group,
                "of": row.subject or None,
                **{name: getattr(row.shift, name) for name in shown},
            }
            for row in report.rows[:top]
        ],
        empty="Nothing could be compared.",
    )
    for alarm in report.forecasts:
        print_text(alarm.text)
    for name, why in report.skipped.items():
        print_note(f"{name}: {why}")
