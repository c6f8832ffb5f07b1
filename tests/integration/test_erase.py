"""After `foresell erase` nothing of a person is left in the folder, and nothing of anybody else is lost.

The same walk over every file that finds nothing afterwards must have found every planted identifier
before: otherwise it would prove nothing.
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from foresell.contracts.errors import NotFoundError
from foresell.contracts.tables import TABLES
from foresell.kpis import KPIS
from foresell.privacy.tokens import token
from foresell.services.erase import erase
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.measure import Question, measure_all
from foresell.services.predict import fit
from foresell.services.quarantine import (
    discard_quarantine,
    fix_quarantine,
    list_quarantine,
    replay_quarantine,
)
from foresell.services.report import write_report
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.upkeep import compact, rebuild, take_back, verify, versions
from foresell.sources.readers import ReadOptions
from foresell.store.engine import ALL_TABLES

pytestmark = pytest.mark.slow


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


planted, walk = load("planted_shop"), load("store_walk")

SETTINGS = {"store": {"currency": "USD"}, "privacy": {"keep_originals": True}}
IDENTIFYING = {c.name for table in ALL_TABLES.values() for c in table.columns if c.identifies} | {"Shop"}
SHORT_VALUES = {planted.SHORT, *(f"o{week}-5" for week in range(planted.NUM_WEEKS))}
ERASE_POINTS = ("erase.tombstoned", "erase.raw_rewritten", "rebuild.run_applied", "rebuild.complete")
ERASE_POINTS += ("rebuild.old_moved", "rebuild.swapped", "erase.finished")


def import_all(shop: Shop, files: Path, names: Iterable[str] = planted.IMPORTS) -> None:
    for name in names:
        import_one(shop, files / name, planted.IMPORTS[name])


def import_one(shop: Shop, path: Path, what: str) -> None:
    mapping = path.with_name(what) if what.endswith(".toml") else None
    options = ReadOptions(delimiter=",") if path.suffix == ".csv" else ReadOptions()
    import_files(shop, ImportRequest(path, None if mapping else what, mapping, options))


def make_store(folder: Path, *, with_person: bool) -> Path:
    files, root = folder / f"files-{with_person}", folder / f"store-{with_person}"
    planted.write_files(files, with_person=with_person)
    shop = create_shop(root, SETTINGS)
    import_all(shop, files)
    for row in list_quarantine(shop, limit=None):
        if row.raw is not None and row.raw.get("order_line_id") in ("o3-3/0", f"{planted.ORDERS[0]}/7"):
            fix_quarantine(shop, row.quarantine_id, {"line_amount": "4.50"})
    replay_quarantine(shop)
    return root


def live_through(root: Path) -> None:
    """Whatever else can hold a person: fixes, discarded rows, compacted files, models, a report."""
    shop = open_shop(root)
    live_with_fixes(shop)
    compact(shop)
    fit(shop, "recommend")
    write_report(shop, root / "report.html")
    (root / "report-for-the-person.html").write_text(f"<p>{planted.PERSON} &amp; {planted.NAME}</p>")


def live_with_fixes(shop: Shop) -> None:
    for row in list_quarantine(shop, limit=None):
        line = (row.raw or {}).get("order_line_id")
        if "line" in (row.raw or {}):
            fix_quarantine(shop, row.quarantine_id, {"order_id": planted.ORDERS[0], "order_line_id": "l"})
        elif line in (f"{planted.ORDERS[0]}/8", "o4-5/0"):
            fix_quarantine(shop, row.quarantine_id, {"order_id": planted.ORDERS[1]})
        elif line == f"{planted.ORDERS[0]}/9":
            fix_quarantine(shop, row.quarantine_id, {"order_id": planted.ORDERS[0]})
            discard_quarantine(shop, [row.quarantine_id])


def tokens(shop: Shop) -> list[str]:
    kinds = {"email": planted.EMAIL, "phone": planted.PHONE, "name": planted.NAME, "address": planted.ADDRESS}
    return [token(shop.key, kind, value) for kind, value in kinds.items()]


def needles(root: Path) -> list[str]:
    return [*planted.GONE, *tokens(open_shop(root))]


@pytest.fixture(scope="module", autouse=True)
def _one_key() -> Iterator[None]:
    """Stores of one key give equal tokens, so that they can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "7731" * 16)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("erase")
    make_store(folder, with_person=True)
    make_store(folder, with_person=False)
    live_through(folder / "store-True")
    return folder


@pytest.fixture(scope="module")
def before(folder: Path) -> Path:
    """The store with the person, to copy."""
    return folder / "store-True"


