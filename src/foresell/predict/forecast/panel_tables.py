"""A panel as the tables of an artifact, for models that look back when they forecast."""

from collections.abc import Mapping

import polars as pl

from foresell.predict.forecast.panel import Panel


def tables_of_panel(panel: Panel) -> dict[str, pl.DataFrame]:
    """`panel_of_tables` is its inverse."""
    roles = [("known", name) for name in panel.known] + [("lagged", name) for name in panel.lagged]
    about = {"period": [panel.period], "season": [panel.season], "is_count": [panel.is_count]}
    return {
        "history": panel.frame,
        "future": panel.future,
        "static": panel.static,
        "panel": pl.DataFrame(about),
        "regressors": pl.DataFrame(roles, schema={"role": pl.String, "name": pl.String}, orient="row"),
    }


def panel_of_tables(tables: Mapping[str, pl.DataFrame]) -> Panel:
    about = tables["panel"].row(0, named=True)
    roles = list(tables["regressors"].iter_rows())
    return Panel(
        tables["history"],
        about["period"],
        about["season"],
        known=tuple(name for role, name in roles if role == "known"),
        lagged=tuple(name for role, name in roles if role == "lagged"),
        future=tables["future"],
        static=tables["static"],
        is_count=about["is_count"],
    )
