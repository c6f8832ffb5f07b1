"""`foresell explain`: why a KPI changed; why a model says of a customer, or a series, what it says."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from foresell.cli.commands.forecast import By, Horizon, Measure, Period, StockOutsOption, request
from foresell.cli.commands.predict import AsOf, Of
from foresell.cli.options import Json, Store, open_given
from foresell.cli.word_group import WordGroup

if TYPE_CHECKING:
    from foresell.explain.value_text import Language
    from foresell.services.customers.explain import Explained


class _Tasks(WordGroup):
    default = "task"


app = typer.Typer(help="Why something is as it is.", no_args_is_help=True, cls=_Tasks)


@app.callback()
def explain() -> None:
    """Why something is as it is."""


@app.command("kpi")
def explain_kpi(
    name: Annotated[str, typer.Argument(help="The KPI that changed.")] = "net_sales",
    start: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First local date.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last local date.")] = None,
    baseline_start: Annotated[
        str | None,
        typer.Option("--baseline-from", metavar="YYYY-MM-DD", help="Compare with: default, just before."),
    ] = None,
    baseline_end: Annotated[str | None, typer.Option("--baseline-to", metavar="YYYY-MM-DD")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Split a KPI's change into its causes, which add up exactly, and name the unusual days."""
    from foresell.cli.output import print_json
    from foresell.services import measure

    dates = {
        "start": measure.read_date(start, "--from"),
        "end": measure.read_date(end, "--to"),
        "baseline_start": measure.read_date(baseline_start, "--baseline-from"),
        "baseline_end": measure.read_date(baseline_end, "--baseline-to"),
    }
    explanation = measure.explain(open_given(store), name, dates)
    if as_json:
        print_json(explanation.as_record())
        return
    _print_explanation(explanation.as_record())


def _print_explanation(record: dict[str, Any]) -> None:
    from foresell.cli.output import format_value, print_note, print_table, print_text

    amounts = {
        name: f"{format_value(record[name])} {record['unit']}" for name in ("before", "after", "change")
    }
    print_text(
        f"{record['kpi']}: {amounts['before']} ({record['baseline_from']} to {record['baseline_to']}) → "
        f"{amounts['after']} ({record['from']} to {record['to']}), change {amounts['change']}"
    )
    print_text("\nBy what drives it")
    print_table(record["parts"])
    for dimension, groups in record["dimensions"].items():
        if all(group["value"] is None for group in groups):
            continue
        print_text(f"\nBy {dimension}")
        print_table(groups)
    print_text("\nUnusual days")
    print_table(record["unusual_days"], empty="None.")
    for note in record["notes"]:
        print_note(note)


@app.command("task")
def explain_task(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task that was fitted, such as churn.")],
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    of: Of = None,
    as_of: AsOf = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Why a task's model says of a customer what it says: `foresell explain churn CUSTOMER`."""
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_json
    from foresell.services.customers.explain import explain_customer

    shop = open_given(store)
    moment = None if as_of is None else read_moment(as_of, shop.settings.store.time_zone)
    explained = explain_customer(shop, task, customer, of, as_of=moment)
    if as_json:
        print_json(explained.as_record())
        return
    _print_task(explained, "zh" if shop.settings.store.language == "zh" else "en")


def _print_task(explained: "Explained", language: "Language") -> None:
    from foresell.cli.output import print_note, print_text

    for line in explained.as_lines(language):
        print_text(line)
    print_note(explained.note)


@app.command("forecast")
def explain_series(
    series: Annotated[str, typer.Argument(help="A series, as `foresell forecast` names it.")],
    horizon: Horizon = None,
    by: By = None,
    period: Period = "week",
    measure: Measure = "net_sales",
    stock_outs: StockOutsOption = "as_sold",
    what_if: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=±PERCENT", help="price=-10: what would be sold at a price 10% lower."),
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What level, trend, season and regressors make of a series' forecast; and what would change it."""
    from foresell.cli.output import print_json, print_table, print_text, progress_bar
    from foresell.services.forecasting.explain import explain_forecast

    shop = open_given(store)
    asked = request(by, period, measure, horizon, stock_outs)
    changes = dict(_change(one) for one in what_if or [])
    with progress_bar() as progress:
        explained = explain_forecast(shop, series, asked, changes=changes, progress=progress)
    if as_json:
        print_json(explained.as_record())
        return
    for line in explained.as_lines("zh" if shop.settings.store.language == "zh" else "en"):
        print_text(line)
    print_table(explained.explanation.drivers.to_dicts())


def _change(given: str) -> tuple[str, float]:
    """A regressor, and what it is multiplied by."""
    from foresell.contracts.errors import InputError

    name, sign, percent = given.partition("=")
    try:
        if not (name.strip() and sign):
            raise ValueError
        return name.strip(), 1 + float(percent.strip().removesuffix("%")) / 100
    except ValueError as error:
        raise InputError(
            "--what-if takes NAME=PERCENT", received=repr(given), do="For example: --what-if price=-10"
        ) from error
