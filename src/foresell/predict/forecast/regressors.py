"""What else is known of a series' periods: prices, promotions, holidays, weather, what was looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.predict.forecast.calendars import HOLIDAY_COLUMNS, around, calendar_columns, holiday_columns
from foresell.predict.forecast.holidays import countries_of_locations, shop_holidays
from foresell.predict.forecast.indicators import EVENTS, indicator_columns
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.prices import price_columns
from foresell.predict.forecast.promotions import last_planned, promotion_column

SOURCES = ("price", "discount", "promotion", "holidays", "calendar", *EVENTS)


@dataclass(frozen=True, slots=True)
class Regressors:
    """`names`: of SOURCES. `country`: ISO 3166 code of the holidays, also of a part (DE-NW); None: of the
    series' location, else of the shop (`holidays.country_of`). A day counts as before a holiday up to
    `lead_days` before it, as after it up to `lag_days` after. NotFoundError for an unknown name."""

    names: tuple[str, ...] = SOURCES
    country: str | None = None
    lead_days: int = 7
    lag_days: int = 3

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in SOURCES:
                raise NotFoundError(f"There is no regressor '{name}'", do=did_you_mean(name, SOURCES))


@dataclass
class Known:
    """What is gathered: `frame` and `future`, with a column for each of `known` and (frame only) `lagged`."""

    frame: pl.DataFrame
    future: pl.DataFrame
    known: list[str] = field(default_factory=list)
    lagged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    tables: Tables
    settings: Settings
    spec: SeriesSpec
    span: Span
    horizon: int
    attributes: pl.DataFrame
    country: str | None
    choice: Regressors

    @property
    def whole(self) -> Span:
        """The span with its future."""
        return Span(self.span.period, self.span.first, self.span.after(self.horizon).last)


def add_regressors(asked: Asked, frame: pl.DataFrame) -> Known:
    """The panel's frame (series_id, date, value) with the regressors that the shop's tables hold.

    known, of the past and the future: `price` (see `prices`; a period without a sale has the last price, and
    so has the future), `promotion` (see `promotions`; after the last that is planned to begin: what runs on,
    and the series' mean at least), `holidays`, `before_holidays`, `after_holidays`, and the columns of
    `calendar` that it has for the whole future. lagged, of the past alone: `discount`, `views`, `carts`,
    `searches` (see `indicators`) and the other columns of `calendar`. What the store has no
    table for is left out.
    """
    alive = frame.group_by("series_id").agg(pl.col("date").max()).filter(pl.col("date") == asked.span.last)
    dates = asked.span.after(asked.horizon).dates().to_frame()
    future = alive.select("series_id").join(dates, how="cross").sort("series_id", "date")
    gathered = Known(frame, future)
    steps: dict[str, Callable[[Asked, Known], None]] = {
        "price": _prices,
        "promotion": _promotions,
        "holidays": _holidays,
        "calendar": _calendar,
    }
    for name, step in steps.items():
        if name in asked.choice.names or (name == "price" and "discount" in asked.choice.names):
            step(asked, gathered)
    _indicators(asked, gathered)
    gathered.frame = gathered.frame.sort("series_id", "date")
    gathered.future = gathered.future.sort("series_id", "date")
    return gathered


def _prices(asked: Asked, gathered: Known) -> None:
    found = price_columns(asked.tables, asked.settings, asked.spec, asked.span)
    if found.is_empty():
        return
    keys = ["series_id", "date"]
    frame = gathered.frame.join(found, on=keys, how="left").sort(keys)
    price = pl.col("price").forward_fill().backward_fill().over("series_id")
    frame = frame.with_columns(price=price, discount=pl.col("discount").fill_null(0.0))
    if "price" in asked.choice.names:
        last = frame.group_by("series_id").agg(pl.col("price").last())
        gathered.future = gathered.future.join(last, on="series_id", how="left")
        gathered.known.append("price")
        gathered.notes.append(f"Prices after {asked.span.last_day} are taken to stay as they are.")
    if "discount" in asked.choice.names:
        gathered.lagged.append("discount")
    gathered.frame = frame.drop({"price", "discount"} - set(asked.choice.names))


def _promotions(asked: Asked, gathered: Known) -> None:
    if not asked.tables.has_rows("promotions"):
        return
    found = promotion_column(asked.tables, asked.settings, asked.spec, asked.span, asked.whole)
    keys = ["series_id", "date"]
    share = pl.col("promotion").fill_null(0.0)
    gathered.frame = gathered.frame.join(found, on=keys, how="left").with_columns(share)
    planned = gathered.future.join(found, on=keys, how="left").with_columns(share)
    last = last_planned(asked.tables, asked.settings, asked.span.last_day)
    if planned.filter(pl.col("date") > last).height:
        gathered.notes.append(
            f"No promotion is planned to begin after {last}: from then on as many are expected as on average."
        )
    usual = gathered.frame.group_by("series_id").agg(usual=pl.col("promotion").mean())
    planned = planned.join(usual, on="series_id", how="left", maintain_order="left")
    running_on = pl.max_horizontal("promotion", "usual")
    gathered.future = planned.with_columns(
        promotion=pl.when(pl.col("date") > last).then(running_on).otherwise("promotion")
    ).drop("usual")
    gathered.known.append("promotion")


def _holidays(asked: Asked, gathered: Known) -> None:
    choice = asked.choice
    first, last = around(asked.whole, max(choice.lead_days, choice.lag_days))

    def columns(country: str | None) -> pl.DataFrame:
        days = shop_holidays(asked.tables, country, first, last)
        if not days:
            return asked.whole.dates().to_frame()
        return holiday_columns(days, asked.whole, choice.lead_days, choice.lag_days)

    _of_places(asked, gathered, columns)
    if "holidays" not in gathered.frame.columns:
        gathered.notes.append("No country is known, and no holiday of the calendar: holidays are left out.")
        return
    gathered.known += HOLIDAY_COLUMNS
    # A place of another country without any.
    none = pl.col(HOLIDAY_COLUMNS).fill_null(0.0)
    gathered.frame = gathered.frame.with_columns(none)
    gathered.future = gathered.future.with_columns(none)


def _calendar(asked: Asked, gathered: Known) -> None:
    def columns(country: str | None) -> pl.DataFrame:
        found = calendar_columns(asked.tables, country, asked.whole)
        taken = {*gathered.frame.columns, *SOURCES} - {"date"}
        return found.rename({name: f"calendar_{name}" for name in found.columns if name in taken})

    before = set(gathered.frame.columns)
    _of_places(asked, gathered, columns)
    for name in [name for name in gathered.frame.columns if name not in before]:
        if gathered.future[name].is_null().any():
            gathered.future = gathered.future.drop(name)
            gathered.lagged.append(name)
            gathered.notes.append(f"The calendar does not know all of '{name}' ahead: only its past is used.")
        else:
            gathered.known.append(name)


def _of_places(asked: Asked, gathered: Known, columns: Callable[[str | None], pl.DataFrame]) -> None:
    """Join columns of dates: by the country of each series' location, where locations have countries."""
    shop = asked.choice.country or asked.country
    countries = countries_of_locations(asked.tables) if asked.choice.country is None else {}
    if "location" not in asked.spec.names or len({*countries.values(), shop} - {None}) < 2:
        found = columns(shop)
        if found.width > 1:
            gathered.frame = gathered.frame.join(found, on="date", how="left")
            gathered.future = gathered.future.join(found, on="date", how="left")
        return
    of_series = asked.attributes.select(
        "series_id",
        country=pl.col("location").replace_strict(countries, default=shop, return_dtype=pl.String),
    )
    parts = [
        columns(country).with_columns(country=pl.lit(country, pl.String))
        for country in of_series["country"].unique().sort()
    ]
    found = of_series.join(pl.concat(parts, how="diagonal"), on="country", nulls_equal=True).drop("country")
    if found.width > 2:
        gathered.frame = gathered.frame.join(found, on=["series_id", "date"], how="left")
        gathered.future = gathered.future.join(found, on=["series_id", "date"], how="left")


def _indicators(asked: Asked, gathered: Known) -> None:
    if not asked.tables.has_rows("events"):
        return
    for name in [name for name in EVENTS if name in asked.choice.names]:
        found, told = indicator_columns(asked.tables, asked.settings, asked.spec, asked.span, name)
        if found.is_empty():
            continue
        begun = pl.col("date") >= found["date"].min()
        keys = asked.attributes.select("series_id", *told)
        frame = gathered.frame.join(keys, on="series_id", how="left")
        frame = frame.join(found, on=[*told, "date"], how="left", nulls_equal=True).drop(told)
        gathered.frame = frame.with_columns(pl.when(begun).then(pl.col(name).fill_null(0.0)))
        gathered.lagged.append(name)
        if len(told) < len(asked.spec.names):
            of = f"of {', '.join(told)}" if told else "of the whole shop"
            gathered.notes.append(f"{name.capitalize()} are those {of}.")
