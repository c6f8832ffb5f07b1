"""Days are unusual against trend and weekday, not against the shop's opening hours."""

import random
from datetime import date, timedelta

from foresell.explain.unusual_days import find_unusual_days

START = date(2024, 1, 1)
SATURDAY = 5


def growing_shop(closed_weekday: int) -> dict[date, float]:
    """Sales that grow from 100 to 400 a day; one weekday sells nothing."""
    chance = random.Random(1)
    days = [START + timedelta(days=i) for i in range(300)]
    return {
        day: 0.0 if day.weekday() == closed_weekday else 100 + i + chance.gauss(0, 5)
        for i, day in enumerate(days)
    }


def test_a_weekday_on_which_the_shop_is_closed_is_not_unusual_when_business_grows() -> None:
    found = find_unusual_days(growing_shop(SATURDAY))
    assert [unusual.day for unusual in found if unusual.day.weekday() == SATURDAY] == []


def test_an_odd_day_of_a_shop_with_a_closed_weekday_is_found() -> None:
    values = growing_shop(SATURDAY)
    odd = START + timedelta(days=150)
    values[odd] += 100
    assert odd in [unusual.day for unusual in find_unusual_days(values)]
