"""A small shop as files, the command line in this process, and a store to ask questions of."""

import fcntl
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

NUM_WEEKS = 40
NUM_CUSTOMERS = 24
NUM_PRODUCTS = 8
FIRST_MONDAY = datetime(2024, 1, 1, 9, tzinfo=UTC)
CATEGORIES = ("tea", "coffee")


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code, and what it wrote where."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """The JSON on standard output; fails if anything else is there."""
        return json.loads(self.out)


def call(*arguments: object) -> Ended:
    """Run `foresell` with these arguments in this process, from the entry point that users start."""
    from foresell.cli.main import run

    given, sys.argv = sys.argv, ["foresell", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            run()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.argv = given
    return Ended(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def write_csv(path: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_small_shop(folder: Path) -> dict[str, Path]:
    """The files of a shop whose customers buy every few weeks for forty: table → file."""
    products = [(f"p{n}", f"Product {n}", CATEGORIES[n % 2], 3 + n) for n in range(NUM_PRODUCTS)]
    customers = [(f"c{n}", "DE", f"c{n}@example.org") for n in range(NUM_CUSTOMERS)]
    orders: list[Sequence[object]] = []
    lines: list[Sequence[object]] = []
    events: list[Sequence[object]] = []
    for week in range(NUM_WEEKS):
        for number in range(NUM_CUSTOMERS):
            if (week + number) % 3:
                continue
            order_id, customer_id = f"o{week}-{number}", f"c{number}"
            at = FIRST_MONDAY + timedelta(weeks=week, days=number % 7, minutes=number)
            bought = [(number + week) % NUM_PRODUCTS, (number + 2 * week + 1) % NUM_PRODUCTS]
            prices = [3 + product for product in dict.fromkeys(bought)]
            for position, product in enumerate(dict.fromkeys(bought)):
                lines.append((f"{order_id}-{position}", order_id, f"p{product}", 1, 3 + product))
            orders.append((order_id, customer_id, at.isoformat(), sum(prices)))
            session = (f"s{order_id}", customer_id)
            events.append((f"{order_id}-v", "view_item", at.isoformat(), *session, f"p{bought[0]}", ""))
            events.append((f"{order_id}-p", "purchase", at.isoformat(), *session, "", order_id))
    return {
        "products": write_csv(folder / "products.csv", "product_id,title,category,price", products),
        "customers": write_csv(folder / "customers.csv", "customer_id,country,email", customers),
        "orders": write_csv(folder / "orders.csv", "order_id,customer_id,created_at,total_amount", orders),
        "order_lines": write_csv(
            folder / "lines.csv", "order_line_id,order_id,product_id,quantity,line_amount", lines
        ),
        "events": write_csv(
            folder / "events.csv",
            "event_id,event_name,occurred_at,session_id,customer_id,product_id,order_id",
            events,
        ),
    }


@pytest.fixture(scope="session")
def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, the same for each of its processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _keys_of_tests(of_all_workers: Path) -> Iterator[None]:
    """Stores made here keep their keys in a folder of their own, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(of_all_workers / "config"))
        patch.delenv("FORESELL_STORE", raising=False)
        patch.delenv("FORESELL_KEY", raising=False)
        yield


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Its files, by table."""
    return write_small_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def small_store(of_all_workers: Path, small_shop: dict[str, Path]) -> Path:
    """A store with the small shop imported and both tasks fitted. To be read only: see `own_store`."""
    store = of_all_workers / "small-store"
    with (of_all_workers / "small-store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not store.exists():
            make_small_store(of_all_workers / "unfinished", small_shop).rename(store)
    return store


def make_small_store(store: Path, files: dict[str, Path]) -> Path:
    made = call("init", store, "--time-zone", "Europe/Berlin", "--currency", "EUR")
    assert made.code == 0, made.err
    for table, path in files.items():
        imported = call("import", path, "--as", table, "--store", store)
        assert imported.code == 0, imported.err
    for task in ("recommend", "forecast"):
        fitted = call("fit", task, "--store", store)
        assert fitted.code == 0, fitted.err
    return store


@pytest.fixture
def own_store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store, to change."""
    return Path(shutil.copytree(small_store, tmp_path / "store"))


@pytest.fixture
def new_store(tmp_path: Path) -> Path:
    """An empty store in euros, whose days are Berlin's."""
    store = tmp_path / "new-store"
    assert call("init", store, "--time-zone", "Europe/Berlin", "--currency", "EUR").code == 0
    return store


@pytest.fixture(scope="session")
def foresell() -> Callable[..., Ended]:
    """The command line: `foresell("kpi", "orders", "--store", store)` → code, out, err."""
    return call
