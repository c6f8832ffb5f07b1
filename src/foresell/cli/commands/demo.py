"""`foresell demo`: the whole road on real data."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json


def demo(
    store: Annotated[Path, typer.Option("--store", help="Where to make the demo's store.")] = Path(
        "demo-store"
    ),
    as_json: Json = False,
) -> None:
    """Import The Complete Journey, check it, measure, predict and report. Needs the extra `demo`."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.demo import run_demo

    with progress_bar() as progress:
        summary = run_demo(store, progress)
    print_json(summary.as_record()) if as_json else print_text(summary.as_text())
