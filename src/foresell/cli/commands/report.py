"""`foresell report`: one page about the shop."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def report(
    output: Annotated[Path | None, typer.Option(help="Default: report.html in the store.")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. Default: the store's.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Write one self-contained HTML page: quality, KPIs, changes, recommendations, forecasts."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.report import read_language, write_report

    shop = open_given(store)
    target = output or shop.folder.root / "report.html"
    with progress_bar() as progress:
        written = write_report(shop, target, language=read_language(language), progress=progress)
    if as_json:
        print_json({"report": str(written.path), "headline": list(written.headline)})
        return
    print_text("\n".join([*written.headline, f"Wrote {written.path}"]))
