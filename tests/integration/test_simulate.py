"""`foresell simulate`: stores and raw exports of a shop whose truth is known.

A clean world makes a clean store; an export read back by its preset says the same; processes and kills leave
no trace; what cannot be done is said.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from foresell.contracts.errors import BackendError, NotFoundError
from foresell.kpis import KPIS
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.measure import Question, measure
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.simulate import UNFINISHED, live_world
from foresell.services.simulate_export import export_world
from foresell.simulator import world as worlds
from foresell.simulator.settings import WorldSettings, change_world, read_world
from foresell.store.crash_points import POINTS

CUSTOMERS, DAYS, SEED = 500, 30, 7
SIZE = ("--customers", str(CUSTOMERS), "--days", str(DAYS), "--seed", str(SEED))
# So many orders that even coupons are used.
BUSY = """
[catalog]
products = 300
[people]
visits_per_month = 9.0
known_rate = 1.0
marketing_rate = 1.0
[journeys]
checkout_rate = 0.5
"""
TINY = ("--customers", "30", "--days", "3", "--seed", "7")
MONEY = ("gross_sales", "discount", "refunds", "net_sales", "orders", "units", "customers")


def world_of(customers: int = CUSTOMERS, days: int = DAYS, **catalog: int) -> WorldSettings:
    tree = {"shop": {"customers": customers, "days": days}, "catalog": {"products": 300, **catalog}}
    return WorldSettings.model_validate(tree)


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "foresell", *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("simulated") / "shop"
    (root.parent / "world.toml").write_text(BUSY)
    ended = command("simulate", "--world", root.parent / "world.toml", *SIZE, "--store", root)
    assert ended.returncode == 0, ended.stderr
    return root


def value(shop: Shop, kpi: str) -> float:
    return float(measure(shop, kpi, Question()).rows[0]["value"])


def test_a_clean_world_fills_every_kpi_and_has_no_error(store: Path) -> None:
    shop = open_shop(store)
    for name in KPIS:
        assert measure(shop, name, Question()).rows, name
    listed = json.loads(command("quarantine", "list", "--store", store, "--json").stdout)
    assert listed["rows"] == []
    found = json.loads(command("check", "--store", store, "--json").stdout)
    assert [one for one in found["findings"] if one["severity"] == "error"] == []


def test_the_truth_lies_beside_the_store_and_says_how_to_live_it_again(store: Path, tmp_path: Path) -> None:
    truth = store / "truth"
    assert {entry.name for entry in truth.iterdir()} >= {"people.parquet", "world.toml", "seed.txt"}
    settings, seed = read_world(truth / "world.toml"), int((truth / "seed.txt").read_text())
    again = live_world(settings, seed, tmp_path / "tables", tmp_path / "truth")
    with open_shop(store).reading() as tables:
        assert again.num_rows == {name: tables.history(name).count().execute() for name in again.num_rows}
    assert (tmp_path / "truth" / "people.parquet").read_bytes() == (truth / "people.parquet").read_bytes()


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the canonical tables of the world say that the exports below are of."""
    folder = tmp_path_factory.mktemp("canonical")
    live_world(world_of(), SEED, folder / "tables", folder / "truth", 1)
    shop = create_shop(folder / "store", {"store": {"time_zone": "America/New_York"}})
    for entry in sorted((folder / "tables").iterdir()):
        import_files(shop, ImportRequest(entry, entry.name))
    return said(shop)


def said(shop: Shop) -> dict[str, Any]:
    money = {}
    for name in MONEY:
        # An export without discounts or refunds has no such KPI.
        with suppress(NotFoundError):
            money[name] = value(shop, name)
    with shop.reading() as tables:
        events = tables.current("events")
        counts = events.group_by("event_name").aggregate(n=events.count(), units=events.quantity.sum())
        found = {row["event_name"]: (row["n"], row["units"]) for row in counts.to_pyarrow().to_pylist()}
        orders = tables.current("orders")
        sold = set(orders.filter(orders.status != "cancelled").order_id.to_pyarrow().to_pylist())
    return {"money": money, "events": found, "num_orders": len(sold)}


