"""`foresell forecast`: what will be sold; `foresell backtest`: how well that would have been foretold."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foresell.services.forecasting.request import ForecastRequest
    from foresell.services.shop import Shop

By = Annotated[
    str | None,
    typer.Option(
        metavar="DIMENSION[,DIMENSION]",
        help="What a series is: product, category, location, shop, … or several. Default: a setting.",
    ),
]
Period = Annotated[str, typer.Option(help="day, week or month.")]
Measure = Annotated[str, typer.Option(help="net_sales or units.")]
Horizon = Annotated[
    int | None, typer.Option(min=1, max=104, help="Periods ahead. Default: the store's setting.")
]
StockOutsOption = Annotated[
    str,
    typer.Option(
        "--stock-outs",
        help="Of products that had run out: as_sold, recover (what was lost is added), leave_out.",
    ),
]
# So many lines are read; the rest is for files.
MOST_SHOWN = 60
SHOWN = ("series_id", "time", "mean", "median", "lower_80", "upper_80")


def forecast(
    horizon: Horizon = None,
    by: By = None,
    period: Period = "week",
    measure: Measure = "net_sales",
    stock_outs: StockOutsOption = "as_sold",
    series: Annotated[str | None, typer.Option(help="Only this series.")] = None,
    add_up: Annotated[
        bool, typer.Option("--add-up", help="Their sums too, up to the shop, made to add up.")
    ] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What will be sold, with intervals."""
    from foresell.cli.output import print_json, print_note, progress_bar
    from foresell.services.forecasting.answer import forecast as forecast_series

    shop = open_given(store)
    asked = request(by, period, measure, horizon, stock_outs)
    if add_up:
        _print_sums(shop, asked, series, as_json=as_json)
        return
    with progress_bar() as progress:
        answer = forecast_series(shop, asked, series=series, progress=progress)
    if as_json:
        print_json(answer.as_record())
        return
    _print_lines(answer.lines(), SHOWN, "--series, --json, or foresell export forecasts FILE")
    for note in answer.notes:
        print_note(note)


def _print_lines(lines: "Sequence[Mapping[str, object]]", names: "Sequence[str]", rest: str) -> None:
    """The first lines; `rest`: where all of them are had."""
    from foresell.cli.output import print_note, print_table

    print_table([{name: line[name] for name in names} for line in lines[:MOST_SHOWN]])
    if len(lines) > MOST_SHOWN:
        print_note(f"{len(lines) - MOST_SHOWN} more lines: {rest}")


def _print_sums(shop: "Shop", asked: "ForecastRequest", series: str | None, *, as_json: bool) -> None:
    from foresell.cli.output import print_json, print_note, print_table, progress_bar
    from foresell.contracts.errors import InputError
    from foresell.services.forecasting.sums import forecast_sums

    if series is not None:
        raise InputError("What adds up is asked of all series", do="Leave out --series or --add-up.")
    with progress_bar() as progress:
        answer = forecast_sums(shop, asked, progress=progress)
    if as_json:
        print_json(answer.as_record())
        return
    _print_lines(answer.lines(), ("level", *SHOWN), "--json")
    print_note(f"By {answer.model}, made to add up by {answer.method}: both were best on past weeks.")
    print_table(answer.losses.to_dicts())
    for note in answer.notes:
        print_note(note)


def backtest(
    horizon: Horizon = None,
    by: By = None,
    period: Period = "week",
    measure: Measure = "net_sales",
    stock_outs: StockOutsOption = "as_sold",
    windows: Annotated[
        int | None, typer.Option(min=1, help="Rolling windows before the test. Default: the store's setting.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(metavar="MODEL[,MODEL]", help="Only these. Default: all that compete.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """How well each model would have foretold what was sold; nothing is put to work."""
    from foresell.cli.commands.leaderboard import print_leaderboard
    from foresell.cli.output import print_json, print_note, progress_bar
    from foresell.services.forecasting.judge import backtest as judge

    shop = open_given(store)
    asked = request(by, period, measure, horizon, stock_outs)
    with progress_bar() as progress:
        judged = judge(shop, asked, windows=windows, models=_listed(models), progress=progress)
    if as_json:
        print_json(judged.as_record())
        return
    print_leaderboard(judged.board)
    for note in judged.notes:
        print_note(note)


def request(
    by: str | None, period: str, measure: str, horizon: int | None, stock_outs: str
) -> "ForecastRequest":
    """InputError for a way to treat stock-outs that is none; the rest is checked where it is used."""
    from foresell.contracts.errors import InputError, did_you_mean
    from foresell.services.forecasting.request import STOCK_OUTS, ForecastRequest

    known = [way for way in STOCK_OUTS if way == stock_outs]
    if not known:
        raise InputError(
            f"'{stock_outs}' is nothing to make of stock-outs", do=did_you_mean(stock_outs, STOCK_OUTS)
        )
    return ForecastRequest(_listed(by), period, measure, horizon, known[0])


def _listed(given: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.split(",")) if given else ()
