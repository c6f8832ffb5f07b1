"""Merging typed rows: exactly once by key, with history, whatever the order of arrivals."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.settings import EngineSettings
from foresell.contracts.tables import TABLES
from foresell.store.delta import DeltaFolder
from foresell.store.engine import read_files
from foresell.store.items import item_number
from foresell.store.merge import Kind, Merge, Merged, Stamp, TypedRows
from foresell.store.started_engines import started_engine

START = datetime(2024, 1, 1, tzinfo=UTC)


class Scratch:
    """A folder of tables, and runs merged into it one after another."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.tables = DeltaFolder(root)
        self.num_runs = 0

    def merge(
        self, name: str, rows: Sequence[dict[str, Any]], kind: Kind = "rows", *, is_held: bool = False
    ) -> Merged:
        self.num_runs += 1
        return self.merge_run(name, rows, self.num_runs, kind, is_held=is_held)

    def merge_run(
        self,
        name: str,
        rows: Sequence[dict[str, Any]],
        run: int,
        kind: Kind = "rows",
        *,
        is_held: bool = False,
    ) -> Merged:
        stamp = Stamp(f"run-{run}", "test", START + timedelta(days=run))
        with started_engine(EngineSettings(), Path("no-spilling")) as connection:
            register(connection, name, rows)
            typed = TypedRows(TABLES[name], "typed", "chosen", kind, is_held=is_held)
            merge = Merge(connection, self.tables, stamp)
            merge.scan([typed])
            return merge.merge(0)

    def rows(self, name: str, where: str = "true") -> list[dict[str, Any]]:
        select = read_files(TABLES[name].columns, self.tables.files(name))
        with started_engine(EngineSettings(), Path("no-spilling")) as connection:
            return connection.sql(f"SELECT * FROM ({select}) WHERE {where}").to_arrow_table().to_pylist()

    def believed(self, name: str) -> list[dict[str, Any]]:
        return self.rows(name, "superseded_at IS NULL")


