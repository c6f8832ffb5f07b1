"""shift_times: times that the check `shifted_times` finds on another clock are set to the shop's."""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.findings import found_rows
from foresell.quality.repair.fitness import refuse_argument
from foresell.quality.repair.patch import Patch, believed, changes
from foresell.quality.repair.rule import Rule

if TYPE_CHECKING:
    import polars as pl


def check(rule: Rule) -> None:
    refuse_argument(rule)
    if (rule.table, rule.the_column.name) != ("orders", "created_at") or rule.is_asked:
        raise rule.error("is about the times of orders alone", do="Write: orders.created_at: shift_times.")


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """As the check suggests; where it found day and month exchanged, they are exchanged again on the shop's
    clock. All versions of an order that say the same time are corrected, and its other times are left."""
    import ibis
    import polars as pl

    found = found_rows(tables, settings, "shifted_times", "orders", "created_at")
    if found is None:
        return []
    current = tables.current("orders").select("order_id", _old=tables.current("orders").created_at)
    told = pl.DataFrame(pl.from_arrow(found.inner_join(current, "order_id").to_pyarrow()))
    known = ibis.memtable(_with_new_times(told, settings.store.time_zone).to_arrow())
    rows = believed(tables, "orders")
    joined = rows.inner_join(known, "order_id")
    same = joined.filter(joined.created_at.epoch_seconds() == joined._old_s)
    return [changes(same, rule, {"created_at": same._new}, same._why)]


def _with_new_times(told: "pl.DataFrame", time_zone: str) -> "pl.DataFrame":
    """order_id, _why, _old_s (seconds), _new: what was suggested, else day and month exchanged."""
    import polars as pl

    old = pl.col("_old").dt.convert_time_zone(time_zone)
    exchanged = pl.datetime(
        old.dt.year(), old.dt.day(), old.dt.month(), old.dt.hour(), old.dt.minute(), old.dt.second(),
        old.dt.microsecond(), time_zone=time_zone, ambiguous="earliest",
    ).dt.convert_time_zone("UTC")  # fmt: skip
    is_possible = old.dt.day() <= 12
    suggested = pl.col("_suggested").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    new = pl.coalesce(suggested, pl.when(is_possible).then(exchanged))
    return told.filter(pl.col("_suggested").is_not_null() | is_possible).select(
        "order_id", "_why", pl.col("_old").dt.epoch("s").alias("_old_s"), new.alias("_new")
    )
