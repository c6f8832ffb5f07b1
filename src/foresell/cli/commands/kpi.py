"""`foresell kpi`: business measures."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def kpi(
    name: Annotated[str | None, typer.Argument(help="A KPI. Default: all, as one overview.")] = None,
    by: Annotated[str | None, typer.Option(help="Split by a dimension, such as category.")] = None,
    period: Annotated[str | None, typer.Option(help="day, week or month.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First local date.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last local date.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="DIMENSION=VALUE", help="Only these. May be repeated.")
    ] = None,
    engine: Annotated[str, typer.Option(help="duckdb or spark.")] = "duckdb",
    about: Annotated[bool, typer.Option("--about", help="What it means and how it is calculated.")] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """A KPI, split by a dimension and by period; or all of them."""
    from foresell.cli.output import print_json, print_table, print_text
    from foresell.services import measure

    if about:
        records = measure.describe_kpis(name)
        print_json({"kpis": records}) if as_json else print_table(records)
        return
    question = measure.Question(
        by, period, measure.read_date(start, "--from"), measure.read_date(end, "--to"), tuple(where or ())
    )
    shop = open_given(store)
    if name is None:
        answers = measure.measure_all(shop, question, measure.read_engine(engine))
        print_json({"kpis": answers}) if as_json else _print_overview(answers)
        return
    answer = measure.measure(shop, name, question, measure.read_engine(engine))
    if as_json:
        print_json(answer.as_record())
        return
    print_text(f"{answer.kpi} ({answer.unit})")
    print_table(answer.rows, empty="Nothing in this period.")


def _print_overview(answers: list[dict[str, object]]) -> None:
    """One line a KPI: its value, or the number of its rows, or what it lacks."""
    from foresell.cli.output import print_table

    lines = []
    for answer in answers:
        rows = answer.get("rows")
        if not isinstance(rows, list):
            value: object = answer["unavailable"]
        elif len(rows) == 1 and set(rows[0]) == {"value"}:
            value = rows[0]["value"]
        else:
            value = f"{len(rows)} rows: foresell kpi {answer['kpi']}"
        lines.append({"kpi": answer["kpi"], "unit": answer.get("unit"), "value": value})
    print_table(lines)
