"""`foresell kpi`: business measures."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from datetime import date

    from foresell.services.measure import Question
    from foresell.services.shop import Engine, Shop


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
    as_reported: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Beside it, what was reported at the end of that day."),
    ] = None,
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
    if day := measure.read_date(as_reported, "--as-reported"):
        _print_restated(shop, name, question, day, measure.read_engine(engine), as_json=as_json)
        return
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


def _print_restated(
    shop: "Shop", name: str | None, question: "Question", day: "date", engine: "Engine", *, as_json: bool
) -> None:
    from foresell.cli.output import print_json, print_table, print_text
    from foresell.contracts.errors import InputError
    from foresell.services.restate import restate

    if name is None:
        raise InputError(
            "Which KPI is to be restated is not said", do="Name one: foresell kpi net_sales --as-reported DAY"
        )
    restated = restate(shop, name, question, day, engine)
    if as_json:
        print_json(restated.as_record())
        return
    zone = shop.settings.store.time_zone
    print_text(f"{name} ({restated.unit}), as known now and as reported at the end of {day} ({zone})")
    print_table(restated.rows, empty="Nothing in this period, now or then.")


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
