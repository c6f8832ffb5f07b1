"""Recording links: a run adds and closes links in one commit, and can be undone to the same rows."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ConflictError, NotFoundError
from foresell.contracts.results import RESULTS
from foresell.services.results import write_results
from foresell.services.shop import Shop
from foresell.services.writing import next_recorded_at

if TYPE_CHECKING:
    import polars

# What a run is of → the table of its links.
LINK_TABLES = {"identities": "customer_links", "orders": "order_links"}
# Two links that agree in all but these are one: what is believed does not change with its evidence.
TOLD = ("link_id", "confidence", "evidence", "known_at")
TIME_FORMAT = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class MatchRun:
    """`num_added`, `num_closed`: links that the run began, and ceased, to believe."""

    run_id: str
    kind: str
    recorded_at: datetime
    num_added: int
    num_closed: int

    def as_record(self) -> dict[str, object]:
        return {**asdict(self), "recorded_at": self.recorded_at.isoformat()}


def record_links(shop: Shop, kind: str, wanted: "polars.DataFrame") -> MatchRun | None:
    """Believe exactly the `wanted` links (own columns without `link_id`); None if they are believed already.

    The caller holds the lock.
    """
    import polars as pl

    name = LINK_TABLES[kind]
    history = _history(shop, name)
    believed = history.filter(pl.col("superseded_at").is_null())
    same = [column for column in wanted.columns if column not in TOLD]
    added = wanted.join(believed, on=same, how="anti", nulls_equal=True)
    closed = believed.join(wanted, on=same, how="anti", nulls_equal=True)
    if added.is_empty() and closed.is_empty():
        return None
    recorded_at = _next_time(shop, history)
    run_id = f"{kind}-{recorded_at.strftime(TIME_FORMAT)}"
    numbers = pl.int_range(1, pl.len() + 1).cast(pl.String)
    added = added.with_columns(
        pl.concat_str(pl.lit(f"{run_id}:"), numbers).alias("link_id"),
        pl.lit("matching").alias("source"),
        pl.lit(run_id).alias("ingest_run_id"),
        pl.lit(recorded_at).alias("recorded_at"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("superseded_at"),
    )
    is_closed = pl.col("link_id").is_in(closed["link_id"].implode())
    ended = pl.when(is_closed).then(pl.lit(recorded_at)).otherwise("superseded_at")
    rows = [history.with_columns(ended.alias("superseded_at")), added.select(history.columns)]
    write_results(shop, name, pl.concat(rows), replaces={})
    return MatchRun(run_id, kind, recorded_at, added.height, closed.height)


def undo_run(shop: Shop, run_id: str) -> MatchRun:
    """Take back the last run of its kind: the table has the rows that it had before it.

    The caller holds the lock.

    Errors: NotFoundError for no such run; ConflictError if a later run built on it.
    """
    import polars as pl

    run = find_run(shop, run_id)
    later = [other.run_id for other in list_runs(shop) if other.kind == run.kind and other.run_id > run_id]
    if later:
        raise ConflictError(
            f"Later runs were made on top of '{run_id}'",
            received=", ".join(later),
            do=f"Undo the last first: foresell match undo {later[-1]}",
        )
    name = LINK_TABLES[run.kind]
    history = _history(shop, name).filter(pl.col("ingest_run_id") != run_id)
    reopened = pl.when(pl.col("superseded_at") == run.recorded_at).then(None).otherwise("superseded_at")
    rows = history.with_columns(reopened.alias("superseded_at"))
    write_results(shop, name, rows, replaces={})
    return run


def list_runs(shop: Shop) -> list[MatchRun]:
    """Every run of matching that is not undone, oldest first."""
    runs = []
    for kind, name in LINK_TABLES.items():
        history = _history(shop, name)
        added = dict(history.group_by("recorded_at").len().iter_rows())
        closed = dict(history.drop_nulls("superseded_at").group_by("superseded_at").len().iter_rows())
        runs += [
            MatchRun(f"{kind}-{at.strftime(TIME_FORMAT)}", kind, at, added.get(at, 0), closed.get(at, 0))
            for at in {*added, *closed}
        ]
    return sorted(runs, key=lambda run: (run.recorded_at, run.kind))


def find_run(shop: Shop, run_id: str) -> MatchRun:
    for run in list_runs(shop):
        if run.run_id == run_id:
            return run
    raise NotFoundError(f"There is no run '{run_id}' of matching", do="`foresell match list` names them.")


def links_of(shop: Shop, run_id: str, limit: int | None = None) -> list[dict[str, Any]]:
    """The links that a run added, in their order, as records without what is null."""
    import polars as pl

    run = find_run(shop, run_id)
    rows = _history(shop, LINK_TABLES[run.kind]).filter(pl.col("ingest_run_id") == run_id)
    number = pl.col("link_id").str.split(":").list.last().cast(pl.Int64)
    ordered = rows.sort(number).drop("source", "ingest_run_id", "recorded_at")
    shown = ordered if limit is None else ordered.head(limit)
    return [{key: value for key, value in row.items() if value is not None} for row in shown.to_dicts()]


def _history(shop: Shop, name: str) -> "polars.DataFrame":
    import polars as pl

    with shop.reading() as tables:
        rows: pl.DataFrame = tables.history(name).to_polars()
    times = [c.name for c in RESULTS[name].columns if c.type == "timestamp"]
    return rows.with_columns(pl.col(time).cast(pl.Datetime("us", "UTC")) for time in times)


def _next_time(shop: Shop, history: "polars.DataFrame") -> datetime:
    """Now, but later than every run of imports and of matching before: a time names a run."""
    times: list[datetime] = history["recorded_at"].to_list() + history["superseded_at"].drop_nulls().to_list()
    after = [time + timedelta(microseconds=1) for time in times]
    return max([next_recorded_at(shop), *after]).astimezone(UTC)
