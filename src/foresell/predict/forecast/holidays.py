"""Public holidays of a country, and which country a shop's days follow.

Source of the dates: the library `holidays`, by ISO 3166 code; rows of `calendar` say otherwise for their day.
"""

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir


def holiday_dates(code: str, first: date, last: date) -> frozenset[date]:
    """The public holidays from `first` to `last` of a country (ISO 3166: CN, US) or a part of one (DE-NW).

    InputError for a code that the library does not have, naming those that it has.
    """
    import holidays

    country, _, part = code.partition("-")
    countries = holidays.list_supported_countries(include_aliases=True)
    if country not in countries:
        raise InputError(
            f"There is no calendar of holidays for '{code}'", do=did_you_mean(country, countries)
        )
    if part and part not in countries[country]:
        raise InputError(
            f"There is no calendar of holidays for '{code}'", do=did_you_mean(part, countries[country])
        )
    years = range(first.year, last.year + 1)
    known = holidays.country_holidays(country, subdiv=part or None, years=years)
    return frozenset(day for day in known if first <= day <= last)


def shop_holidays(tables: Tables, country: str | None, first: date, last: date) -> frozenset[date]:
    """The holidays of the shop's days: the library's, but what `calendar` says of a day of that country (or
    of no country) counts. Without a country: those of `calendar` alone."""
    known = set(holiday_dates(country, first, last)) if country else set()
    if tables.has_rows("calendar"):
        calendar = tables.current("calendar")
        said = calendar.filter(calendar.is_holiday.notnull() & calendar.date.between(first, last))
        for row in said.select("date", "country", "is_holiday").to_pyarrow().to_pylist():
            if country is None or row["country"] in (None, "", country):
                (known.add if row["is_holiday"] else known.discard)(row["date"])
    return frozenset(known)


def country_of(tables: Tables) -> str | None:
    """The country whose holidays the shop keeps: that of most of its stores and sites, else of its calendar,
    else that most orders are sent to; ties by name. None where nothing tells it."""
    sources = []
    if tables.has_rows("locations"):
        locations = tables.current("locations")
        sources += [locations.filter(locations.kind != "warehouse").country, locations.country]
    if tables.has_rows("calendar"):
        sources.append(tables.current("calendar").country)
    if tables.has_rows("orders"):
        sources.append(tables.current("orders").shipping_country)
    for countries in sources:
        if found := _commonest(countries):
            return found
    return None


def countries_of_locations(tables: Tables) -> dict[str, str]:
    """The country of each location that has one."""
    if not tables.has_rows("locations"):
        return {}
    rows = tables.current("locations").select("location_id", "country").to_pyarrow().to_pylist()
    return {row["location_id"]: row["country"] for row in rows if row["country"]}


def _commonest(countries: "ir.StringColumn") -> str | None:
    import holidays

    counted = countries.name("country").as_table().group_by("country").agg(rows=lambda t: t.count())
    frame: pl.DataFrame = counted.to_polars()
    known = frame.filter(pl.col("country").is_in(list(holidays.list_supported_countries())))
    return (
        None
        if known.is_empty()
        else str(known.sort("rows", "country", descending=[True, False])["country"][0])
    )