@pytest.fixture(scope="module")
def erased(folder: Path) -> Path:
    """The store after both people were erased. To be read only."""
    root = folder / "erased"
    shutil.copytree(folder / "store-True", root)
    answer = erase(open_shop(root), [planted.PERSON, planted.SHORT])
    assert answer.num_customers == 2
    assert answer.models_to_retrain == ("recommend/0001",)
    return root


def assert_nothing_left(root: Path) -> None:
    assert walk.find(root, needles(root)) == {}
    # The label of a product that happens to be called like the short customer is nobody's.
    of_the_product = walk.find_values(root, {"entity_id"}, {planted.SHORT})
    assert walk.find_values(root, IDENTIFYING, SHORT_VALUES) <= of_the_product


def kill_at(point: str, root: Path, *arguments: str) -> int:
    """The exit status of the command line, told to kill itself at a point between two durable writes."""
    ended = subprocess.run(
        [sys.executable, "-m", "foresell", *arguments, "--store", str(root)],
        env={**os.environ, "FORESELL_KILL_AT": point},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return ended.returncode


def test_the_walk_finds_everything_before(before: Path) -> None:
    found = walk.find(before, needles(before))
    direct = {planted.EMAIL, planted.PHONE, planted.ADDRESS}
    assert set(found) == set(needles(before)) - direct, "direct identifiers are tokens from the first row on"
    places = found[planted.ORDERS[0]]
    for part in (
        "raw/",
        "tables/order_lines/",
        "_delta_log",
        "tables/quarantine/",
        "state.sqlite",
        "rejects",
    ):
        assert any(part in place for place in places), part
    assert any("tables/recommendations/" in place for place in found[planted.PERSON])
    assert any(place.startswith("report") for place in found[planted.PERSON])
    assert all(any("state.sqlite" in p for p in found[mark]) for mark in tokens(open_shop(before)))
    columns = {column for _, column, _ in walk.find_values(before, IDENTIFYING, SHORT_VALUES)}
    assert {"customer_id", "order_id", "entity_id"} <= columns


def test_nothing_is_left_after_erasure(erased: Path) -> None:
    assert_nothing_left(erased)


def test_a_tombstone_is_no_hash_that_can_be_guessed(erased: Path) -> None:
    tombstones = {mark for _, mark in open_shop(erased).folder.state.tombstones()}
    assert tombstones
    for value in planted.GONE:
        for text in (
            value,
            f"customer_id:{value}",
            f"erased:customer_id:{value}",
            f"erased:order_id:{value}",
        ):
            for algorithm in ("md5", "sha1", "sha256"):
                digest = hashlib.new(algorithm, text.encode()).hexdigest()
                assert not any(digest.startswith(mark) for mark in tombstones)


def rows_of(root: Path, name: str) -> list[Any]:
    """What the recorded rows say, whatever run recorded them when."""
    table = TABLES[name]
    chosen = [column.name for column in table.own_columns]
    flags = [f"{name} IS NULL AS is_{name}" for name in ("superseded_at", "valid_to") if name in table.column]
    shop = open_shop(root)
    with shop.reading() as tables:
        frame = tables.history(name).to_polars()
    frame = frame.select(*chosen, *(pl.sql_expr(flag) for flag in flags))
    return sorted(frame.rows(), key=repr)


def test_nobody_elses_row_is_touched(erased: Path, folder: Path) -> None:
    never = folder / "store-False"
    names = open_shop(never).folder.tables.names()
    assert {"customers", "orders", "order_lines", "events", "identities", "risk_labels"} <= set(names)
    for name in names:
        if name in TABLES:
            assert rows_of(erased, name) == rows_of(never, name), name
    devices = [row for row in rows_of(erased, "events") if planted.SHARED_DEVICE in row]
    assert len(devices) == 2, "a device that another customer uses is theirs"


def test_the_counts_of_every_run_still_add_up(before: Path, erased: Path) -> None:
    def read(root: Path) -> dict[str, int]:
        with open_shop(root).reading() as tables:
            records = tables.current("ingest_runs").to_pyarrow().to_pylist()
        for record in records:
            outcomes = ("accepted", "updated", "duplicate", "quarantined")
            assert record["rows_read"] == sum(record[f"rows_{outcome}"] for outcome in outcomes)
        return {record["run_id"]: record["rows_read"] for record in records}

    assert read(before) == read(erased)
    assert verify(open_shop(erased)).problems == ()
    gone = list_quarantine(open_shop(erased), status="erased", limit=None)
    assert gone
    assert not any(any((row.raw or {}).values()) for row in gone)


def test_every_kpi_still_answers(before: Path, erased: Path, folder: Path) -> None:
    question = Question()
    assert len(measure_all(open_shop(before), question)) == len(KPIS)
    assert measure_all(open_shop(erased), question) == measure_all(
        open_shop(folder / "store-False"), question
    )


def test_others_keep_their_originals_and_the_person_has_none(before: Path, erased: Path) -> None:
    kept = set(open_shop(erased).folder.state.original_tokens())
    shop = open_shop(before)
    assert kept < set(shop.folder.state.original_tokens())
    assert token(shop.key, "email", "c1@example.org") in kept
    assert token(shop.key, "name", "Customer 5") not in kept


def test_rebuilding_and_importing_again_bring_nothing_back(
    erased: Path, folder: Path, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    shutil.copytree(erased, root)
    shop = open_shop(root)
    rebuild(shop)
    assert_nothing_left(root)
    same, changed = folder / "files-True", tmp_path / "changed"
    shutil.copytree(same, changed)
    for path in changed.glob("*.csv"):
        path.write_text(path.read_text().replace("DE", "AT").replace("4.50", "4.75").replace("hello", "hi"))
    import_all(shop, same)
    import_all(shop, changed)
    assert_nothing_left(root)
    rebuild(shop)
    assert_nothing_left(root)


def test_a_fix_cannot_bring_them_back(erased: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(erased, root)
    shop = open_shop(root)
    [ragged] = [row for row in list_quarantine(shop, limit=None) if "line" in (row.raw or {})]
    assert not ragged.fixes
    line = {"order_line_id": "x", "order_id": planted.ORDERS[0], "product_id": "p1", "quantity": "1"}
    fix_quarantine(shop, ragged.quarantine_id, {**line, "line_amount": "1"})
    [replay] = replay_quarantine(shop)
    assert replay.counts.rows_quarantined == 1
    assert_nothing_left(root)


@pytest.fixture(scope="module")
def small(folder: Path) -> Path:
    """A store of three runs with the person in it: erasing it again and again is quick."""
    root = folder / "small"
    shop = create_shop(root, SETTINGS)
    import_all(shop, folder / "files-True", ("customers.csv", "orders.parquet", "lines.csv"))
    live_with_fixes(shop)
    return root


@pytest.mark.parametrize("point", ERASE_POINTS)
def test_a_killed_erasure_is_completed_by_the_next_writer(small: Path, tmp_path: Path, point: str) -> None:
    root = tmp_path / "store"
    shutil.copytree(small, root)
    command = ("erase", planted.PERSON, planted.SHORT, "--yes")
    assert kill_at(point, root, *command) == -signal.SIGKILL
    compact(open_shop(root))
    assert_nothing_left(root)
    assert verify(open_shop(root)).problems == ()


def test_the_same_command_can_be_given_again(erased: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(erased, root)
    assert erase(open_shop(root), [planted.PERSON]).num_customers == 1
    assert_nothing_left(root)


def test_an_unknown_customer_is_an_error_and_nothing_is_done(before: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(before, root)
    with pytest.raises(NotFoundError, match="1 of 2"):
        erase(open_shop(root), [planted.PERSON, "nobody"])
    assert planted.PERSON in walk.find(root, [planted.PERSON])
    assert open_shop(root).folder.state.tombstones() == []


def test_customers_who_are_in_no_table_can_be_erased(tmp_path: Path) -> None:
    """Their rows lie in the raw zone: of one in quarantine, of the other in a run taken back."""
    shop = create_shop(tmp_path / "store", SETTINGS)
    rows = {"quarantined": (planted.PERSON, "never"), "taken-back": ("c-0123456789-back", "2024-01-01")}
    for order_id, (customer_id, created_at) in rows.items():
        path = tmp_path / f"{order_id}.csv"
        path.write_text(f"order_id,customer_id,created_at\n{order_id},{customer_id},{created_at}\n")
        import_one(shop, path, "orders")
    take_back(shop, [versions(shop)[-1].run_id])
    people = [customer_id for customer_id, _ in rows.values()]
    assert set(walk.find(shop.folder.root, people)) == set(people)
    erase(shop, people)
    assert walk.find(shop.folder.root, people) == {}


def test_an_interrupted_import_leaves_no_original_of_the_erased(tmp_path: Path) -> None:
    """Originals are kept while a file is read, before it is known whose rows are blanked."""
    shop = create_shop(tmp_path / "store", SETTINGS)
    for number in (1, 2):
        path = tmp_path / f"customers-{number}.csv"
        path.write_text(f"customer_id,country,full_name\n{planted.PERSON},{number},{planted.NAME}\n")
    import_one(shop, tmp_path / "customers-1.csv", "customers")
    erase(shop, [planted.PERSON])
    command = ("import", str(tmp_path / "customers-2.csv"), "--as", "customers")
    assert kill_at("import.staged", shop.folder.root, *command) == -signal.SIGKILL
    compact(shop)
    assert walk.find(shop.folder.root, needles(shop.folder.root)) == {}
