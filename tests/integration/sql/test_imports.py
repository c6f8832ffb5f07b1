"""Tables of real databases: whole, then what is new, whatever was late, dropped, taken back or renamed."""

from typing import Any

import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.rebuild import rebuild_tables, table_hash
from foresell.services.upkeep import take_back
from foresell.services.writing import writing


def test_the_second_import_reads_only_what_is_new(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 201))
    assert world.import_orders(overlap="0 seconds").outcomes == (200, 0, 0, 0)
    world.insert_orders(range(201, 204), hour=10)
    world.execute(
        "UPDATE orders SET status = 'shipped', updated_at = '2024-03-02 14:00:00' WHERE order_id < 5"
    )
    # The last row of before has the watermark that the new pass begins with.
    assert world.import_orders(overlap="0 seconds").outcomes == (3, 4, 1, 0)
    assert [row[1] for row in world.believed()].count("shipped") == 4
    assert world.import_orders(overlap="0 seconds").outcomes == (0, 0, 4, 0)


def test_money_and_moments_arrive_exactly(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(61, 62))
    world.import_orders()
    [(order, amount, created)] = world.believed("order_id, total_amount, created_at")
    assert (order, str(amount)) == ("61", "61.0500")
    assert created.isoformat() == "2024-03-01T01:01:00+00:00"


def test_a_row_that_is_committed_late_is_found_by_the_overlap(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 100))
    world.import_orders()
    world.insert_orders(range(1055, 1056))
    world.execute("UPDATE orders SET updated_at = '2024-03-02 00:50:00' WHERE order_id = 1055")
    again = world.import_orders(overlap="1 hour")
    assert again.total("accepted") == 1
    assert again.total("duplicate") == 61
    assert "1055" in [row[0] for row in world.believed()]


def test_batches_are_runs_and_what_is_taken_back_is_read_again(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 251))
    first = world.import_orders(batch_rows=100)
    # A file that a reader keeps from being written is read anew for each batch, from the last row on.
    num_twice = 2 if world.database.scheme == "sqlite" else 0
    assert first.outcomes == (250, 0, num_twice, 0)
    before = world.believed()
    take_back(world.shop, [first.runs[1].run_id])
    assert len(world.believed()) < 250
    again = world.import_orders(batch_rows=100)
    assert world.believed() == before
    # From the end of the first batch, which counts still.
    assert again.total("accepted") + again.total("duplicate") in (150, 151, 152, 153)


def test_rows_without_a_watermark_are_read_each_time(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 31))
    world.execute("UPDATE orders SET updated_at = NULL WHERE order_id < 4")
    assert (
        world.import_orders(batch_rows=2, preset="orders", table="orders", watermark="updated_at").total(
            "accepted"
        )
        == 30
    )
    world.execute("UPDATE orders SET status = 'shipped' WHERE order_id = 2")
    again = world.import_orders(preset="orders", table="orders", watermark="updated_at", overlap="0 seconds")
    assert again.total("updated") == 1
    assert again.total("read") == 4


def test_a_watermark_in_the_future_hides_nothing(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 31))
    world.execute("UPDATE orders SET updated_at = '2091-01-01 00:00:00' WHERE order_id = 7")
    world.import_orders()
    world.insert_orders(range(31, 32))
    assert world.import_orders().total("accepted") == 1
    assert len(world.believed()) == 31


def test_many_rows_of_one_watermark_and_no_key(world: Any) -> None:
    world.make_orders(unique=False)
    world.insert_orders(range(1, 101))
    world.execute("UPDATE orders SET updated_at = '2024-03-02 05:00:00'")
    world.import_orders(batch_rows=30)
    assert len(world.believed()) == 100


def test_without_a_watermark_everything_is_read_and_is_duplicate(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 101))
    given = {"preset": "orders", "table": "orders"}
    assert world.import_orders(**given).outcomes == (100, 0, 0, 0)
    assert world.import_orders(**given).outcomes == (0, 0, 100, 0)
    world.execute("UPDATE orders SET status = 'shipped' WHERE order_id = 2")
    assert world.import_orders(**given).outcomes == (0, 1, 99, 0)