def exported(name: str, preset: str, folder: Path) -> dict[str, Any]:
    export_world(name, folder / "files", world_of(), SEED, 1)
    shop = create_shop(folder / "store", {"store": {"time_zone": "America/New_York"}})
    runs = import_files(shop, ImportRequest(folder / "files", preset))
    assert [run.counts.rows_quarantined for run in runs] == [0] * len(runs)
    return said(shop)


def test_shopify_files_say_the_same_orders_and_money(canonical: dict[str, Any], tmp_path: Path) -> None:
    found = exported("shopify", "shopify", tmp_path)
    assert found["money"] == pytest.approx(canonical["money"])
    assert found["num_orders"] == canonical["num_orders"]


def test_segment_calls_say_the_same_orders_money_and_events(
    canonical: dict[str, Any], tmp_path: Path
) -> None:
    found = exported("segment", "segment_orders", tmp_path)
    assert found["money"] == pytest.approx(canonical["money"])
    assert found["events"].pop("refund")
    assert found["events"] == canonical["events"]


@pytest.mark.parametrize(("name", "preset"), [("ga4", "ga4_orders"), ("rees46", "rees46")])
def test_trackers_without_refunds_say_the_same_sales_before_them(
    name: str, preset: str, canonical: dict[str, Any], tmp_path: Path
) -> None:
    found, known = exported(name, preset, tmp_path), canonical["money"]
    assert found["money"]["net_sales"] == pytest.approx(known["gross_sales"] - known["discount"])
    for kpi in ("orders", "units", "customers"):
        assert found["money"][kpi] == known[kpi]
    if name == "ga4":
        assert found["events"] == canonical["events"]
    else:
        assert found["events"]["view_item"][0] == canonical["events"]["view_item"][0]
        assert found["events"]["purchase"][1] == canonical["events"]["purchase"][1]


