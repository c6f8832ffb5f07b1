"""Repairs: shown before they are done, done as runs, kept through imports, and undone to the exact rows."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import settings_toml
from foresell.quality.repair import REPAIRS
from foresell.services.erase import erase
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.rebuild import rebuild_tables, table_hash
from foresell.services.repair import repair_tables
from foresell.services.repair_log import list_repairs, show_repair, undo_repair
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.upkeep import compact, rebuild
from foresell.sources.readers import ReadOptions

Import = Callable[[Shop, str, str], Any]
PRODUCTS = """product_id,title,category,brand,price,currency,attributes,valid_from
A1,Lunch bag red spotty,bags,X,1.00,USD,"{""weight"": ""500 g"", ""color"": ""red""}",
a1,Lunch bag red spotty,bags,X,1.10,USD,,
p2,LUNCH BAG  RED SPOTY,bags,X,,USD,"{""weight"": ""0.5kg""}",2024-01-01T00:00Z
p3,CafÃ© crÃ¨me,drinks,Y,3.00,USD,,2024-01-01T00:00Z
p4,Tea,drinks,,,USD,,2024-01-01T00:00Z
p5,Tea de luxe,drinks,,9.00,EUR,,2024-01-01T00:00Z
"""
ORDERS = """order_id,customer_id,created_at,currency,channel,total_amount,valid_from
o1,c1,2024-01-01T10:00Z,USD,web,5,2024-01-01T00:00Z
o2,c1,2024-01-02T10:00Z,USD,,7,2024-01-02T00:00Z
o3,C1,2024-01-03T10:00Z,USD,shop,,2024-01-03T00:00Z
o4,c2,2024-01-04T10:00Z,USD,web,1,2024-01-04T00:00Z
"""
LINES = """order_line_id,order_id,product_id,quantity,line_amount,discount_amount
l1,o1,A1,1,5,0
l2,o2,a1,2,-7,1
l3,o3,p2,1,1,
l4,o1,A1,1,5,0
l5,o4,p4,1,1,
"""
INVENTORY = """product_id,location_id,as_of_date,on_hand,on_order
A1,w,2024-01-01,10,1
A1,w,2024-01-02,-1,
A1,w,2024-01-04,4,4
a1,w,2024-01-01,6,
a1,w,2024-01-05,7,
"""
CUSTOMERS = "customer_id,country,birth_year\nc1,DE,1980\nC1,,\nc2,FR,\n"
FILES = {
    "products": PRODUCTS,
    "orders": ORDERS,
    "order_lines": LINES,
    "inventory": INVENTORY,
    "customers": CUSTOMERS,
}
# A rule of each repair, and more where it may take another way.
RULES = (
    "products.price: drop",
    "orders.customer_id: drop if = c2",
    "order_lines: drop duplicates",
    "order_lines.discount_amount: mean",
    "products.price: median by category",
    "orders.channel: mode",
    "orders.channel: constant web",
    "order_lines.line_amount: constant 7 if < 0",
    "orders.channel: forward_fill by nothing",
    "inventory.on_hand: interpolate if < 0",
    "orders.total_amount: interpolate by nothing",
    "inventory.on_order: interpolate_seasonal weekly",
    "products.attributes.weight: unit kg",
    "products.title: fix_encoding",
    "products: merge_same_key",
    "customers: merge_same_key",
    "products.title: merge_similar 0.9",
)
CHANGES_NOTHING_HERE = {"inventory.on_order: interpolate_seasonal weekly"}


def hashes(shop: Shop) -> dict[str, str]:
    """Of every column of every recorded row, lineage included."""
    names = [name for name in shop.folder.tables.names() if shop.folder.tables.files(name)]
    return {name: table_hash(shop, name) for name in names}


def bring(shop: Shop, preset: str, text: str) -> Any:
    path = shop.folder.root.parent / f"{preset}-{abs(hash(text))}.csv"
    path.write_text(text, encoding="utf-8")
    [run] = import_files(shop, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))
    return run.counts


def make(folder: Path) -> Shop:
    shop = create_shop(folder / "store")
    for preset, text in FILES.items():
        assert bring(shop, preset, text).rows_quarantined == 0
    return shop


def current(shop: Shop, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with shop.reading() as tables:
        rows = tables.current(table).select(*columns).order_by(*columns).to_pyarrow().to_pylist()
    return [tuple(row.values()) for row in rows]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        folder = tmp_path_factory.mktemp("ready")
        make(folder)
        return folder


@pytest.fixture
def stocked(ready: Path, tmp_path: Path) -> Shop:
    shutil.copytree(ready / "store", tmp_path / "store")
    return open_shop(tmp_path / "store")


def test_there_is_a_rule_for_each_repair() -> None:
    from_checks = {"swap_back", "shift_times"}
    assert {rule.partition(": ")[2].split()[0] for rule in RULES} == set(REPAIRS) - from_checks


@pytest.mark.parametrize("rule", RULES)
def test_a_repair_that_is_undone_leaves_the_exact_rows(stocked: Shop, rule: str) -> None:
    before = hashes(stocked)
    [done] = repair_tables(stocked, [rule]).repairs
    if rule in CHANGES_NOTHING_HERE:
        assert done.run_id is None
        return
    assert done.run_id is not None
    assert done.num_rows > 0
    assert repair_tables(stocked, [rule]).repairs[0].run_id is None, "there is nothing left to repair"
    undo_repair(stocked, done.run_id)
    assert hashes(stocked) == before


def test_a_dry_run_shows_what_the_rules_then_do_and_changes_nothing(stocked: Shop) -> None:
    before = hashes(stocked)
    rules = [*RULES[:3], RULES[4], *RULES[-3:]]
    tried = repair_tables(stocked, rules, dry_run=True)
    assert hashes(stocked) == before
    done = repair_tables(stocked, rules)
    for one, other in zip(tried.repairs, done.repairs, strict=True):
        assert (one.rule, one.rows, one.examples) == (other.rule, other.rows, other.examples)
    again = repair_tables(stocked, [], dry_run=True)
    assert again.kpis == ()
    assert rebuild(stocked).changed == ()


RULE_LISTS = st.lists(st.sampled_from(RULES), min_size=1, max_size=3, unique=True)
LATER_FILES = st.lists(
    st.sampled_from(
        [
            ("products", PRODUCTS),
            ("products", PRODUCTS.replace("p4,Tea,drinks,,,", "p4,Tea,drinks,,2.50,")),
            ("orders", ORDERS.replace("o2,c1,2024-01-02T10:00Z,USD,,", "o2,c1,2024-01-02T10:00Z,USD,app,")),
            ("order_lines", LINES + "l6,o4,a1,1,3,\n"),
            ("inventory", INVENTORY.replace("-1,", "8,")),
        ]
    ),
    max_size=2,
    unique=True,
)


@settings(max_examples=int(os.environ.get("FORESELL_REPAIRS", "3")))
@given(first=RULE_LISTS, files=LATER_FILES, then=RULE_LISTS, position=st.integers(0, 2))
def test_undone_after_imports_and_repairs_it_is_as_if_it_had_never_been(
    ready: Path,
    tmp_path_factory: pytest.TempPathFactory,
    first: list[str],
    files: list[tuple[str, str]],
    then: list[str],
    position: int,
) -> None:
    folder = tmp_path_factory.mktemp("law")
    shutil.copytree(ready / "store", folder / "store")
    shop = open_shop(folder / "store")
    done = [outcome.run_id for outcome in repair_tables(shop, first).repairs if outcome.run_id]
    for preset, text in files:
        bring(shop, preset, text)
    repair_tables(shop, then)
    if not done:
        return
    undone = done[position % len(done)]
    shutil.copytree(folder / "store", folder / "never")
    undo_repair(shop, undone)
    never = open_shop(folder / "never")
    shutil.rmtree(never.folder.raw.folder(undone))
    rebuild_tables(never)
    assert hashes(shop) == hashes(never)


def test_a_table_joined_since_is_derived_again(stocked: Shop) -> None:
    [done] = repair_tables(stocked, ["orders.channel: mode"]).repairs
    compact(stocked)
    undo_repair(stocked, str(done.run_id))
    assert ("o2", None) in current(stocked, "orders", "order_id", "channel")
    assert list_repairs(stocked)[0].is_undone
    with pytest.raises(NotFoundError, match="undone already"):
        undo_repair(stocked, str(done.run_id))


def test_the_same_file_again_leaves_the_repaired_rows_and_counts_as_duplicate(stocked: Shop) -> None:
    repair_tables(stocked, RULES)
    before = {name: value for name, value in hashes(stocked).items() if name != "ingest_runs"}
    for preset, text in FILES.items():
        again = bring(stocked, preset, text + "\n")
        assert again.rows_duplicate == again.rows_read
    after = hashes(stocked)
    assert {name: after[name] for name in before} == before


def test_a_new_word_of_the_source_takes_the_place_of_the_repair(stocked: Shop) -> None:
    repair_tables(stocked, ["orders.channel: constant web", "products.price: drop"])
    assert bring(stocked, "orders", ORDERS.replace("02T10:00Z,USD,,", "02T10:00Z,USD,app,")).rows_updated == 1
    assert ("o2", "app") in current(stocked, "orders", "order_id", "channel")
    told = PRODUCTS.replace("p4,Tea,drinks,,,", "p4,Tea,drinks,,2.50,")
    counts = bring(stocked, "products", told)
    assert counts.rows_duplicate == counts.rows_read - 1
    assert "p4" in dict(current(stocked, "products", "product_id", "title"))
    assert rebuild(stocked).changed == ()


def write_rules(shop: Shop, *rules: str) -> Shop:
    chosen = shop.settings.model_copy(
        update={"repair": shop.settings.repair.model_copy(update={"rules": rules})}
    )
    shop.folder.settings_path.write_text(settings_toml(chosen), encoding="utf-8")
    return open_shop(shop.folder.root)


def test_the_rules_of_the_settings_follow_an_import_until_one_is_undone(stocked: Shop) -> None:
    shop = write_rules(stocked, "orders.channel: constant web")
    bring(shop, "orders", ORDERS.splitlines()[0] + "\no9,c1,2024-02-01T00:00Z,USD,,1,\n")
    assert dict(current(shop, "orders", "order_id", "channel"))["o9"] == "web"
    [done] = list_repairs(shop)
    assert (done.num_rows, done.num_applied) == (2, 2)
    undo_repair(shop, done.run_id)
    bring(shop, "orders", ORDERS.splitlines()[0] + "\no10,c1,2024-02-01T00:00Z,USD,,1,\n")
    assert dict(current(shop, "orders", "order_id", "channel"))["o10"] is None
    repair_tables(shop)
    assert dict(current(shop, "orders", "order_id", "channel"))["o10"] == "web"


def test_a_wrong_rule_stops_an_import_before_it_begins(stocked: Shop) -> None:
    shop = write_rules(stocked, "orders.chanel: mode")
    before = hashes(shop)
    with pytest.raises(InputError, match="Did you mean 'channel'"):
        bring(shop, "orders", ORDERS + "o9,c1,2024-02-01T00:00Z,USD,,1,\n")
    assert hashes(shop) == before


def test_lines_that_come_later_go_to_the_product_that_theirs_was_merged_into(stocked: Shop) -> None:
    unit, similar = "products.attributes.weight: unit kg", "products.title: merge_similar 0.9"
    shop = write_rules(stocked, unit, similar, "products: merge_same_key")
    repair_tables(shop)
    products = dict(current(shop, "products", "product_id", "title"))
    assert {"A1", "a1", "p2"} & set(products) == {"A1"}
    bring(shop, "order_lines", LINES + "l6,o4,p2,1,3,\nl7,o4,a1,1,3,\n")
    lines = dict(current(shop, "order_lines", "order_line_id", "product_id"))
    assert {lines[line] for line in ("l1", "l2", "l3", "l6", "l7")} == {"A1"}


def test_what_a_repair_changes_is_shown_row_by_row(stocked: Shop) -> None:
    [done] = repair_tables(stocked, ["order_lines.line_amount: constant 7 if < 0"]).repairs
    [row] = show_repair(stocked, str(done.run_id))
    assert (row.key, row.old, row.new) == (
        {"order_line_id": "l2"},
        {"line_amount": -7},
        {"line_amount": 7},
    )
    assert row.evidence == "named in the rule"
    [kpi] = [
        change
        for change in repair_tables(stocked, ["order_lines.line_amount: constant 0 if > 5"], True).kpis
        if change.kpi == "net_sales"
    ]
    assert (kpi.before, kpi.after, kpi.difference) == (19.0, 12.0, -7.0)


def test_an_erased_customer_is_gone_from_the_repair_log_and_from_those_they_were_merged_with(
    stocked: Shop,
) -> None:
    repair_tables(stocked, ["customers: merge_same_key", "orders.channel: constant web"])
    erase(stocked, ["c1"])
    assert current(stocked, "orders", "order_id") == [("o4",)]
    assert current(stocked, "customers", "customer_id") == [("c2",)]
    for run in list_repairs(stocked):
        assert show_repair(stocked, run.run_id) == []
    for part in stocked.folder.raw.root.rglob("part-*.parquet"):
        assert not {"c1", "C1", "o1"} & set(map(str, _values(stocked, part)))


def _values(shop: Shop, part: Path) -> list[Any]:
    with shop.connect() as connection:
        rows = connection.execute(f"SELECT * FROM read_parquet('{part}')").fetchall()
    return [value for row in rows for value in row]


def test_a_row_is_known_as_repaired_only_from_the_repair_on(stocked: Shop) -> None:
    from foresell.features.asof import asof

    before = datetime.now(UTC)
    repair_tables(stocked, ["orders.channel: constant web"])
    cutoff = datetime(2025, 1, 1, tzinfo=UTC)
    with stocked.reading() as tables:
        then = asof(tables, stocked.settings, cutoff, known_by=before).current("orders")
        now = asof(tables, stocked.settings, cutoff).current("orders")
        found: list[Mapping[str, Any]] = [
            {row["order_id"]: row["channel"] for row in rows.to_pyarrow().to_pylist()} for rows in (then, now)
        ]
    assert (found[0]["o2"], found[1]["o2"]) == (None, "web")


def test_the_command_shows_what_changes_and_undoes_it(stocked: Shop) -> None:
    command = CliRunner()
    where = ["--store", str(stocked.folder.root)]
    rule = ["--rule", "order_lines.line_amount: constant 7 if < 0"]
    tried = command.invoke(app, ["repair", "--dry-run", *rule, *where])
    assert "would change 1 rows of order_lines" in tried.output
    assert "l2: line_amount=-7.0000 → line_amount=7.0000; named in the rule" in tried.output
    assert "net_sales" in tried.output
    assert command.invoke(app, ["repair", *rule, *where, "--json"]).exit_code == 0
    [done] = json.loads(command.invoke(app, ["repair", "list", *where, "--json"]).output)["repairs"]
    assert (done["repair"], done["rows"], done["undone"]) == ("constant", 1, False)
    [row] = json.loads(command.invoke(app, ["repair", "show", done["run_id"], *where, "--json"]).output)[
        "rows"
    ]
    assert (row["old"], row["new"]) == ({"line_amount": "-7.0000"}, {"line_amount": "7.0000"})
    undone = command.invoke(app, ["repair", "undo", done["run_id"], *where])
    assert "Undone: order_lines.line_amount: constant 7 if < 0 (1 rows)." in undone.output


KILLED_AT = (
    "repair.staged",
    "repair.raw_written",
    "import.table_written",
    "import.table_committed",
    "import.quarantine_committed",
)


def run_killed(shop: Shop, point: str, *arguments: str) -> int:
    """Gives a command that kills itself at the point; its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "foresell", "repair", *arguments, "--store", str(shop.folder.root)],
        env={**os.environ, "FORESELL_KILL_AT": point},
        capture_output=True,
        check=False,
    ).returncode