def register(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Typed rows as a relation: missing columns null, numbered from 1, all good."""
    table = TABLES[name]
    columns = [c for c in table.columns if c.name not in LINEAGE_NAMES and c.name != "valid_to"]
    frame = pl.DataFrame({c.name: [row.get(c.name) for row in rows] for c in columns}, strict=False)
    connection.register("given", frame)
    selected = ", ".join(f'CAST("{c.name}" AS {c.sql_type}) AS "{c.name}"' for c in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE typed AS SELECT {selected}, row_number() OVER () AS _row_number, "
        "NULL::VARCHAR AS _error_code FROM given"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen_rows (n BIGINT)")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW chosen AS "
        "SELECT * FROM typed WHERE _row_number IN (SELECT n FROM chosen_rows)"
    )


LINEAGE_NAMES = {"source", "ingest_run_id", "recorded_at", "superseded_at"}


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "tables")


def line(key: str, amount: float) -> dict[str, Any]:
    return {"order_line_id": key, "order_id": "o", "product_id": "p", "quantity": 1.0, "line_amount": amount}


def test_a_repeated_row_is_a_duplicate_and_stored_once(scratch: Scratch) -> None:
    first = scratch.merge("order_lines", [line("a", 1), line("b", 2), line("a", 1)])
    again = scratch.merge("order_lines", [line("b", 2)])
    assert (first.num_accepted, first.num_duplicate) == (2, 1)
    assert (again.num_accepted, again.num_duplicate) == (0, 1)
    assert len(scratch.rows("order_lines")) == 2


def test_a_corrected_row_supersedes_the_old_one_and_keeps_it(scratch: Scratch) -> None:
    scratch.merge("order_lines", [line("a", 1), line("b", 2)])
    merged = scratch.merge("order_lines", [line("a", 5), line("c", 3)])
    assert (merged.num_accepted, merged.num_updated) == (1, 1)
    assert {row["order_line_id"]: float(row["line_amount"]) for row in scratch.believed("order_lines")} == {
        "a": 5,
        "b": 2,
        "c": 3,
    }
    [old] = scratch.rows("order_lines", "superseded_at IS NOT NULL")
    assert (old["ingest_run_id"], float(old["line_amount"])) == ("run-1", 1)
    assert old["superseded_at"] == START + timedelta(days=2)


KEYS = st.lists(st.text("019azé~", min_size=1, max_size=12), min_size=1, max_size=12)


@settings(deadline=None, max_examples=20)
@given(before=KEYS, after=KEYS)
def test_few_rows_find_the_same_keys_by_their_ranges(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str]
) -> None:
    counted = []
    for is_held in (False, True):
        scratch = Scratch(tmp_path_factory.mktemp("ranges") / "tables")
        scratch.merge("order_lines", [line(key, 1) for key in before])
        counted.append(scratch.merge("order_lines", [line(key, 2) for key in after], is_held=is_held))
    assert counted[0] == counted[1]


def test_a_few_rows_read_only_the_files_whose_keys_may_be_theirs(scratch: Scratch) -> None:
    scratch.merge("order_lines", [line(f"{key}", 1) for key in range(1000, 3000)])
    [far] = scratch.tables.files("order_lines")
    scratch.merge("order_lines", [line(f"{key}", 1) for key in (8999, 9000, 30000)])
    # What is damaged cannot be read: the keys of the file, but not what it says of them.
    with Path(far).open("r+b") as file:
        file.seek(4)
        file.write(b"\xff" * 500)
    changed = [line("9000", 2), line("30000", 2), line("30001", 2)]
    merged = scratch.merge("order_lines", changed, is_held=True)
    assert (merged.num_accepted, merged.num_updated) == (1, 2)
    with pytest.raises(duckdb.Error):
        scratch.merge("order_lines", changed)


def test_of_conflicting_rows_in_one_file_the_last_is_used(scratch: Scratch) -> None:
    merged = scratch.merge("order_lines", [line("a", 1), line("a", 2), line("a", 1), line("a", 2)])
    assert (merged.num_accepted, merged.num_duplicate, merged.num_conflicting) == (1, 1, 2)
    [row] = scratch.believed("order_lines")
    assert float(row["line_amount"]) == 2


def test_a_run_applied_again_writes_nothing_and_counts_the_same(scratch: Scratch) -> None:
    scratch.merge("order_lines", [line("a", 1), line("b", 2)])
    rows = [line("a", 9), line("b", 2), line("c", 3), line("c", 4)]
    once = scratch.merge_run("order_lines", rows, 7)
    before = scratch.rows("order_lines")
    assert scratch.merge_run("order_lines", rows, 7) == once
    assert len(scratch.rows("order_lines")) == len(before)


def test_a_stub_never_overwrites_a_richer_row(scratch: Scratch) -> None:
    scratch.merge("customers", [{"customer_id": "1", "city": "Paris"}])
    scratch.merge("customers", [{"customer_id": "1"}, {"customer_id": "2"}, {"customer_id": "2"}], "stub")
    assert {row["customer_id"]: row["city"] for row in scratch.believed("customers")} == {
        "1": "Paris",
        "2": None,
    }


def test_the_first_row_of_a_key_speaks_for_it(scratch: Scratch) -> None:
    rows = [{"location_id": "1", "name": "a"}, {"location_id": "1", "name": "b"}]
    scratch.merge("locations", rows, "first_per_key")
    assert [row["name"] for row in scratch.believed("locations")] == ["a"]


def product(price: float, valid_from: datetime | None = None) -> dict[str, Any]:
    return {"product_id": "p", "price": price, "valid_from": valid_from}


def history(scratch: Scratch) -> list[tuple[float, datetime | None, datetime | None]]:
    rows = scratch.believed("products")
    ordered = sorted(rows, key=lambda row: row["valid_from"] or datetime.min.replace(tzinfo=UTC))
    return [(float(row["price"]), row["valid_from"], row["valid_to"]) for row in ordered]


def test_a_changed_product_ends_its_old_version(scratch: Scratch) -> None:
    scratch.merge("products", [product(1)])
    merged = scratch.merge("products", [product(2)])
    changed_at = START + timedelta(days=2)
    assert merged.num_updated == 1
    assert history(scratch) == [(1, None, changed_at), (2, changed_at, None)]
    assert len(scratch.rows("products")) == 3  # the open-ended first belief is kept as superseded


def test_a_late_version_falls_into_its_place(scratch: Scratch) -> None:
    days = [START + timedelta(days=100 * i) for i in range(3)]
    scratch.merge("products", [product(1, days[0]), product(3, days[2])])
    scratch.merge("products", [product(2, days[1])])
    assert history(scratch) == [(1, days[0], days[1]), (2, days[1], days[2]), (3, days[2], None)]


def test_a_correction_of_a_past_version_keeps_its_place(scratch: Scratch) -> None:
    days = [START + timedelta(days=100 * i) for i in range(2)]
    scratch.merge("products", [product(1, days[0]), product(3, days[1])])
    merged = scratch.merge("products", [product(2, days[0])])
    assert merged.num_updated == 1
    assert history(scratch) == [(2, days[0], days[1]), (3, days[1], None)]


def test_a_daily_snapshot_that_changes_nothing_is_a_duplicate(scratch: Scratch) -> None:
    days = [START + timedelta(days=i) for i in range(4)]
    merged = scratch.merge("products", [product(p, d) for p, d in zip([1, 1, 2, 2], days, strict=True)])
    assert (merged.num_accepted, merged.num_updated, merged.num_duplicate) == (1, 1, 2)
    assert history(scratch) == [(1, days[0], days[2]), (2, days[2], None)]


def retire(scratch: Scratch, name: str, *keys: str, at: datetime | None = None) -> Merged:
    [column] = TABLES[name].key
    return scratch.merge(name, [{column: key, "valid_from": at} for key in keys], "retired")


def test_a_retired_fact_is_believed_no_more_until_it_is_told_again(scratch: Scratch) -> None:
    scratch.merge("order_lines", [line("a", 1), line("b", 2)])
    merged = retire(scratch, "order_lines", "a", "a", "unknown")
    assert (merged.num_accepted, merged.num_updated, merged.num_duplicate) == (0, 1, 2)
    assert retire(scratch, "order_lines", "a").num_duplicate == 1
    assert [row["order_line_id"] for row in scratch.believed("order_lines")] == ["b"]
    [old] = scratch.rows("order_lines", "superseded_at IS NOT NULL")
    assert (old["order_line_id"], old["superseded_at"]) == ("a", START + timedelta(days=2))
    assert scratch.merge("order_lines", [line("a", 1)]).num_accepted == 1
    assert len(scratch.believed("order_lines")) == 2


def test_a_retired_product_keeps_its_history_and_its_end(scratch: Scratch) -> None:
    days = [START + timedelta(days=100 * i) for i in range(4)]
    scratch.merge("products", [product(1, days[0])])
    assert retire(scratch, "products", "p", at=days[1]).num_updated == 1
    assert retire(scratch, "products", "p", at=days[2]).num_duplicate == 1
    assert history(scratch) == [(1, days[0], days[1])]
    scratch.merge("products", [{"product_id": "p"}], "stub")
    assert history(scratch) == [(1, days[0], days[1])]
    assert scratch.merge("products", [product(1, days[3])]).num_updated == 1
    assert history(scratch) == [(1, days[0], days[1]), (1, days[3], None)]


def test_a_product_retired_without_a_date_ends_when_that_is_recorded(scratch: Scratch) -> None:
    scratch.merge("products", [product(1)])
    retire(scratch, "products", "p")
    assert history(scratch) == [(1, None, START + timedelta(days=2))]


def test_a_retirement_applied_again_writes_nothing_and_counts_the_same(scratch: Scratch) -> None:
    for name, row in (("products", product(1)), ("order_lines", line("p", 1))):
        scratch.merge_run(name, [row], 1)
        keys = [{TABLES[name].key[0]: "p"}]
        once = scratch.merge_run(name, keys, 2, "retired")
        before = scratch.rows(name)
        assert scratch.merge_run(name, keys, 2, "retired") == once
        assert sorted(map(str, scratch.rows(name))) == sorted(map(str, before))


facts = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), max_size=8)
retired_facts = st.lists(st.tuples(st.sampled_from("abcd"), st.none()), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(files=st.lists(facts | retired_facts, min_size=1, max_size=5))
def test_facts_agree_with_a_dictionary(tmp_path_factory: pytest.TempPathFactory, files: list[Any]) -> None:
    scratch = Scratch(tmp_path_factory.mktemp("tables"))
    expected: dict[str, int] = {}
    for file in files:
        stated = dict(file)
        if None in stated.values():
            gone = [key for key in stated if expected.pop(key, None) is not None]
            merged = retire(scratch, "order_lines", *(key for key, _ in file))
            assert (merged.num_updated, merged.num_duplicate) == (len(gone), len(file) - len(gone))
            continue
        new = [key for key in stated if key not in expected]
        changed = [key for key in stated if key in expected and expected[key] != stated[key]]
        merged = scratch.merge("order_lines", [line(key, amount) for key, amount in file])
        assert (merged.num_accepted, merged.num_updated) == (len(new), len(changed))
        counted = merged.num_accepted + merged.num_updated + merged.num_duplicate + merged.num_conflicting
        assert counted == len(file)
        expected.update(stated)
    believed = {row["order_line_id"]: float(row["line_amount"]) for row in scratch.believed("order_lines")}
    assert believed == expected


versions_of_a_file = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=5)
ends_of_a_file = st.lists(st.tuples(st.integers(0, 4), st.none()), min_size=1, max_size=2)


@settings(max_examples=30, deadline=None)
@given(files=st.lists(versions_of_a_file | ends_of_a_file, max_size=5))
def test_a_timeline_answers_as_the_statements_did(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[int, int | None]]]
) -> None:
    """At any time, the version in effect says what was stated; a restatement that changes nothing is none."""
    scratch = Scratch(tmp_path_factory.mktemp("tables"))
    versions: dict[int, int | None] = {}
    for file in files:
        kind: Kind = "retired" if any(price is None for _, price in file) else "rows"
        rows = [product(price or 0, START + timedelta(days=day)) for day, price in file]
        scratch.merge("products", rows, kind)
        versions = with_statements(versions, dict(file))
    timeline = history(scratch)
    for day in range(5):
        moment = START + timedelta(days=day)
        known = [price for start, price in sorted(versions.items()) if start <= day]
        valid = [
            price for price, begins, ends in timeline if begins <= moment and (ends is None or moment < ends)
        ]
        assert valid == [price for price in known[-1:] if price is not None]


def with_statements(versions: dict[int, int | None], stated: dict[int, int | None]) -> dict[int, int | None]:
    """Prices by day, None where the product ended; an end of what is not there is none."""
    merged, kept, previous = {**versions, **stated}, {}, None
    for day in sorted(merged):
        is_end_of_nothing = merged[day] is None and previous is None
        if merged[day] != previous or (day in versions and not is_end_of_nothing):
            kept[day] = merged[day]
        previous = merged[day]
    return kept


LINES = (
    "SELECT * FROM (VALUES {rows}) t(order_line_id, order_id, product_id, quantity, line_amount, _row_number)"
)


def merge_order(scratch: Scratch, orders: str, lines: str, run: int) -> list[Merged]:
    """Orders (id, status, row number, error) and their lines as items of the same source rows."""
    with started_engine(EngineSettings(), Path("no-spilling")) as connection:
        for name, rows in (("orders", orders), ("order_lines", lines)):
            register(connection, name, [])
            connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM typed WHERE false")
            connection.execute(f"INSERT INTO {name} BY NAME {rows}")
            chosen = f"SELECT * FROM {name} WHERE _row_number IN (SELECT n FROM chosen_rows)"
            connection.execute(f"CREATE TEMP VIEW chosen_{name} AS {chosen}")
        typed = [
            TypedRows(TABLES["orders"], "orders", "chosen_orders"),
            TypedRows(
                TABLES["order_lines"], "order_lines", "chosen_order_lines", is_primary=False, has_items=True
            ),
        ]
        merge = Merge(connection, scratch.tables, Stamp(f"run-{run}", "test", START + timedelta(days=run)))
        merge.scan(typed)
        return [merge.merge(0), merge.merge(1)]


def line_rows(*rows: tuple[str, str, int, int, float]) -> str:
    """(line, order, source row, place, amount) → a SELECT of items."""
    values = ", ".join(
        f"('{line}', '{order}', 'p', 1, {amount}, {item_number(str(row), str(place))})"
        for line, order, row, place, amount in rows
    )
    return LINES.format(rows=values)


def order_rows(*rows: tuple[str, str, int]) -> str:
    values = ", ".join(f"('{order}', '{status}', {row})" for order, status, row in rows)
    rows = f"SELECT * FROM (VALUES {values}) t(order_id, status, _row_number)"
    return f"SELECT *, TIMESTAMPTZ '2024-01-01' AS created_at FROM ({rows})"


def test_several_rows_of_one_source_row_are_merged_one_by_one(scratch: Scratch) -> None:
    lines = line_rows(("a-1", "a", 1, 1, 5), ("a-2", "a", 1, 2, 6), ("b-1", "b", 2, 1, 7))
    orders = order_rows(("a", "paid", 1), ("b", "paid", 2))
    assert merge_order(scratch, orders, lines, 1) == [Merged(num_accepted=2), Merged(num_accepted=3)]
    assert merge_order(scratch, orders, lines, 1) == [Merged(num_accepted=2), Merged(num_accepted=3)]
    changed = line_rows(("a-1", "a", 1, 1, 5), ("a-2", "a", 1, 2, 8), ("b-1", "b", 2, 1, 7))
    found = merge_order(scratch, orders, changed, 2)
    assert found == [Merged(num_duplicate=2), Merged(num_updated=1, num_duplicate=2)]
    amounts = {row["order_line_id"]: row["line_amount"] for row in scratch.believed("order_lines")}
    assert amounts == {"a-1": 5, "a-2": 8, "b-1": 7}


def test_items_are_left_out_with_their_source_row(scratch: Scratch) -> None:
    """A bad item makes its row and the row's other items bad; the items of a row that was corrected further
    down in the file are not used either."""
    lines = line_rows(
        ("a-1", "a", 1, 1, 5), ("a-2", "a", 1, 2, 6), ("a-1", "a", 2, 1, 5), ("c-1", "c", 3, 1, 7)
    )
    bad = line_rows(("c-2", "c", 3, 2, 9)).replace("SELECT *", "SELECT *, 'missing' AS _error_code")
    orders = order_rows(("a", "paid", 1), ("a", "cancelled", 2), ("c", "paid", 3))
    heads, _ = merge_order(scratch, orders, f"{lines} UNION ALL BY NAME {bad}", 1)
    assert (heads.num_accepted, heads.num_conflicting) == (1, 1)
    assert [row["order_line_id"] for row in scratch.believed("order_lines")] == ["a-1"]
    assert [row["status"] for row in scratch.believed("orders")] == ["cancelled"]
