"""What the alert rules are given: facts of the runs from the raw zone, and rows by date from the tables."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from foresell.contracts.protocols import Tables
from foresell.contracts.tables import TABLES
from foresell.explain.unusual_days import find_unusual_days
from foresell.quality.alerts.watched import Alert, RunFacts, Watched
from foresell.quality.finding import Words
from foresell.services.shop import Shop
from foresell.store.raw import RawRun

# Older files of a source say nothing about what is usual now, and reading them costs time.
MOST_RUNS = 30


def watch(shop: Shop, tables: Tables, day: date) -> Watched:
    """What was known of the sources at the end of the local date."""
    return Watched(day, _runs(shop, tables, day), _rows_by_day(tables, day))


def _runs(shop: Shop, tables: Tables, day: date) -> list[RunFacts]:
    runs = tables.current("ingest_runs")
    records = {row["run_id"]: row for row in runs.to_pyarrow().to_pylist()}
    zone = ZoneInfo(shop.settings.store.time_zone)
    by_source: dict[str, list[RawRun]] = defaultdict(list)
    for run in shop.folder.raw.runs():
        is_known = run.kind in ("import", "duplicate") and run.run_id in records
        if is_known and _local(run.recorded_at, zone) <= day:
            by_source[run.source].append(run)
    kept = [run for of_source in by_source.values() for run in of_source[-MOST_RUNS:]]
    kept.sort(key=lambda run: (run.recorded_at, run.run_id))
    return [_facts(shop, run, records[run.run_id], zone) for run in kept]


def _local(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _facts(shop: Shop, run: RawRun, record: Mapping[str, Any], zone: ZoneInfo) -> RunFacts:
    return RunFacts(
        run_id=run.run_id,
        source=run.source,
        source_file=run.source_file,
        day=_local(run.recorded_at, zone),
        rows_read=record["rows_read"],
        rows_quarantined=record["rows_quarantined"],
        is_duplicate=run.kind == "duplicate",
        missing=_missing(shop.folder.raw.part_paths(run)),
    )


def _missing(parts: list[Path]) -> dict[str, float]:
    """Column → share of rows without a value, from the Parquet footers alone.

    A column whose statistics are absent counts as filled.
    """
    import pyarrow.parquet as pq

    empty: dict[str, int] = defaultdict(int)
    num_rows = 0
    for path in parts:
        metadata = pq.read_metadata(path)
        num_rows += metadata.num_rows
        for group in (metadata.row_group(index) for index in range(metadata.num_row_groups)):
            for column in (group.column(index) for index in range(group.num_columns)):
                name = column.path_in_schema.split(".")[0]
                statistics = column.statistics
                has_count = statistics is not None and statistics.has_null_count
                empty[name] += statistics.null_count if has_count else 0
    return {name: count / num_rows for name, count in empty.items() if num_rows and not name.startswith("_")}


def _rows_by_day(tables: Tables, day: date) -> dict[tuple[str, str], dict[date, int]]:
    found: dict[tuple[str, str], dict[date, int]] = {}
    for table in TABLES.values():
        if table.time_column is None or not tables.has_rows(table.name):
            continue
        rows = tables.current(table.name)
        past = rows.filter(rows.local_date <= day)
        counted = past.group_by("source", "local_date").agg(n=past.count())
        for row in counted.to_pyarrow().to_pylist():
            found.setdefault((row["source"], table.name), {})[row["local_date"]] = row["n"]
    return found


def unusual_volumes(watched: Watched, limit: float) -> list[Alert]:
    """Tables whose rows of the day itself neither trend nor weekday explains; each with at least 56 days."""
    alerts = []
    for (source, table), counts in sorted(watched.rows_by_day.items()):
        # A day without a row is one of zero rows, and it is the day that matters.
        values = {day: float(count) for day, count in counts.items()} | {
            watched.day: float(counts.get(watched.day, 0))
        }
        for unusual in find_unusual_days(values, limit):
            if unusual.day == watched.day:
                words = _volume_words(table, source, unusual.value, unusual.expected)
                alerts.append(Alert("unusual_volume", "warning", source, table, words))
    return alerts


def _volume_words(table: str, source: str, rows: float, expected: float) -> Words:
    usual = max(expected, 0.0)
    return Words(
        f"{rows:,.0f} {table} of '{source}' on this day; season and trend led to expect {usual:,.0f}",
        "`foresell explain kpi net_sales` says what drives it, if the shop itself was so unusual.",
        f"“{source}”当天有 {rows:,.0f} 行 {table}；按季节和趋势预计为 {usual:,.0f} 行",
        "若店铺当天确实异常，可运行 `foresell explain kpi net_sales` 查看原因。",
    )
