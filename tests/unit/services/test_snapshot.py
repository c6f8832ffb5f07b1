"""Full dumps as history: unchanged, changed, gone and late, whatever the order of their arrival."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import ConflictError, ForesellError, InputError
from foresell.contracts.records import IngestRun
from foresell.services.dump_dates import date_in_name
from foresell.services.erase import erase
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine
from foresell.services.rebuild import table_hash
from foresell.services.repair import repair_tables
from foresell.services.shop import Shop, create_shop
from foresell.services.upkeep import rebuild, take_back
from foresell.sources.readers import ReadOptions

Prices = Mapping[str, int]
ImportDump = Callable[..., IngestRun]


def write_dump(folder: Path, day: int, prices: Prices) -> Path:
    path = folder / f"products_2024-01-{day:02}.csv"
    rows = [f"{product},{price}" for product, price in prices.items()]
    path.write_text("\n".join(["product_id,price", *rows]) + "\n")
    return path


def import_dump(shop: Shop, path: Path, preset: str = "products", **options: Any) -> IngestRun:
    request = ImportRequest(
        path, preset, options=ReadOptions(delimiter=","), is_snapshot=True, **{"may_shrink": True, **options}
    )
    [run] = import_files(shop, request)
    return run


@pytest.fixture
def dump(shop: Shop, tmp_path: Path) -> ImportDump:
    """Imports the products of one day in January 2024: `dump(2, {"p1": 5})` → the run."""
    return lambda day, prices, **options: import_dump(shop, write_dump(tmp_path, day, prices), **options)


def timeline(shop: Shop) -> list[tuple[str, float, int | None, int | None]]:
    """The believed versions: product, price, the days in January 2024 on which it begins and ends."""
    with shop.reading() as tables:
        rows = tables.history("products")
        found = rows.filter(rows.superseded_at.isnull()).to_pyarrow().to_pylist()
    ordered = sorted(found, key=lambda row: (row["product_id"], row["valid_from"]))
    return [
        (row["product_id"], float(row["price"]), _day(row["valid_from"]), _day(row["valid_to"]))
        for row in ordered
    ]


def _day(moment: datetime | None) -> int | None:
    return None if moment is None else moment.astimezone(UTC).day


def test_dumps_become_history(shop: Shop, dump: ImportDump) -> None:
    first = dump(1, {"same": 1, "dearer": 1, "gone": 1})
    second = dump(2, {"same": 1, "dearer": 2, "new": 1})
    assert first.keys_retired == 0
    assert second.keys_retired == second.as_record()["keys_retired"] == 1
    assert (second.counts.rows_read, second.counts.rows_duplicate) == (3, 1)
    assert (second.counts.rows_updated, second.counts.rows_accepted) == (1, 1)
    dump(4, {"same": 1, "dearer": 2, "gone": 1})
    assert timeline(shop) == [
        ("dearer", 1, 1, 2),
        ("dearer", 2, 2, None),
        ("gone", 1, 1, 2),
        ("gone", 1, 4, None),
        ("new", 1, 2, 4),
        ("same", 1, 1, None),
    ]


def test_a_late_dump_changes_nothing_that_newer_ones_have_shown(shop: Shop, dump: ImportDump) -> None:
    dump(1, {"a": 1, "b": 1})
    dump(5, {"a": 1, "c": 1})
    late = dump(3, {"a": 9, "b": 1, "d": 1})
    assert (late.keys_retired, late.counts.rows_read) == (0, 3)
    assert timeline(shop) == [
        ("a", 1, 1, 3),
        ("a", 9, 3, 5),
        ("a", 1, 5, None),
        ("b", 1, 1, 5),
        ("c", 1, 5, None),
        ("d", 1, 3, 5),
    ]


@contextmanager
def scratch_shop(factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Path]]:
    folder = factory.mktemp("dumps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        yield create_shop(folder / "store"), folder


dumps_of_days = st.dictionaries(
    st.integers(1, 6),
    st.dictionaries(st.sampled_from("ab"), st.integers(1, 2), max_size=2),
    min_size=2,
    max_size=5,
)


@settings(max_examples=10, deadline=None)
@given(dumps=dumps_of_days, data=st.data())
def test_dumps_in_any_order_give_the_history_of_their_dates(
    tmp_path_factory: pytest.TempPathFactory, dumps: dict[int, dict[str, int]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(sorted(dumps)))
    with scratch_shop(tmp_path_factory) as (shop, folder):
        for day in order:
            run = import_dump(shop, write_dump(folder, day, dumps[day]))
            assert run.counts.is_complete()
        assert timeline(shop) == expected_timeline(dumps)


def expected_timeline(dumps: Mapping[int, Prices]) -> list[tuple[str, float, int, int | None]]:
    """What the dumps say of each product, day after day: the model, independent of the code."""
    found: list[tuple[str, float, int, int | None]] = []
    for product in sorted({product for prices in dumps.values() for product in prices}):
        said = [(day, dumps[day].get(product)) for day in sorted(dumps)]
        changes = [said[0], *(later for earlier, later in pairwise(said) if earlier[1] != later[1])]
        ends = [day for day, _ in changes[1:]]
        for (day, price), end in zip(changes, [*ends, None], strict=True):
            if price is not None:
                found.append((product, price, day, end))
    return found


def test_a_rebuild_gives_the_same_rows_after_late_dumps(shop: Shop, dump: ImportDump) -> None:
    for day, prices in ((1, {"a": 1, "b": 1}), (5, {"a": 2}), (3, {"b": 3}), (4, {"a": 2, "c": 1})):
        dump(day, prices)
    before = table_hash(shop, "products")
    assert rebuild(shop).changed == ()
    assert table_hash(shop, "products") == before


def test_a_dump_taken_back_retires_nothing(shop: Shop, dump: ImportDump) -> None:
    dump(1, {"a": 1, "b": 1})
    bad = dump(2, {"a": 1})
    dump(3, {"a": 2, "b": 1})
    take_back(shop, [bad.run_id])
    assert timeline(shop) == [("a", 1, 1, 3), ("a", 2, 3, None), ("b", 1, 1, None)]


def test_a_truncated_dump_is_refused_and_leaves_no_trace(shop: Shop, dump: ImportDump) -> None:
    dump(1, {f"p{n}": 1 for n in range(10)})
    before = timeline(shop)
    with pytest.raises(InputError, match="lacks 3 of the 10 keys of products"):
        dump(2, {f"p{n}": 1 for n in range(7)}, may_shrink=False)
    assert timeline(shop) == before
    assert len(shop.folder.raw.runs()) == 1
    assert dump(2, {f"p{n}": 1 for n in range(8)}, may_shrink=False).keys_retired == 2


def test_other_sources_are_not_retired(shop: Shop, dump: ImportDump, import_rows: Any) -> None:
    import_rows("a,1", header="product_id,price", preset="products")
    with shop.reading() as tables:
        [row] = tables.current("products").to_pyarrow().to_pylist()
    assert row["source"] == "products"
    import_rows("l1,o1,z,1,5")
    assert dump(2, {"b": 1}).keys_retired == 1
    with shop.reading() as tables:
        assert tables.current("order_lines").to_pyarrow().num_rows == 1


def test_a_row_in_quarantine_keeps_its_key_and_its_replay_its_date(
    shop: Shop, dump: ImportDump, tmp_path: Path
) -> None:
    dump(1, {"a": 1, "b": 1})
    path = tmp_path / "products_2024-01-03.csv"
    path.write_text("product_id,price\na,1\nb,oops\n")
    assert import_dump(shop, path).keys_retired == 0
    dump(5, {"a": 1, "b": 1})
    [bad] = list_quarantine(shop)
    fix_quarantine(shop, bad.quarantine_id, {"price": "7"})
    [replayed] = replay_quarantine(shop)
    assert (replayed.counts.rows_updated, replayed.keys_retired) == (1, 0)
    assert timeline(shop) == [("a", 1, 1, None), ("b", 1, 1, 3), ("b", 7, 3, 5), ("b", 1, 5, None)]
    assert rebuild(shop).changed == ()


def test_a_line_that_nobody_can_read_retires_nothing(shop: Shop, dump: ImportDump, tmp_path: Path) -> None:
    dump(1, {"a": 1, "b": 1, "c": 1})
    path = tmp_path / "products_2024-01-03.csv"
    path.write_text("product_id,price\na,2\nb,1,too,many\n")
    notes: list[str] = []
    options = ReadOptions(delimiter=",")
    request = ImportRequest(path, "products", options=options, is_snapshot=True, may_shrink=True)
    [run] = import_files(shop, request, note=notes.append)
    assert (run.counts.rows_quarantined, run.keys_retired) == (1, 0)
    assert timeline(shop) == [("a", 1, 1, 3), ("a", 2, 3, None), ("b", 1, 1, None), ("c", 1, 1, None)]
    assert "nothing was retired" in notes[-1]
    path.write_text("product_id,price\na,2\nb,1\n")
    assert import_dump(shop, path).keys_retired == 1
    assert timeline(shop)[-1] == ("c", 1, 1, 3)
    assert rebuild(shop).changed == ()


def test_a_dump_of_the_same_day_corrects_the_first(shop: Shop, dump: ImportDump) -> None:
    dump(1, {"a": 1, "b": 1})
    dump(3, {"a": 1, "b": 2, "c": 1})
    dump(3, {"a": 1, "b": 3})
    dump(1, {"b": 1})
    assert timeline(shop) == [("a", 1, 3, None), ("b", 1, 1, 3), ("b", 3, 3, None)]


def test_an_address_stays_true_although_a_dump_lacks_it(shop: Shop, tmp_path: Path) -> None:
    for day, rows in ((1, "c1,a@x.org\n"), (4, "c2,a@x.org\n"), (2, "c3,a@x.org\nc1,b@x.org\n")):
        path = tmp_path / f"customers_2024-01-0{day}.csv"
        path.write_text(f"customer_id,email\n{rows}")
        import_dump(shop, path, "customers")
    with shop.reading() as tables:
        owners = [row["customer_id"] for row in tables.current("identities").to_pyarrow().to_pylist()]
        customers = [row["customer_id"] for row in tables.current("customers").to_pyarrow().to_pylist()]
    assert sorted(owners) == ["c1", "c1", "c2", "c3"]
    assert customers == ["c2"]


WITH_ORDERS = """
snapshot = true
[tables.order_lines.columns]
order_line_id = "line"
order_id = "order"
product_id = "sku"
quantity = { value = "1" }
line_amount = "paid"
[tables.orders.columns]
order_id = "order"
created_at = "date"
status = "state"
[tables.products.columns]
product_id = "sku"
"""


def test_a_dump_of_lines_ends_the_orders_that_it_lacks_and_no_product(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(WITH_ORDERS)
    for day, orders in ((1, "abcdefgh"), (2, "bcdefgh")):
        path = tmp_path / f"sales_2024-01-0{day}.csv"
        rows = [f"{order}1,{order},p{order},5,2023-12-01,paid" for order in orders]
        path.write_text("\n".join(["line,order,sku,paid,date,state", *rows]) + "\n")
        [run] = import_files(shop, ImportRequest(path, mapping=tmp_path / "mine.toml"))
    assert run.keys_retired == 2
    assert run.counts.rows_duplicate == 7
    with shop.reading() as tables:
        counts = [tables.current(name).count().execute() for name in ("orders", "order_lines", "products")]
    assert counts == [7, 7, 8]
    assert rebuild(shop).changed == ()


def test_a_repaired_row_is_retired_with_its_source(shop: Shop, dump: ImportDump, tmp_path: Path) -> None:
    path = tmp_path / "products_2024-01-01.csv"
    path.write_text("product_id,price\na,\nb,2\n")
    import_dump(shop, path)
    repair_tables(shop, ["products.price: constant 9"])
    assert timeline(shop) == [("a", 9, 1, None), ("b", 2, 1, None)]
    assert dump(3, {"b": 2}).keys_retired == 1
    assert timeline(shop) == [("a", 9, 1, 3), ("b", 2, 1, None)]
    assert rebuild(shop).changed == ()


def test_an_erased_customer_stays_gone_from_dumps(shop: Shop, tmp_path: Path) -> None:
    for day, rows in ((1, "c1,DE\nc2,DE\n"), (4, "c2,FR\n"), (2, "c1,FR\nc2,DE\n")):
        path = tmp_path / f"customers_2024-01-0{day}.csv"
        path.write_text(f"customer_id,country\n{rows}")
        import_dump(shop, path, "customers")
    erase(shop, ["c1"])
    path = tmp_path / "customers_2024-01-05.csv"
    path.write_text("customer_id,country\nc1,IT\nc2,FR\n")
    assert import_dump(shop, path, "customers").counts.rows_quarantined == 1
    with shop.reading() as tables:
        rows = tables.history("customers").to_pyarrow().to_pylist()
    assert {row["customer_id"] for row in rows} == {"c2"}
    assert rebuild(shop).changed == ()


LINES = "order_line_id,order_id,product_id,quantity,line_amount"


def write_lines(folder: Path, day: int, rows: Sequence[str]) -> Path:
    path = folder / f"lines_202401{day:02}.csv"
    path.write_text("\n".join([LINES, *rows]) + "\n")
    return path


def test_facts_that_a_dump_lacks_are_believed_no_more(shop: Shop, lines: Any, tmp_path: Path) -> None:
    first = write_lines(tmp_path, 1, ["l1,o1,p,1,5", "l2,o1,p,1,5"])
    second = write_lines(tmp_path, 3, ["l1,o1,p,1,6", "l3,o1,p,1,oops"])
    import_dump(shop, first, "order_lines")
    assert import_dump(shop, second, "order_lines").keys_retired == 1
    assert lines() == [("l1", 6)]
    late = write_lines(tmp_path, 2, ["l1,o1,p,1,4"])
    with pytest.raises(ConflictError, match="newer full dump of 'order_lines'"):
        import_dump(shop, late, "order_lines")
    [bad] = list_quarantine(shop)
    import_dump(shop, write_lines(tmp_path, 4, ["l1,o1,p,1,6"]), "order_lines")
    fix_quarantine(shop, bad.quarantine_id, {"line_amount": "5"})
    with pytest.raises(ConflictError, match="newer full dump of"):
        replay_quarantine(shop)
    assert lines() == [("l1", 6)]
    assert rebuild(shop).changed == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("products_2026-11-21.csv", date(2026, 11, 21)),
        ("20261121.csv.gz", date(2026, 11, 21)),
        ("dump-20261121T0300.parquet", date(2026, 11, 21)),
        ("2026_11_21-products-2026_11_21.csv", date(2026, 11, 21)),
        ("from-2026-11-01-to-2026-11-21.csv", None),
        ("products_2026-13-41.csv", None),
        ("products_120261121.csv", None),
        ("products.csv", None),
    ],
)
def test_the_date_of_a_name(name: str, expected: date | None) -> None:
    assert date_in_name(name) == expected


def test_the_day_is_said_and_begins_where_the_shop_is(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    shop = create_shop(tmp_path / "store", {"store": {"time_zone": "Asia/Shanghai"}})
    notes: list[str] = []
    path = write_dump(tmp_path, 9, {"a": 1})
    request = ImportRequest(path, "products", is_snapshot=True, as_of=date(2024, 1, 2))
    import_files(shop, request, note=notes.append)
    assert any("true from 2024-01-02 (as given)" in note for note in notes)
    with shop.reading() as tables:
        [row] = tables.current("products").to_pyarrow().to_pylist()
    assert row["valid_from"] == datetime(2024, 1, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("product_id,price", {"as_of": date(2999, 1, 1)}, "not come yet"),
        ("product_id,price", {"is_snapshot": False, "as_of": date(2024, 1, 1)}, "not that the file is"),
        ("product_id,price,valid_from", {}, "says itself since when"),
    ],
)
def test_what_is_no_dump_is_refused(
    shop: Shop, tmp_path: Path, header: str, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "products.csv"
    path.write_text(f"{header}\na,1{',2024-01-01' if 'valid_from' in header else ''}\n")
    request = ImportRequest(path, "products", **{"is_snapshot": True, **options})
    with pytest.raises(ForesellError, match=message):
        import_files(shop, request)
    assert shop.folder.raw.runs() == []


def test_a_mapping_can_say_that_its_files_are_dumps(shop: Shop, tmp_path: Path) -> None:
    toml = tmp_path / "mine.toml"
    toml.write_text('snapshot = true\n[tables.products.columns]\nproduct_id = "sku"\nprice = "price"\n')
    for day, rows in ((1, "a,1\nb,1\nc,1\nd,1\ne,1\n"), (2, "a,1\nb,1\nc,1\nd,1\n")):
        path = tmp_path / f"products_2024-01-0{day}.csv"
        path.write_text(f"sku,price\n{rows}")
        [run] = import_files(shop, ImportRequest(path, mapping=toml))
    assert run.keys_retired == 1
