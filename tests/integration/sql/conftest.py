"""Real databases, started once for all tests, and a shop in them."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.records import IngestRun
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Shop, create_shop
from foresell.services.sql_inputs import DatabaseRequest

ORDERS_TOML = """
name = "shop_orders"
time_zone = "UTC"
currency = "EUR"
[source]
table = "orders"
watermark = "updated_at"
[identifiers]
email = "email"
[tables.orders]
valid_from = "updated_at"
[tables.orders.columns]
order_id = "order_id"
customer_id = "customer_id"
created_at = "created_at"
status = "status"
total_amount = "total_amount"
"""
# What a column of local times is called.
TIME_TYPES = {"postgresql": "TIMESTAMP", "mysql": "DATETIME(6)", "sqlite": "TEXT"}


def load(name: str) -> Any:
    """A module that lies beside this one or one folder above; pytest imports test files only."""
    here = Path(__file__).parent
    path = next(folder / f"{name}.py" for folder in (here, here.parent) if (folder / f"{name}.py").exists())
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


servers = load("servers")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    database = servers.PostgreSQL()
    yield database
    database.server.remove()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Any]:
    database = servers.MariaDB()
    yield database
    database.server.remove()


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    return servers.SQLiteFile(tmp_path / "shop.db")


@pytest.fixture(
    params=[
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
        "sqlite",
    ]
)
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One database after the other; the password stands in the environment."""
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", servers.PASSWORD)
    found = request.getfixturevalue(request.param)
    found.execute("DROP TABLE IF EXISTS orders")
    return found


@dataclass
class Imported:
    """What an import came to: its runs, and what the user was told."""

    runs: list[IngestRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def total(self, outcome: str) -> int:
        return sum(getattr(run.counts, f"rows_{outcome}") for run in self.runs)

    @property
    def outcomes(self) -> tuple[int, int, int, int]:
        """Rows accepted, updated, duplicate, quarantined."""
        names = ("accepted", "updated", "duplicate", "quarantined")
        accepted, updated, duplicate, quarantined = map(self.total, names)
        return accepted, updated, duplicate, quarantined


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return create_shop(tmp_path / "store")


@dataclass
class World:
    """A database with a table of orders, and a store to import it into."""

    database: Any
    shop: Shop
    folder: Path

    @property
    def mapping(self) -> Path:
        return self.folder / "orders.toml"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.database.execute(statement)
        return rows

    def import_orders(
        self,
        preset: str | None = None,
        mapping: Path | None = None,
        *,
        may_lack_columns: bool = False,
        **given: Any,
    ) -> Imported:
        """Import the table `orders` by ORDERS_TOML, or as given."""
        toml = None if preset else mapping or self.mapping
        database = DatabaseRequest(**{"url": self.database.url, **given})
        result = Imported()
        request = ImportRequest(None, preset, toml, may_lack_columns=may_lack_columns, database=database)
        result.runs = import_files(self.shop, request, note=result.notes.append)
        return result

    def make_orders(self, *, unique: bool = True) -> None:
        key = " PRIMARY KEY" if unique else ""
        time = TIME_TYPES[self.database.scheme]
        self.database.execute(
            f"CREATE TABLE orders (order_id INTEGER{key}, customer_id INTEGER, created_at {time}, "
            f"status VARCHAR(20), total_amount DECIMAL(12,2), email VARCHAR(100), updated_at {time})"
        )

    def insert_orders(self, numbers: range, *, hour: int = 0, status: str = "paid") -> None:
        """Orders made in the minute of their number, and last changed a day and some hours later."""
        first = datetime(2024, 3, 1)  # noqa: DTZ001
        rows = ", ".join(
            f"({n}, {n % 7}, '{first + timedelta(minutes=n)}', '{status}', {n}.05, 'c{n % 7}@example.org', "
            f"'{first + timedelta(days=1, hours=hour, minutes=n)}')"
            for n in numbers
        )
        self.database.execute(f"INSERT INTO orders VALUES {rows}")

    def believed(self, columns: str = "order_id, status, total_amount") -> list[tuple[Any, ...]]:
        """The current orders."""
        with self.shop.reading() as tables:
            names = columns.split(", ")
            rows = tables.current("orders").select(*names).to_pyarrow().to_pylist()
        return sorted(tuple(row[name] for name in names) for row in rows)


@pytest.fixture
def world(database: Any, shop: Shop, tmp_path: Path) -> World:
    (tmp_path / "orders.toml").write_text(ORDERS_TOML)
    return World(database, shop, tmp_path)