def row_hashes(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each table, the number of its rows and a hash that does not depend on their order."""
    hashes = {}
    for entry in folder.iterdir():
        with duckdb.connect() as connection:
            [hashes[entry.name]] = connection.execute(
                f"SELECT count(*), sum(hash(r)::HUGEINT) FROM (FROM read_parquet('{entry}/*.parquet')) r"
            ).fetchall()
    return hashes


@pytest.mark.parametrize(("size", "processes"), [(97, 1), (97, 3), (25_000, 2)])
def test_rows_are_the_same_however_people_are_cut_and_in_any_number_of_processes(
    size: int, processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = world_of(290, 24)
    live_world(settings, SEED, tmp_path / "one", tmp_path / "truth", 1)
    monkeypatch.setattr(worlds, "PEOPLE_PER_SHARD", size)
    lived = live_world(settings, SEED, tmp_path / "other", tmp_path / "truth-again", processes)
    assert lived.num_processes == processes
    expected = row_hashes(tmp_path / "one")
    assert row_hashes(tmp_path / "other") == expected
    assert lived.num_rows == {name: count for name, (count, _) in expected.items()}


def test_a_worker_that_dies_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    def kill_one(_doing: str, done: float, _total: float | None) -> None:
        if done == 2:
            os.kill(children()[0], signal.SIGKILL)

    with pytest.raises(BackendError, match="signal 9"):
        live_world(world_of(200, 10), SEED, tmp_path / "tables", tmp_path / "truth", 2, kill_one)
    assert children() == []


def children() -> list[int]:
    """The workers that this process started and that have not ended (other tests keep servers running)."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(number) for number in listed if b"simulator.worker" in _command_line(number)]


def _command_line(number: str) -> bytes:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


@pytest.mark.slow
def test_a_kill_leaves_a_mark_and_the_next_run_finishes(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    unfinished = root.with_name(root.name + UNFINISHED)
    points = [point for point in POINTS if point.startswith("simulate.")]
    assert points
    for point in points:
        killed = command("simulate", *TINY, "--store", root, FORESELL_KILL_AT=point)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not root.exists()
        opened = command("report", "--store", unfinished)
        assert opened.returncode == 4
        assert "`foresell simulate`" in opened.stderr
    assert command("simulate", *TINY, "--store", root).returncode == 0
    assert not unfinished.exists()
    assert command("store", "verify", "--store", root).returncode == 0


@pytest.mark.slow
def test_kills_at_random_times_leave_a_finished_store_or_a_mark(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    started = time.monotonic()
    assert command("simulate", *TINY, "--processes", "2", "--store", tmp_path / "whole").returncode == 0
    seconds = time.monotonic() - started
    for attempt in range(1, 9):
        process = subprocess.Popen(
            [sys.executable, "-m", "foresell", "simulate", *TINY, "--processes", "2", "--store", str(root)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds * attempt / 9)
        process.kill()
        process.wait()
        if root.exists():
            break
    if not root.exists():
        assert command("simulate", *TINY, "--store", root).returncode == 0
    assert command("store", "verify", "--store", root).returncode == 0
    assert value(open_shop(root), "visits") == value(open_shop(tmp_path / "whole"), "visits")


def test_two_cannot_make_the_same_store_at_once(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    first = subprocess.Popen(
        [sys.executable, "-m", "foresell", "simulate", *SIZE, "--store", str(root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not root.with_name(root.name + UNFINISHED).exists():
            time.sleep(0.01)
        time.sleep(0.1)
        second = command("simulate", *TINY, "--store", root)
    finally:
        first.kill()
        first.wait()
    assert second.returncode == 6
    assert "Another process" in second.stderr


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[shop]\ndays = 0\n", "shop.days"),
        ("[shop]\ncustomers = -1\n", "shop.customers"),
        ("[shop]\ncustommers = 5\n", "customers"),
        ("[shop\n", "not valid TOML"),
        ("[demand]\npromotion_discount = 1.5\n", "promotion_discount"),
        ("[people]\nvisit_spread = -0.1\n", "visit_spread"),
        ("[people]\nvisits_per_month = inf\n", "visits_per_month"),
        ("[shop]\ncountry = 'Narnia'\n", "country"),
    ],
)
def test_a_world_that_cannot_be_is_refused(
    toml: str, said: str, tmp_path: Path, foresell: Callable[..., Any]
) -> None:
    (tmp_path / "world.toml").write_text(toml)
    ended = foresell("simulate", "--world", tmp_path / "world.toml", "--store", tmp_path / "shop")
    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    "toml",
    [
        "[shop]\ncustomers = 1\ndays = 2\n",
        "[catalog]\nproducts = 1\n",
        "[demand]\npromotion_discount = 1.0\npromotion_rate = 1.0\n",
        "[demand]\npromotion_rate = 0.0\nreturn_rate = 1.0\n",
        "[stock]\nfirst_cover_days = 0.0\n",
        "[catalog]\nproducts = 3\nlaunch_rate = 1.0\n",
    ],
)
def test_the_smallest_and_strangest_worlds_are_lived(toml: str, tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text(toml)
    settings = read_world(tmp_path / "world.toml")
    if "customers" not in toml:
        settings = change_world(settings, customers=60, days=12)
    lived = live_world(settings, SEED, tmp_path / "tables", tmp_path / "truth")
    assert lived.num_rows["calendar"] == settings.shop.days


def test_one_person_and_one_product_make_a_store(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("[shop]\ncustomers = 1\ndays = 2\n[catalog]\nproducts = 1\n")
    ended = command("simulate", "--world", tmp_path / "world.toml", "--store", tmp_path / "shop")
    assert ended.returncode == 0, ended.stderr


def test_what_lies_there_is_not_touched(tmp_path: Path, foresell: Callable[..., Any]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    ended = foresell("simulate", *TINY, "--store", tmp_path)
    assert ended.code == 4
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))

    target = str(tmp_path / "shop")
    for processes in ("1", "2"):
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "foresell",
                "simulate",
                *SIZE,
                "--processes",
                processes,
                "--store",
                target,
            ],
            capture_output=True,
            text=True,
            preexec_fn=little_room,
            check=False,
        )
        assert ended.returncode == 6, ended.stderr
        assert "free disk space" in ended.stderr.lower()
        assert list(tmp_path.iterdir()) == []


def test_an_export_that_does_not_exist_is_said(tmp_path: Path, foresell: Callable[..., Any]) -> None:
    ended = foresell("simulate", *TINY, "--export", "shopfy", "--output", tmp_path / "files")
    assert ended.code == 2
    assert "Did you mean 'shopify'?" in ended.err
    assert foresell("simulate", *TINY).code == 2
    assert foresell("simulate", *TINY, "--processes", "0", "--store", tmp_path / "s").code == 2