def test_a_query_is_read_as_a_table_is(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 101))
    query = world.folder / "orders.sql"
    query.write_text("SELECT * FROM orders WHERE status LIKE 'pai%' AND order_id <= 60 -- some;\n;")
    assert world.import_orders(query=f"@{query}", key=("order_id",), batch_rows=25).total("accepted") == 60
    again = world.import_orders(query=f"@{query}", key=("order_id",), overlap="0 seconds")
    assert again.outcomes == (0, 0, 1, 0)


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM orders",
        "SELECT 1 AS a; DROP TABLE orders",
        "SELECT * FROM orders) AS x; DELETE FROM orders; SELECT * FROM (SELECT 1 AS a",
        "SELECT nothing FROM orders",
    ],
)
def test_a_query_changes_nothing(world: Any, query: str) -> None:
    world.make_orders()
    world.insert_orders(range(1, 11))
    with pytest.raises(InputError):
        world.import_orders(query=query)
    assert world.execute("SELECT count(*) FROM orders")[0][0] == 10


def test_an_empty_table_is_said_to_be_empty(world: Any) -> None:
    world.make_orders()
    first = world.import_orders()
    assert first.outcomes == (0, 0, 0, 0)
    assert any("no rows" in note for note in first.notes)
    world.insert_orders(range(1, 11))
    assert world.import_orders().total("accepted") == 10


def test_a_renamed_column_is_not_taken_for_an_empty_one(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 11))
    given = {"preset": "orders", "table": "orders", "watermark": "updated_at"}
    world.import_orders(**given)
    world.execute("ALTER TABLE orders RENAME COLUMN total_amount TO gross_total")
    with pytest.raises(InputError, match="total_amount") as raised:
        world.import_orders(**given)
    assert "gross_total" in raised.value.message
    assert world.import_orders(**given, may_lack_columns=True).total("read") > 0


def test_a_changed_mapping_reads_everything_again(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 31))
    world.import_orders()
    mapping = world.mapping
    mapping.write_text(mapping.read_text().replace('status = "status"', 'channel = "status"'))
    again = world.import_orders(overlap="0 seconds")
    assert again.total("read") == 30
    assert any("mapping" in note for note in again.notes)


def test_a_rebuild_gives_the_same_rows(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 121))
    world.import_orders(batch_rows=50)
    world.execute(
        "UPDATE orders SET status = 'shipped', updated_at = '2024-03-02 14:00:00' WHERE order_id < 9"
    )
    world.import_orders(batch_rows=50)
    before = table_hash(world.shop, "orders")
    with writing(world.shop, "rebuild"):
        rebuild_tables(world.shop)
    assert table_hash(world.shop, "orders") == before


def test_names_that_are_not_there_name_the_closest(world: Any) -> None:
    world.make_orders()
    with pytest.raises(NotFoundError, match=r"Did you mean '[a-z.]*orders'"):
        world.import_orders(table="order")
    with pytest.raises(InputError, match="Did you mean 'updated_at'"):
        world.import_orders(watermark="update_at")
    with pytest.raises(InputError, match="Did you mean 'order_id'"):
        world.import_orders(key=("orderid",))


def test_text_that_is_no_time_is_no_watermark(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 11))
    with pytest.raises(InputError, match="'status' cannot be a watermark"):
        world.import_orders(watermark="status")


def test_a_number_can_be_a_watermark(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 2001))
    world.import_orders(watermark="order_id")
    world.insert_orders(range(2001, 2011))
    assert world.import_orders(watermark="order_id", overlap="5").outcomes == (10, 0, 6, 0)
    with pytest.raises(InputError, match="number"):
        world.import_orders(watermark="order_id", overlap="1 hour")


def test_several_tables_by_a_folder_of_mappings(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 31))
    folder = world.folder / "mappings"
    folder.mkdir()
    (folder / "2-orders.toml").write_text(world.mapping.read_text())
    (folder / "1-customers.toml").write_text(
        'name = "people"\n[source]\nquery = "SELECT DISTINCT customer_id, email FROM orders"\n'
        'key = "customer_id"\n[identifiers]\nemail = "email"\n'
        '[tables.customers.columns]\ncustomer_id = "customer_id"\n'
    )
    imported = world.import_orders(mapping=folder)
    assert [run.source for run in imported.runs] == ["people", "shop_orders"]
    assert imported.total("accepted") == 37
