"""`foresell forecast`: what will be sold."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given


def forecast(
    horizon: Annotated[
        int | None, typer.Option(min=1, max=104, help="Weeks ahead. Default: the store's setting.")
    ] = None,
    series: Annotated[str | None, typer.Option(help="Only this series.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Weekly forecasts with intervals."""
    from foresell.cli.output import print_json, print_table, progress_bar
    from foresell.contracts.errors import NotFoundError, did_you_mean
    from foresell.services.predict import forecast as forecast_series

    shop = open_given(store)
    with progress_bar() as progress:
        frame = forecast_series(shop, horizon, progress)
    known = frame["series_id"].unique().to_list()
    if series is not None and series not in known:
        raise NotFoundError(f"There is no series '{series}'", do=did_you_mean(series, known))
    rows = [row for row in frame.to_dicts() if series in (None, row["series_id"])]
    records = [
        {"series_id": row.pop("series_id"), "time": row.pop("date").isoformat(), **_plain(row)}
        for row in rows
    ]
    if as_json:
        print_json({"rows": records})
        return
    shown = ("series_id", "time", "mean", "lower_80", "upper_80")
    print_table([{name: record[name] for name in shown} for record in records])


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: str(value) if name == "cutoff_date" else value for name, value in row.items()}
