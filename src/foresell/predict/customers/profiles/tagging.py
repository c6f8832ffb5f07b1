"""Tags of all customers at once: what is said of each, with evidence and confidence."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.predict.customers.profiles.backdrop import TASTES, Backdrop, make_backdrop
from foresell.predict.customers.profiles.lines import Part, parts, read_devices, read_lines, read_refunds
from foresell.predict.customers.profiles.prices import discount_leanings, price_levels
from foresell.predict.customers.profiles.rhythm import rhythms
from foresell.predict.customers.profiles.shares import channels, devices, preferred
from foresell.predict.customers.profiles.tastes import tastes
from foresell.predict.customers.profiles.worth import LEAST_REFUNDS, MUCH_REFUNDED, worth

# The contracts' table of that name.
PROFILES = pl.Schema(
    {
        "customer_id": pl.String(),
        "tag": pl.String(),
        "value": pl.String(),
        "confidence": pl.Float64(),
        "evidence": pl.String(),
        "cutoff_at": pl.Datetime("us", "UTC"),
        "made_at": pl.Datetime("us", "UTC"),
    }
)
DIGITS = 4
# Most days since the first order → what the customer is called.
TENURES: dict[int, str] = {30: "new", 180: "recent", 365: "established"}
LONG_STANDING = "long_standing"


def tags(
    tables: Tables,
    settings: Settings,
    cutoff: datetime,
    *,
    backdrop: Backdrop | None = None,
    made_at: datetime | None = None,
) -> pl.DataFrame:
    """Rows of the `profiles` table of everyone who had ordered (or, of `device`, come) before the cutoff,
    ascending by customer_id and tag; a tag without evidence enough is not there.

    `backdrop`: what all customers do, by default as of the cutoff. Customers are read in parts that fit in
    memory. Raises InputError where nobody had ordered.
    """
    all_told = backdrop or make_backdrop(tables, settings, cutoff)
    past, today = asof(tables, settings, cutoff), last_day(settings, cutoff)
    found = [part_tags(part, settings, all_told, today) for part in parts(past)]
    return stamped(pl.concat(found), cutoff, made_at)


def last_day(settings: Settings, cutoff: datetime) -> date:
    """The local day of the last moment before the cutoff."""
    return (cutoff - timedelta(microseconds=1)).astimezone(ZoneInfo(settings.store.time_zone)).date()


def stamped(rows: pl.DataFrame, cutoff: datetime, made_at: datetime | None) -> pl.DataFrame:
    moment = PROFILES["cutoff_at"]
    return rows.with_columns(
        cutoff_at=pl.lit(cutoff.astimezone(UTC)).cast(moment),
        made_at=pl.lit(made_at or datetime.now(UTC)).cast(moment),
    ).sort("customer_id", "tag")


def part_tags(part: Part, settings: Settings, backdrop: Backdrop, today: date) -> pl.DataFrame:
    """customer_id, tag, value, confidence, evidence of some customers, in no order."""
    lines, refunds = read_lines(part, settings), read_refunds(part, settings)
    return tags_of(lines, refunds, read_devices(part), backdrop, today)


def tags_of(
    lines: pl.DataFrame, refunds: pl.DataFrame, visits: pl.DataFrame, backdrop: Backdrop, today: date
) -> pl.DataFrame:
    """The same from what was read: `lines`, `refunds` and `visits` as in `profiles.lines`."""
    told = [
        *_of_rhythm(rhythms(lines, today)),
        *_of_worth(worth(lines, refunds, backdrop, today)),
        *_of_tastes(tastes(lines, backdrop, most=1)),
        _tagged(
            price_levels(lines, backdrop), "price_level", "level", "confidence", ["distance", "num_lines"]
        ),
        _tagged(
            discount_leanings(lines, backdrop),
            "discounts",
            "leaning",
            "confidence",
            ["share", "expected", "lower", "upper", "num_lines"],
        ),
        _tagged(preferred(channels(lines)), "channel", "value", "confidence", ["times", "share"]),
        _tagged(preferred(devices(visits)), "device", "value", "confidence", ["times", "share"]),
    ]
    return pl.concat(told)


def _of_rhythm(found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    since_first = pl.col("days_since") + (pl.col("last_date") - pl.col("first_date")).dt.total_days()
    tenure = pl.lit(LONG_STANDING)
    for most, name in reversed(TENURES.items()):
        tenure = pl.when(pl.col("days_since_first") <= most).then(pl.lit(name)).otherwise(tenure)
    dated = found.with_columns(days_since_first=since_first, certain=pl.lit(1.0)).with_columns(tenure=tenure)
    yield _tagged(dated, "tenure", "tenure", "certain", ["first_date", "days_since_first"])
    rhythmic = dated.drop_nulls("rhythm")
    yield _tagged(rhythmic, "rhythm", "rhythm", "regularity", ["usual_gap", "num_gaps"])
    sure = pl.when(pl.col("pause") == "on_time").then(1 - pl.col("shorter_share")).otherwise("shorter_share")
    paused = rhythmic.with_columns(sure=sure)
    yield _tagged(paused, "pause", "pause", "sure", ["days_since", "usual_gap", "longest"])


def _of_worth(found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    certain = found.with_columns(certain=pl.lit(1.0))
    yield _tagged(certain, "value", "value", "certain", ["net_sales", "num_orders", "below_share"])
    trending = found.drop_nulls("trend")
    yield _tagged(trending, "trend", "trend", "trend_confidence", ["recent_orders", "earlier_orders"])
    is_much = pl.col("refunded_share") >= MUCH_REFUNDED * pl.col("usual_refunded")
    often = certain.filter((pl.col("num_refunds") >= LEAST_REFUNDS) & is_much).with_columns(
        much=pl.lit("many")
    )
    yield _tagged(often, "returns", "much", "certain", ["num_refunds", "refunded_share", "usual_refunded"])


def _of_tastes(found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    evidence = ["num_orders", "share", "usual_share", "lift"]
    for kind in TASTES:
        yield _tagged(
            found.filter(pl.col("kind") == kind), f"favorite_{kind}", "value", "confidence", evidence
        )


def _tagged(
    found: pl.DataFrame, tag: str, value: str, confidence: str, evidence: Sequence[str]
) -> pl.DataFrame:
    texts = [
        json.dumps({name: _plain(one) for name, one in row.items()})
        for row in found.select(evidence).iter_rows(named=True)
    ]
    return pl.DataFrame(
        {
            "customer_id": found["customer_id"],
            "tag": pl.Series([tag] * len(found), dtype=pl.String),
            "value": found[value].cast(pl.String),
            "confidence": found[confidence].cast(pl.Float64).round(DIGITS),
            "evidence": pl.Series(texts, dtype=pl.String),
        }
    )


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, DIGITS)
    return value.isoformat() if isinstance(value, date) else value
