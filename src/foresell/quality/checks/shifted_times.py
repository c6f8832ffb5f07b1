"""Shifted times: blocks of orders that another clock wrote, and days read as months."""

from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import finding_of, read_frame, read_rows, rows_of

if TYPE_CHECKING:
    import polars as pl

# A week's habits show in so many orders and days.
FEWEST_ORDERS = 500
FEWEST_DAYS = 28
# Beyond it, the times would take more memory than a check may.
MOST_ORDERS = 5_000_000
# Zeros and words before it may differ: 2011-000123, C536365, #1001.
NUMBER_IN_ID = r"([0-9]{1,18})$"
SHOWN_BLOCKS = 3


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Orders, each source for itself, whose hours or place among the ids fit another time better.

    Sources of fewer than FEWEST_ORDERS orders or FEWEST_DAYS days are not looked at, nor are tables of more
    than MOST_ORDERS. A shift of everything cannot be found: nothing is left to compare with.
    """
    orders = rows_of(tables, "orders")
    if orders is None:
        return []
    num_orders = read_rows(orders.aggregate(n=orders.count()))[0]["n"]
    if not FEWEST_ORDERS <= num_orders <= MOST_ORDERS:
        return []
    frame = read_frame(orders.select("order_id", "source", "created_at"))
    frame = frame.with_columns(_own_clock(frame, settings.store.time_zone))
    judged = [_judge(part, settings) for part in frame.partition_by("source", maintain_order=True)]
    return _findings(judged, num_orders)


def _own_clock(frame: "pl.DataFrame", time_zone: str) -> list[Any]:
    import polars as pl

    moment = pl.col("created_at")
    if frame["created_at"].dtype.time_zone is None:  # type: ignore[attr-defined]
        moment = moment.dt.replace_time_zone("UTC")
    local = moment.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    return [
        local.dt.epoch("us").alias("local"),
        moment.dt.epoch("us").alias("utc"),
        pl.col("order_id").str.extract(NUMBER_IN_ID).cast(pl.Int64).alias("number"),
    ]


def _judge(orders: "pl.DataFrame", settings: Settings) -> "pl.DataFrame":
    """Orders of one source with hours_ahead, evidence (nats) and is_exchanged; none if they are too few."""
    import polars as pl

    from foresell.quality.clocks import find_clock_faults, follows_time

    numbered = orders.filter(pl.col("number").is_not_null())
    is_ordered = 2 * numbered.height > orders.height and follows_time(
        numbered["local"].to_numpy(), numbered["number"].to_numpy()
    )
    looked_at = numbered if is_ordered else orders
    num_days = (looked_at["local"] // 86_400_000_000).n_unique()
    if looked_at.height < FEWEST_ORDERS or num_days < FEWEST_DAYS:
        looked_at = looked_at.clear()
    faults = find_clock_faults(
        looked_at["local"].to_numpy(),
        looked_at["utc"].to_numpy(),
        looked_at["number"].to_numpy() if is_ordered else None,
        settings.quality.shifted_times_evidence,
    )
    return looked_at.with_columns(
        hours_ahead=pl.Series(faults.hours_ahead, dtype=pl.Int64),
        strength=pl.Series(faults.evidence, dtype=pl.Float64),
        is_exchanged=pl.Series(faults.is_exchanged, dtype=pl.Boolean),
        right=_exchanged_back(looked_at, settings.store.time_zone, in_utc=faults.is_exchanged_in_utc),
    )


def _exchanged_back(orders: "pl.DataFrame", time_zone: str, *, in_utc: bool) -> "pl.Series":
    """The moments with day and month exchanged, on the clock that was read wrongly; null where the shop's
    clock had no such hour."""
    import polars as pl

    from foresell.quality.clocks import exchange_day_and_month

    written = orders["utc" if in_utc else "local"]
    moment = pl.Series("right", exchange_day_and_month(written.to_numpy()), dtype=pl.Int64).cast(
        pl.Datetime("us")
    )
    zone = "UTC" if in_utc else time_zone
    placed = moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def _findings(judged: list["pl.DataFrame"], num_orders: int) -> list[Finding]:
    import polars as pl

    orders = pl.concat(judged)
    place = ("shifted_times", "orders", "created_at")
    shifted = orders.filter(pl.col("hours_ahead") != 0)
    behind = pl.col("created_at") - pl.duration(hours="hours_ahead")
    blocks = shifted.select(
        "order_id",
        evidence=pl.format("{} h ahead ({} nats)", "hours_ahead", pl.col("strength").round(1)),
        suggested=behind.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    exchanged = orders.filter("is_exchanged").select(
        "order_id",
        evidence=pl.col("created_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        suggested=pl.col("right").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return finding_of(place, "warning", blocks, num_orders, _shifted(_shown(shifted))) + finding_of(
        place, "warning", exchanged, num_orders, _exchanged()
    )


def _shown(shifted: "pl.DataFrame") -> list[tuple[int, str, str]]:
    """The largest blocks: hours ahead, first and last day."""
    import polars as pl

    day = pl.from_epoch("local", "us").dt.date()
    sizes = shifted.group_by("source", "hours_ahead", "strength").agg(
        pl.len().alias("n"), day.min().alias("first"), day.max().alias("last")
    )
    largest = sizes.sort(["n", "first"], descending=[True, False]).head(SHOWN_BLOCKS)
    return [(r["hours_ahead"], str(r["first"]), str(r["last"])) for r in largest.to_dicts()]


def _shifted(blocks: list[tuple[int, str, str]]) -> Words:
    english = "; ".join(f"{hours:+d} h, {first} to {last}" for hours, first, last in blocks)
    chinese = "；".join(f"{first} 至 {last} 偏 {hours:+d} 小时" for hours, first, last in blocks)
    return Words(
        f"Blocks of orders fit the shop's usual hours and the order of ids only when moved ({english})",
        "A till or an export may have used another time zone for a while: check these days at the source.",
        f"有整段订单只有平移后才符合本店的营业时间和编号顺序（{chinese}）",
        "可能某台收银机或某次导出使用了其他时区：请在数据源核对这些日期。",
    )


def _exchanged() -> Words:
    return Words(
        "Orders are dated far from their neighbors by id, and among them once day and month are exchanged",
        "A program read day/month as month/day: name the format in the mapping and import again.",
        "订单日期与相邻编号的订单相差很远，而日月对调后正好吻合",
        "有程序把日/月读成了月/日：请在映射中写明日期格式后重新导入。",
    )
