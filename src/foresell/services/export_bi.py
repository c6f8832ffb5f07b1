"""Everything that BI tools read, in one go: tables whose names and columns stay as they are (docs/bi.md).

In a folder each is a Parquet file. In PostgreSQL each is a view over a table whose name tells its columns:
where a version of Foresell adds a column, the view goes over to a new table in one transaction, and whoever
was granted the view keeps it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.columns import Column, day, real, text
from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.contracts.results import RESULTS
from foresell.services.export import Destination, Exported, export_rows
from foresell.services.export_rows import BATCH_ROWS, Leaving, result_rows
from foresell.services.export_segments import SEGMENT_COLUMNS, SEGMENTS, segment_rows
from foresell.services.shop import Progress, Shop, silent
from foresell.sources.sql import is_database
from foresell.sources.sql.address import read_address
from foresell.sources.sql.target import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "foresell"
PERIODS = ("day", "week", "month")
# Beside the whole shop, by month.
DIMENSIONS = ("category", "location", "channel", "country")
POSTGRESQL = ("postgresql", "postgres")

KPI_COLUMNS = (
    text("kpi", "its name: see kpi_catalog", required=True),
    text("period", "day, week, month", required=True),
    day("date", "first local day of the period", required=True),
    text("dimension", "shop: the whole shop; else what it is split by", required=True),
    text("member", "the value of the dimension; null: unknown, or the whole shop"),
    real("value", "null: undefined there; money in `unit`. Do not add shares and distinct counts up"),
    text("unit", "a currency (ISO 4217), count, rate, …", required=True),
)
CATALOG_COLUMNS = (
    text("kpi", required=True),
    text("name_en", required=True),
    text("name_zh", required=True),
    text("unit", "money, count, rate, …", required=True),
    text("better", "up, down or neither", required=True),
    text("formula", required=True),
    text("meaning_en", required=True),
    text("meaning_zh", required=True),
)


@dataclass(frozen=True)
class Dataset:
    """One table for BI tools. `doc`: what a row is."""

    doc: str
    columns: tuple[Column, ...]
    rows: Callable[["Shop", str | None], "Iterator[Leaving]"]


@dataclass(frozen=True)
class ExportedBI:
    """`skipped`: dataset → why it was not written; what stood there stays."""

    target: str
    exported: tuple[Exported, ...]
    skipped: Mapping[str, str]

    def as_record(self) -> dict[str, object]:
        rows = {one.name.removeprefix("bi "): one.num_rows for one in self.exported}
        return {"target": self.target, "rows": rows, "skipped": dict(self.skipped)}


def export_bi(
    shop: Shop,
    place: str,
    *,
    schema: str = SCHEMA,
    segmentation: str | None = None,
    is_forced: bool = False,
    progress: Progress = silent,
) -> ExportedBI:
    """Write every dataset to a folder (`NAME.parquet`) or a PostgreSQL database (views in `schema`).

    One that has no rows yet is written empty, so that what was built on it works. `segmentation`: which one
    leaves, where there are several. Errors: those of `export.export_results`; InputError for another kind of
    database.
    """
    database = _require_place(shop, place)
    if database:
        from foresell.sources.sql.postgresql_views import make_schema

        make_schema(read_address(place), schema, list(DATASETS), is_forced=is_forced)
    exported: list[Exported] = []
    skipped: dict[str, str] = {}
    for name, dataset in DATASETS.items():
        to = _destination(place, schema, name, dataset, is_database=database, is_forced=is_forced)
        try:
            for leaving in dataset.rows(shop, segmentation):
                exported.append(export_rows(shop, f"bi {name}", to, leaving, progress))
        except (ConflictError, InputError) as error:
            if name != SEGMENTS:
                raise
            # Of people fewer than ten, or several segmentations and none named: the rest may go.
            skipped[name] = error.message
    if database:
        _publish(place, schema, [name for name in DATASETS if name not in skipped], is_forced=is_forced)
    return ExportedBI(place if not database else read_address(place).place, tuple(exported), skipped)


def _require_place(shop: Shop, place: str) -> bool:
    """Whether it is a database; a folder is made where it is not there yet."""
    if is_database(place):
        if read_address(place).scheme not in POSTGRESQL:
            raise InputError(
                "Views for BI tools are made in PostgreSQL",
                received=read_address(place).scheme,
                do="Name a folder for Parquet files, or write single tables: foresell export scores URL.",
            )
        return True
    folder = Path(place).expanduser().resolve()
    if folder.suffix or (folder.exists() and not folder.is_dir()):
        raise InputError(
            "BI tools get several files",
            received=place,
            do="Name a folder, or postgresql://user@host/database.",
        )
    if folder.is_relative_to(shop.folder.root):
        raise InputError(
            "Exports do not go into the store itself", received=place, do="Choose another folder."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return False


def _destination(
    place: str, schema: str, name: str, dataset: Dataset, *, is_database: bool, is_forced: bool
) -> Destination:
    if is_database:
        return Destination(place, f"{schema}.{table_of(name, dataset)}", is_forced)
    return Destination(str(Path(place).expanduser() / f"{name}.parquet"), None, is_forced)


def table_of(name: str, dataset: Dataset) -> str:
    """The table behind a view: other columns make another name."""
    told = ",".join(f"{column.name} {column.type}" for column in dataset.columns)
    return f"data_{name}_{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _publish(place: str, schema: str, names: Sequence[str], *, is_forced: bool) -> None:
    from foresell.sources.sql.postgresql_views import View, publish_views

    views = [
        View(name, table_of(name, DATASETS[name]), DATASETS[name].doc, DATASETS[name].columns)
        for name in names
    ]
    publish_views(read_address(place), schema, views, is_forced=is_forced)


def _kpi_rows(shop: Shop, _segmentation: str | None) -> "Iterator[Leaving]":
    from foresell.kpis.query import all_kpis

    asked: list[tuple[str, str | None]] = [(period, None) for period in PERIODS]
    asked += [("month", dimension) for dimension in DIMENSIONS]
    rows: list[dict[str, Any]] = []
    with shop.reading_matched() as tables:
        for period, dimension in asked:
            answers = all_kpis(tables, shop.settings, period=period, by=dimension)
            for answer in answers.values():
                rows += _kpi_records(answer.as_record(), period, dimension)
    yield Leaving(KPI_COLUMNS, batches_of(rows, KPI_COLUMNS))


def _kpi_records(answer: Mapping[str, Any], period: str, dimension: str | None) -> Iterator[dict[str, Any]]:
    """One number a period; KPIs of several columns, or split in their own way, are left to the API."""
    for row in answer.get("rows", ()):
        if set(row) != {"period", "value", *([dimension] if dimension else [])}:
            return
        yield {
            "kpi": answer["kpi"],
            "period": period,
            "date": row["period"],
            "dimension": dimension or "shop",
            "member": None if dimension is None or row[dimension] is None else str(row[dimension]),
            "value": None if row["value"] is None else float(row["value"]),
            "unit": answer["unit"],
        }


def _catalog_rows(_shop: Shop, _segmentation: str | None) -> "Iterator[Leaving]":
    from foresell.kpis import KPIS

    rows = [
        {
            "kpi": kpi.id,
            "name_en": kpi.english.name,
            "name_zh": kpi.chinese.name,
            "unit": kpi.unit,
            "better": kpi.direction,
            "formula": kpi.formula,
            "meaning_en": kpi.english.meaning,
            "meaning_zh": kpi.chinese.meaning,
        }
        for kpi in KPIS.values()
    ]
    yield Leaving(CATALOG_COLUMNS, batches_of(rows, CATALOG_COLUMNS))


def _segment_rows(shop: Shop, segmentation: str | None) -> "Iterator[Leaving]":
    try:
        yield segment_rows(shop, segmentation, ())
    except NotFoundError:
        if segmentation is not None:
            raise
        yield Leaving(SEGMENT_COLUMNS, iter(()))


def _results(name: str) -> Dataset:
    table = RESULTS[name]

    def rows(shop: Shop, _segmentation: str | None) -> "Iterator[Leaving]":
        try:
            with result_rows(shop, name, {}) as leaving:
                yield leaving
        except NotFoundError:
            yield Leaving(table.columns, iter(()))

    return Dataset(table.doc, table.columns, rows)


def batches_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> "Iterator[pa.RecordBatch]":
    """Plain rows as batches of the types of columns; days as ISO 8601 text."""
    import polars as pl

    schema = {column.name: pl.Float64 if column.type == "float" else pl.String for column in columns}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    days = [column.name for column in columns if column.type == "date"]
    table = frame.with_columns(pl.col(days).str.to_date()).to_arrow().cast(arrow_schema(columns))
    yield from table.to_batches(max_chunksize=BATCH_ROWS)


# What stays as it is: names and columns are only ever added.
DATASETS: dict[str, Dataset] = {
    "kpis": Dataset("A KPI's value in a period, of the whole shop or a part of it.", KPI_COLUMNS, _kpi_rows),
    "kpi_catalog": Dataset("What a KPI is called and means.", CATALOG_COLUMNS, _catalog_rows),
    "forecasts": _results("forecasts"),
    "scores": _results("scores"),
    "segments": Dataset(
        "Which segment a customer is in; never in a group of fewer than ten.", SEGMENT_COLUMNS, _segment_rows
    ),
    "profiles": _results("profiles"),
    "recommendations": _results("recommendations"),
    "leaderboard": _results("leaderboard"),
}
