"""`foresell export`: what models found, to files and databases."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given
from foresell.cli.word_group import WordGroup

if TYPE_CHECKING:
    from foresell.services.export import Exported


class _Tables(WordGroup):
    default = "table"


app = typer.Typer(
    help="What models found, to files and databases: `foresell export scores scores.csv`.",
    no_args_is_help=True,
    cls=_Tables,
)

Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="A .csv or .parquet file, or a database: postgresql://user@host/shop, mysql://…, "
        "sqlite:///file. The password comes from FORESELL_SOURCE_PASSWORD, PGPASSWORD or MYSQL_PWD.",
    ),
]
Table = Annotated[
    str | None, typer.Option("--table", help="Its table, perhaps schema.table. Default: what is exported.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace also a table or file that Foresell did not write.")
]
Spreadsheet = Annotated[
    bool,
    typer.Option("--spreadsheet", help="CSV for people: no text in it is taken for a formula."),
]


@app.command("table")
def export_table(
    name: Annotated[
        str, typer.Argument(metavar="TABLE", help="scores, segments, profiles, recommendations, forecasts, …")
    ],
    target: Target,
    table: Table = None,
    replace: Replace = False,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only these rows, such as task=churn; repeatable."),
    ] = None,
    segmentation: Annotated[str | None, typer.Option(help="Of segments: which, such as rfm.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Of segments: an attribute of the customers beside it, such as country; repeatable."
        ),
    ] = None,
    spreadsheet: Spreadsheet = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Export a table that models wrote: `foresell export scores TARGET`. Segments leave in tens or more."""
    from foresell.cli.output import progress_bar
    from foresell.services.export import Destination, export_results

    to = Destination(target, table, is_forced=replace, is_spreadsheet=spreadsheet)
    conditions = _conditions(where or [])
    shop = open_given(store)
    with progress_bar() as progress:
        exported = export_results(
            shop, name, to, where=conditions, segmentation=segmentation, by=by or (), progress=progress
        )
    _say(exported, as_json)


@app.command("audience")
def export_audience(
    target: Target,
    segmentation: Annotated[str, typer.Option(help="Such as rfm.")],
    segment: Annotated[str, typer.Option(help="One of its segments, such as champions.")],
    identifier: Annotated[
        str,
        typer.Option(
            help="customer_id, token (as the store keeps addresses), or sha256 (as ad tools match them)."
        ),
    ] = "customer_id",
    purpose: Annotated[str, typer.Option(help="What the customers must have allowed.")] = "marketing",
    table: Table = None,
    replace: Replace = False,
    spreadsheet: Spreadsheet = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """A segment's members who allowed it, for a mail or ad tool; never fewer than ten."""
    from foresell.cli.output import progress_bar
    from foresell.services.export import Destination
    from foresell.services.export import export_audience as export_list

    to = Destination(target, table, is_forced=replace, is_spreadsheet=spreadsheet)
    shop = open_given(store)
    with progress_bar() as progress:
        exported = export_list(
            shop,
            to,
            segmentation=segmentation,
            segment=segment,
            identifier=identifier,
            purpose=purpose,
            progress=progress,
        )
    _say(exported, as_json)


@app.command("bi")
def export_bi(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="A folder for Parquet files, or postgresql://user@host/shop."),
    ],
    schema: Annotated[str, typer.Option(help="In PostgreSQL: where the views are.")] = "foresell",
    segmentation: Annotated[
        str | None, typer.Option(help="Which one leaves, where there are several, such as rfm.")
    ] = None,
    replace: Replace = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """KPIs and results for BI tools and notebooks, under names and columns that stay (docs/bi.md)."""
    from foresell.cli.output import print_json, print_note, print_text, progress_bar
    from foresell.services.export_bi import export_bi as export_all

    shop = open_given(store)
    with progress_bar() as progress:
        exported = export_all(
            shop, target, schema=schema, segmentation=segmentation, is_forced=replace, progress=progress
        )
    if as_json:
        print_json(exported.as_record())
        return
    for one in exported.exported:
        print_text(f"{one.name.removeprefix('bi ')}: {one.num_rows:,} rows")
    for name, reason in exported.skipped.items():
        print_note(f"{name} was left out. {reason}")


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """Every export there was: who, when, what, where to."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.export import list_exports

    entries = list_exports(open_given(store))
    if as_json:
        print_json({"exports": [entry.as_record() for entry in entries]})
        return
    rows = [
        {
            "id": entry.export_id,
            "when": f"{entry.begun_at:%Y-%m-%d %H:%M}",
            "who": entry.exported_by,
            "what": entry.name,
            "rows": entry.num_rows,
            "outcome": entry.outcome,
            "target": entry.target,
            "details": entry.details,
        }
        for entry in entries
    ]
    print_table(rows, empty="Nothing was exported yet.")


def _conditions(given: list[str]) -> dict[str, str]:
    from foresell.contracts.errors import InputError

    found: dict[str, str] = {}
    for one in given:
        column, equals, value = one.partition("=")
        if not equals or not column or column in found:
            raise InputError("--where takes COLUMN=VALUE, each column once", received=one)
        found[column] = value
    return found


def _say(exported: "Exported", as_json: bool) -> None:
    from foresell.cli.output import print_json, print_note, print_text

    if as_json:
        print_json(exported.as_record())
        return
    print_text(f"Exported {exported.num_rows:,} rows of {exported.name} to {exported.target}")
    for note in exported.notes:
        print_note(note)
