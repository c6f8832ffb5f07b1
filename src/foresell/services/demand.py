"""What is expected to be sold: the forecasts in the store beside what was."""

from dataclasses import dataclass
from datetime import date

from foresell.services.report.gather.measures import find_span
from foresell.services.report.gather.predictions import gather_forecasts
from foresell.services.report.sections import ForecastSeries
from foresell.services.shop import Shop


@dataclass(frozen=True, slots=True)
class Demand:
    """`series`: of the store's own forecast, the largest expected first; empty where there is none. `cutoff`:
    the last local date the models knew."""

    series: tuple[ForecastSeries, ...]
    cutoff: date | None

    def find(self, series_id: str) -> ForecastSeries | None:
        return next((one for one in self.series if one.series_id == series_id), None)

    def total(self) -> tuple[tuple[tuple[date, float], ...], tuple[tuple[date, float], ...]]:
        """What all series sold, week by week, and what they are expected to; a week in which a series is not
        known counts what is known. Intervals do not add up, so a total has none."""
        past: dict[date, float] = {}
        ahead: dict[date, float] = {}
        for one in self.series:
            for week, value in one.history:
                past[week] = past.get(week, 0.0) + (value or 0.0)
            for point in one.points:
                ahead[point.first_day] = ahead.get(point.first_day, 0.0) + point.mean
        return tuple(sorted(past.items())), tuple(sorted(ahead.items()))


def demand(shop: Shop) -> Demand:
    """The newest forecast of the store's own series."""
    with shop.reading_matched() as tables:
        series = gather_forecasts(tables, shop.settings, find_span(tables, shop.settings, None, None))
        rows = tables.current("forecasts")
        cutoff = rows.agg(last=rows.cutoff_date.max()).to_pyarrow().to_pylist()[0]["last"]
    return Demand(series, cutoff if series else None)
