"""What a day is like for everybody: weekday, season, holidays, weather and promotions."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import cos, pi

import numpy as np

from foresell.simulator.catalog import Catalog
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.settings import WorldSettings

DAYS_OF_YEAR = 365.25
DAYS_BEFORE_HOLIDAY = 7
PEAK_DAY_OF_YEAR = 335
RAIN_RATE = 0.28


@dataclass(frozen=True)
class Day:
    """`number` from 0. `visits`: how many times the base rate of visits. `discount`: (P,) share off the list
    price by promotion."""

    number: int
    date: date
    visits: float
    is_rainy: bool
    temperature: float
    holiday: str | None
    discount: Floats


def make_day(settings: WorldSettings, draws: Draws, catalog: Catalog, number: int) -> Day:
    given = settings.demand
    today = settings.shop.start_date + timedelta(days=number)
    weights = np.asarray(given.weekday_weights)
    angle = 2 * pi * (today.timetuple().tm_yday - PEAK_DAY_OF_YEAR) / DAYS_OF_YEAR
    is_rainy = bool(draws.uniform("day.rain", number)[0] < RAIN_RATE)
    visits = weights[today.weekday()] / weights.mean() * (1 + given.year_amplitude * cos(angle))
    visits *= (1 + given.trend_per_year) ** (number / DAYS_OF_YEAR)
    visits *= 1 + given.holiday_lift * _is_before_holiday(settings.shop.country, today)
    visits *= 1 + given.rain_lift * is_rainy
    temperature = 12 - 11 * cos(angle) + 4 * draws.normal("day.temperature", number)[0]
    return Day(
        number=number,
        date=today,
        visits=float(visits),
        is_rainy=is_rainy,
        temperature=round(float(temperature), 1),
        holiday=holiday_name(settings.shop.country, today),
        discount=_promotions(settings, draws, catalog, number),
    )


def promotion_week(number: int) -> int:
    """Promotions change with the week of the world."""
    return number // 7


def promoted(settings: WorldSettings, draws: Draws, catalog: Catalog, week: int) -> Ints:
    """The products on promotion in a week of the world."""
    chance = draws.uniform("promotion", np.arange(len(catalog)), week)
    return np.flatnonzero(chance < settings.demand.promotion_rate)


def _promotions(settings: WorldSettings, draws: Draws, catalog: Catalog, number: int) -> Floats:
    discount = np.zeros(len(catalog))
    discount[promoted(settings, draws, catalog, promotion_week(number))] = settings.demand.promotion_discount
    return discount


def holiday_name(country: str, day: date) -> str | None:
    """The name of the public holiday, from the library `holidays`."""
    return _holidays(country, day.year).get(day)


@cache
def _holidays(country: str, year: int) -> dict[date, str]:
    import holidays

    return dict(holidays.country_holidays(country, years=year))


def _is_before_holiday(country: str, day: date) -> bool:
    return any(
        holiday_name(country, day + timedelta(days=ahead)) for ahead in range(1, DAYS_BEFORE_HOLIDAY + 1)
    )
