"""The export of a platform, as it lies in tests/fixtures, imported into a store of its own."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.records import IngestRun
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.measure import Question, measure
from foresell.services.rebuild import rebuild_tables
from foresell.services.shop import Shop, create_shop
from foresell.services.writing import writing

FIXTURES = Path(__file__).parents[2] / "fixtures"
OUTCOMES = ("rows_accepted", "rows_updated", "rows_duplicate", "rows_quarantined")


@dataclass(frozen=True)
class Imported:
    """A store, and what a test asks of it."""

    shop: Shop
    preset: str

    def add(self, path: Path) -> list[IngestRun]:
        return import_files(self.shop, ImportRequest(path, self.preset))

    def outcomes(self, path: Path) -> tuple[int, ...]:
        """Accepted, updated, duplicate, quarantined, summed over the runs of an import."""
        runs = self.add(path)
        assert all(run.counts.is_complete() for run in runs)
        return tuple(sum(getattr(run.counts, name) for run in runs) for name in OUTCOMES)

    def kpi(self, name: str, start: str | None = None, end: str | None = None) -> float:
        """The value of a KPI, over all time or between two local dates."""
        days = [None if day is None else date.fromisoformat(day) for day in (start, end)]
        [row] = measure(self.shop, name, Question(start=days[0], end=days[1])).rows
        return float(row["value"])

    def rows(self, table: str, columns: str, *, keep: str | None = None) -> list[tuple[Any, ...]]:
        """Rows that are believed now, sorted. `keep`: a column that must not be null."""
        names = columns.split()
        with self.shop.reading() as tables:
            found = tables.current(table)
            kept = found if keep is None else found.filter(found[keep].notnull())
            records = kept.select(*names).to_pyarrow().to_pylist()
        return sorted((tuple(record[name] for name in names) for record in records), key=str)

    def changed_by_rebuild(self) -> tuple[str, ...]:
        """The tables that are not the same after they were derived again."""
        with writing(self.shop, "rebuild"):
            return rebuild_tables(self.shop).changed


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Imported]:
    """`make_store("ga4", time_zone="Europe/Berlin", currency="EUR")`: an empty store for that preset."""

    def make(
        preset: str, time_zone: str = "UTC", currency: str = "USD", *, keep_originals: bool = False
    ) -> Imported:
        root = tmp_path_factory.mktemp("stores") / preset
        settings: dict[str, dict[str, object]] = {
            "store": {"time_zone": time_zone, "currency": currency},
            "privacy": {"keep_originals": keep_originals},
        }
        return Imported(create_shop(root, settings), preset)

    return make


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of the fixtures: a folder a preset."""
    return FIXTURES


@pytest.fixture(scope="session")
def found_in_store() -> Callable[..., dict[str, set[str]]]:
    """`found_in_store(imported, needles)`: each needle that stands anywhere in the store's folder → where.

    Every file is read as its bytes, and every Parquet and SQLite value decoded; see `store_walk`.
    """
    spec = importlib.util.spec_from_file_location("store_walk", Path(__file__).parents[1] / "store_walk.py")
    assert spec is not None
    assert spec.loader is not None
    walk = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(walk)
    return lambda imported, needles: dict(walk.find(imported.shop.folder.root, needles))