@pytest.mark.slow
@pytest.mark.parametrize("point", KILLED_AT)
def test_a_killed_repair_has_happened_whole_or_not_at_all(stocked: Shop, point: str) -> None:
    before = hashes(stocked)
    rule = "customers: merge_same_key"
    assert run_killed(stocked, point, "--rule", rule) == -signal.SIGKILL
    repair_tables(stocked, [rule])
    assert current(stocked, "customers", "customer_id") == [("c1",), ("c2",)]
    assert [customer for (customer,) in current(stocked, "orders", "customer_id")] == ["c1", "c1", "c1", "c2"]
    [done] = list_repairs(stocked)
    assert (done.num_rows, done.num_applied) == (2, 2)
    assert rebuild(stocked).changed == ()
    undo_repair(stocked, done.run_id)
    assert hashes(stocked) == before


@pytest.mark.slow
@pytest.mark.parametrize("point", ["undo.decided", "undo.table_committed"])
def test_a_killed_undo_is_finished_by_the_next_writer(stocked: Shop, point: str) -> None:
    before = hashes(stocked)
    [done] = repair_tables(stocked, ["products: merge_same_key"]).repairs
    assert run_killed(stocked, point, "undo", str(done.run_id)) == -signal.SIGKILL
    repair_tables(stocked, [])
    assert hashes(stocked) == before
