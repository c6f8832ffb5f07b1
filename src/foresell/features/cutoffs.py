"""Which rows and cells of each canonical table were there at a moment.

One literal rule a table: `FACT_TIMES` happen at a time, `START_TIMES` exist from a time on,
`PARENTS` are there when the row that they belong to is, `DAY_TABLES` are complete at a day's end,
and `TIMELESS` carry no time of the world at all. A test holds these against the contracts.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from foresell.contracts.results import RESULTS
from foresell.contracts.tables import TABLES, Table

if TYPE_CHECKING:
    import ibis.expr.types as ir

ALL_TABLES: dict[str, Table] = {**TABLES, **RESULTS}

# A row happened at this moment; a row without it is not known to have happened.
FACT_TIMES: dict[str, str] = {
    **{name: table.time_column for name, table in TABLES.items() if table.time_column},
    "consents": "at",
    "risk_labels": "labelled_at",
    "recommendations": "made_at",
    "leaderboard": "made_at",
    "embeddings": "made_at",
    "served": "served_at",
    "experiment_exposures": "occurred_at",
    "kpi_values": "made_at",
    "scores": "made_at",
    "segments": "made_at",
    "profiles": "made_at",
}
# A row exists from this moment on; a row without it has existed always.
START_TIMES: dict[str, str] = {
    "customers": "created_at",
    "products": "created_at",
    "campaigns": "starts_at",
    "promotions": "starts_at",
    "customer_links": "known_at",
    "order_links": "known_at",
}
# A row is there when the row that it names is; a row that names none (coupons only) is there always.
PARENTS: dict[str, tuple[str, str]] = {
    "order_lines": ("orders", "order_id"),
    "audiences": ("campaigns", "campaign_id"),
    "coupons": ("campaigns", "campaign_id"),
}
# A row sums up a local day and is known when the day is over.
DAY_TABLES: dict[str, str] = {"ad_spend": "date", "inventory": "as_of_date", "forecasts": "cutoff_date"}
# A row is known on its local day (rates), or long before it (holidays; their regressors are not).
KNOWN_DAYS: dict[str, str] = {"exchange_rates": "date"}
TIMELESS = frozenset({"bundle_items", "calendar", "identities", "locations", "supplies"})

# Times of the store's belief, not of the world.
BELIEF_TIMES = frozenset({"recorded_at", "superseded_at"})
# Written later than their row, without a time of their own: never known at a cutoff.
UNDATED_OUTCOMES: dict[str, tuple[str, ...]] = {"tickets": ("status", "satisfaction")}


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at: everything before `until`, and of facts only those from `since` on.

    Moments are UTC; days are those of `time_zone`, the store's. `known_by`: as the store was told by then.
    """

    until: datetime
    time_zone: str
    since: datetime | None = None
    known_by: datetime | None = None

    @property
    def until_day(self) -> date:
        """The first local day that is not over at `until`."""
        return self.until.astimezone(ZoneInfo(self.time_zone)).date()

    @property
    def last_day(self) -> date:
        """The local day of the last moment before `until`."""
        last_moment = self.until - timedelta(microseconds=1)
        return last_moment.astimezone(ZoneInfo(self.time_zone)).date()

    @property
    def since_day(self) -> date | None:
        return None if self.since is None else self.since.astimezone(ZoneInfo(self.time_zone)).date()


def keep_rows(rows: "ir.Table", name: str, window: Window) -> "ir.Table":
    """The rows that were there, by their own columns alone; PARENTS are the caller's to join."""
    if name in FACT_TIMES:
        return _between(rows, FACT_TIMES[name], window.since, window.until)
    if name in DAY_TABLES:
        return _between(rows, DAY_TABLES[name], window.since_day, window.until_day)
    if name in KNOWN_DAYS:
        return rows.filter(rows[KNOWN_DAYS[name]] <= window.last_day)
    if name in START_TIMES:
        start = rows[START_TIMES[name]]
        return rows.filter(start.isnull() | (start < window.until))
    if name == "receipts":
        return _receipts(rows, window)
    return rows


def _between(rows: "ir.Table", column: str, since: object, until: object) -> "ir.Table":
    kept = rows.filter(rows[column] < until)
    return kept if since is None else kept.filter(kept[column] >= since)


def _receipts(rows: "ir.Table", window: Window) -> "ir.Table":
    """A delivery is known once ordered; as a fact of a window it happens when it is received."""
    if window.since is not None:
        return _between(rows, "received_at", window.since, window.until)
    return rows.filter((rows.ordered_at < window.until) | (rows.received_at < window.until))


def blank_later_cells(rows: "ir.Table", name: str, window: Window) -> "ir.Table":
    """The same rows without what was written into them at `until` or later.

    Every moment from `until` on is null. So is a later `valid_to`, which would tell that a change is
    coming, and a `superseded_at` after `known_by`. What else follows from such a moment is blanked with it.
    """
    moments = [c.name for c in ALL_TABLES[name].columns if c.type == "timestamp"]
    later: dict[str, Any] = {
        moment: _null_if(rows, moment, rows[moment] >= window.until)
        for moment in moments
        if moment not in BELIEF_TIMES
    }
    if window.known_by is not None and "superseded_at" in moments:
        later["superseded_at"] = _null_if(rows, "superseded_at", rows.superseded_at > window.known_by)
    later |= {column: _null_if(rows, column) for column in UNDATED_OUTCOMES.get(name, ())}
    if name == "orders":
        later |= _order_cells(rows, window)
    elif name == "receipts":
        not_yet = rows.received_at >= window.until
        later["quantity"] = _null_if(rows, "quantity", not_yet)
    elif name == "calendar":
        later["regressors"] = _null_if(rows, "regressors", rows.date >= window.until_day)
    return rows.mutate(**later)


def _null_if(rows: "ir.Table", column: str, condition: Any = True) -> Any:
    import ibis

    return ibis.ifelse(condition, ibis.null(rows[column].type()), rows[column])


def _order_cells(rows: "ir.Table", window: Window) -> dict[str, Any]:
    """`status` and `refunded_amount`, which change after an order is made.

    A version with a `valid_from` says what was true from then on and is believed, unless its own
    moments lie after `until`. A row without one is the source's last word, whenever it fell: its
    status is told by its moments alone ('cancelled', 'paid', else null: not known), and its
    refunded amount is null (`refunds` carries dates). A cancellation without a time counts as made at once.
    """
    import ibis

    is_cancelled = (rows.cancelled_at < window.until) | (
        (rows.status == "cancelled") & rows.cancelled_at.isnull()
    )
    is_paid = rows.paid_at < window.until
    is_dated = rows.valid_from.notnull() & ~(rows.cancelled_at >= window.until).fill_null(False)
    unknown = ibis.null("string")
    told_by_moments = ibis.ifelse(
        is_cancelled.fill_null(False),
        "cancelled",
        ibis.ifelse(is_paid.fill_null(False), "paid", unknown),
    )
    return {
        "status": ibis.ifelse(is_dated, rows.status, told_by_moments),
        "refunded_amount": _null_if(rows, "refunded_amount", ~is_dated),
    }
