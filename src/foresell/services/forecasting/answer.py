"""Forecasts of a shop's series, by the model in production for them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.services.forecasting.fit import ENDED, NOTES, ensure_fitted, without_ended
from foresell.services.forecasting.indicators import as_fitted
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.production import load_production
from foresell.services.shop import Progress, Shop, silent

if TYPE_CHECKING:
    import polars

    from foresell.predict.forecast.model import Fitted
    from foresell.store.models import Artifact

# What is told of a series and period.
FIGURES = ("mean", "median", "lower_80", "upper_80", "lower_95", "upper_95")
# So many names are given where a series is asked for that is none.
MOST_NAMED = 30


@dataclass(frozen=True)
class Forecasts:
    """`rows`: of the table `forecasts`; `fallbacks`: series_id, reason: where the model could not be used as
    it is; `ended`: series_id, date, reason: series that sell no more, for which nothing is forecast; `notes`:
    what was left out and why."""

    rows: "polars.DataFrame"
    fallbacks: "polars.DataFrame"
    ended: "polars.DataFrame"
    notes: tuple[str, ...]

    def lines(self) -> list[dict[str, object]]:
        """A line a series and period, those that are expected to sell most first; ties by name."""
        import polars as pl

        expected = pl.col("mean").sum().over("series_id")
        ordered = self.rows.sort(-expected, "series_id", "date")
        return [
            {
                "series_id": row["series_id"],
                "time": row["date"].isoformat(),
                **{name: row[name] for name in FIGURES},
                "model": row["model"],
                "cutoff_date": row["cutoff_date"].isoformat(),
            }
            for row in ordered.to_dicts()
        ]

    def as_record(self) -> dict[str, object]:
        ended = [row | {"date": row["date"].isoformat()} for row in self.ended.to_dicts()]
        return {
            "rows": self.lines(),
            "fallbacks": self.fallbacks.to_dicts(),
            "ended": ended,
            "notes": list(self.notes),
        }


def forecast(
    shop: Shop,
    request: ForecastRequest = STORES_OWN,
    *,
    series: str | None = None,
    progress: Progress = silent,
) -> Forecasts:
    """What the series of the request will sell; of one series only where it is named.

    The production model answers, fitted first where there is none; one that was fitted for a shorter horizon
    is fitted again for this answer, on what the store has now. NotFoundError for a series that is none.
    """
    from foresell.predict.forecast.results import as_results
    from foresell.predict.forecast.served import fit_longer

    horizon = request.horizon_of(shop)
    ensure_fitted(shop, request, progress)
    artifact, fitted = load_forecaster(shop, request)
    if horizon > fitted.config.horizon:
        progress(f"{artifact.kind}: for {horizon} {request.period}s", 0, None)
        with shop.reading_matched() as tables:
            built = as_fitted(request, artifact).panel(shop, tables, horizon)
        fitted = fit_longer(artifact.kind, fitted, built.panel, horizon)
    told = without_ended(fitted.forecast(horizon), artifact.tables[ENDED])
    rows = as_results(told, request.spec(shop), artifact.label, first_day(told) - timedelta(days=1))
    answer = Forecasts(rows, fitted.fallbacks, artifact.tables[ENDED], _notes(artifact))
    return answer if series is None else _only(answer, series)


def load_forecaster(shop: Shop, request: ForecastRequest) -> "tuple[Artifact, Fitted]":
    """What is in production for the request's series. NotFoundError where nothing is."""
    from foresell.predict.forecast.served import load_served

    artifact = load_production(shop, request.name(shop))
    return artifact, load_served(artifact.kind, artifact.config, artifact.tables, artifact.weights)


def first_day(forecasts: "polars.DataFrame") -> date:
    first: date = min(forecasts["date"].to_list())
    return first


def _notes(artifact: "Artifact") -> tuple[str, ...]:
    return tuple(artifact.tables[NOTES]["note"])


def _only(answer: Forecasts, series: str) -> Forecasts:
    import polars as pl

    known = answer.rows["series_id"].unique().sort().to_list()
    ended = answer.ended["series_id"].to_list()
    if series not in known and series not in ended:
        raise NotFoundError(f"There is no series '{series}'", do=did_you_mean(series, known[:MOST_NAMED]))
    own = pl.col("series_id") == series
    return Forecasts(
        answer.rows.filter(own), answer.fallbacks.filter(own), answer.ended.filter(own), answer.notes
    )
