"""Whatever a file holds and whatever fails below: a right result, or one of our errors with its exit code.

And the rows always add up: read = accepted + updated + duplicate + quarantined.
"""

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Foresell = Callable[..., Any]
HEADER = "order_id,customer_id,created_at,total_amount\n"
OUTCOMES = ("accepted", "updated", "duplicate", "quarantined")


@pytest.fixture
def bring(foresell: Foresell, new_store: Path, tmp_path: Path) -> Callable[..., Any]:
    """Write a file and import it as orders: the exit code, the four outcomes, and what was said."""

    def bring(content: str | bytes, *options: str, name: str = "orders.csv", preset: str = "orders") -> Any:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        how = options if "--mapping" in options else ("--as", preset, *options)
        ended = foresell("import", path, *how, "--store", new_store, "--json")
        assert "Traceback" not in ended.err
        if ended.code:
            assert set(ended.answer) == {"error", "what", "received", "do"}
            assert ended.answer["do"], ended.err
            return ended
        for run in ended.answer["runs"]:
            assert run["rows_read"] == sum(run[f"rows_{outcome}"] for outcome in OUTCOMES)
        return ended

    return bring


@pytest.fixture
def outcomes(bring: Callable[..., Any]) -> Callable[..., tuple[int, ...]]:
    """Import, and only the four outcomes."""

    def outcomes(content: str | bytes, *options: str, **named: str) -> tuple[int, ...]:
        ended = bring(content, *options, **named)
        assert ended.code == 0, ended.err
        return tuple(ended.answer["runs"][0][f"rows_{outcome}"] for outcome in OUTCOMES)

    return outcomes


@pytest.fixture
def reasons(foresell: Foresell, new_store: Path) -> Callable[[], dict[str, tuple[str, str | None]]]:
    """order_id of each open quarantined row → its error code and the column at fault."""

    def reasons() -> dict[str, tuple[str, str | None]]:
        rows = foresell("quarantine", "list", "--limit", "100", "--store", new_store, "--json").answer["rows"]
        assert all(row["message"] for row in rows)
        return {
            (row["raw"] or {}).get("order_id") or row["raw"]["line"]: (row["error_code"], row["column"])
            for row in rows
        }

    return reasons


@pytest.fixture
def stored(new_store: Path) -> Callable[..., list[dict[str, Any]]]:
    """The current rows of a table, chosen columns."""
    from foresell.services.shop import open_shop

    def stored(table: str, *columns: str) -> list[dict[str, Any]]:
        with open_shop(new_store).reading() as tables:
            rows: list[dict[str, Any]] = tables.current(table).select(*columns).to_pyarrow().to_pylist()
        return sorted(rows, key=lambda row: str(row[columns[0]]))

    return stored


# Files that cannot be read at all.

REFUSED: dict[str, tuple[str, bytes, tuple[str, ...], str]] = {
    "empty": ("a.csv", b"", (), "is empty"),
    "blank": ("a.csv", b"\n  \n\n", (), "no header and no rows"),
    "only NUL bytes": ("a.csv", bytes(5000), (), "no header and no rows"),
    "strange delimiter": ("a.csv", (HEADER + "o1,c1,2024-01-01,5\n").replace(",", "^").encode(), (), "'^'"),
    "given delimiter is wrong": (
        *("a.csv", (HEADER + "o1,c1,2024-01-01,5\n").encode(), ("--delimiter", ";")),
        "split at ','",
    ),
    "impossible delimiter": ("a.csv", HEADER.encode(), ("--delimiter", ";;"), "one ASCII character"),
    "unknown encoding": ("a.csv", HEADER.encode(), ("--encoding", "utf-9"), "cp1252"),
    "unknown format": ("a.csv", HEADER.encode(), ("--format", "xml"), "csv, excel, json, jsonl, parquet"),
    "noise": ("a.csv", random.Random(1).randbytes(3000), (), "--encoding"),
    "two columns of one name": ("a.csv", b"order_id,Order_ID,created_at\n1,2,3\n", (), "two columns named"),
    "column without a name": ("a.csv", b"order_id,,created_at\n1,2,3\n", (), "has no name"),
    "needed column renamed": (
        *("a.csv", HEADER.replace("order_id", "order_no").encode() + b"o1,c1,2024-01-01,5\n", ()),
        "order_no",
    ),
    "damaged workbook": ("a.xlsx", b"PK\x03\x04" + bytes(100), (), "save it as .xlsx"),
    "damaged gzip": ("a.csv.gz", b"\x1f\x8b" + b"abc" * 100, (), "damaged"),
    "array of JSON without a needed field": ("a.json", b'[{"order_id": 1}]', (), "no column 'created_at'"),
}


@pytest.mark.parametrize(("name", "content", "options", "says"), REFUSED.values(), ids=list(REFUSED))
def test_a_file_that_cannot_be_read_is_refused_whole(
    bring: Callable[..., Any], new_store: Path, name: str, content: bytes, options: tuple[str, ...], says: str
) -> None:
    ended = bring(content, *options, name=name)
    assert (ended.code, ended.answer["error"]) == (2, "InputError"), ended.err
    assert says in ended.err
    assert list((new_store / "raw").iterdir()) == []


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.001])
def test_a_parquet_file_cut_short_is_refused(bring: Callable[..., Any], tmp_path: Path, kept: float) -> None:
    whole = tmp_path / "whole.parquet"
    numbers = range(5000)
    columns = {"order_id": [f"o{n}" for n in numbers], "created_at": ["2024-01-01"] * 5000}
    pq.write_table(pa.table(columns), whole)
    content = whole.read_bytes()
    ended = bring(content[: int(len(content) * kept)], name="cut.parquet")
    assert ended.code == 2, ended.err
    assert "copy or export it again" in ended.err
    ended = bring(content[:100] + content[3000:], name="hole.parquet")
    assert (ended.code, "copy or export it again" in ended.err) == (2, True), ended.err


# Files that can be read, with something odd about them.


def test_a_header_alone_is_no_error_but_is_said(bring: Callable[..., Any]) -> None:
    ended = bring(HEADER)
    assert ended.code == 0, ended.err
    assert ended.answer["runs"][0]["rows_read"] == 0
    assert "a header and no rows" in ended.err


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found_out(outcomes: Callable[..., tuple[int, ...]], delimiter: str) -> None:
    content = HEADER + "o1,c1,2024-01-01,5\no2,c1,2024-01-02,5\n"
    assert outcomes(content.replace(",", delimiter)) == (2, 0, 0, 0)


def test_lines_in_another_encoding_are_kept_and_said(
    bring: Callable[..., Any], stored: Callable[..., Any]
) -> None:
    good = HEADER + "o1,Müller,2024-01-01,5\no2,Grün,2024-01-01,5\n"
    ended = bring(good.encode() + "o3,Böhm,2024-01-01,5\n".encode("cp1252"))
    assert ended.code == 0, ended.err
    assert "--encoding" in ended.err
    found = [row["customer_id"] for row in stored("orders", "order_id", "customer_id")]
    assert found == ["Müller", "Grün", "B\ufffdhm"]


def test_whole_files_in_other_encodings_read_right(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any]
) -> None:
    rows = [("cp1252", "Müller"), ("gb18030", "龙井茶叶有限公司"), ("utf-16", "茶"), ("utf-8-sig", "茶")]
    for number, (encoding, name) in enumerate(rows):
        content = (HEADER + f"o{number},{name},2024-01-01,5\n" * 1).encode(encoding)
        assert outcomes(content, "--encoding", encoding) == (1, 0, 0, 0), encoding
    found = [row["customer_id"] for row in stored("orders", "order_id", "customer_id")]
    assert found == [name for _, name in rows]


def test_ragged_rows_go_to_quarantine_and_come_back_by_hand(
    outcomes: Callable[..., tuple[int, ...]], foresell: Foresell, new_store: Path, reasons: Any
) -> None:
    rows = 'r1,c1,2024-01-01,5\nr2,c1\nr3,c1,2024-01-01,5,9,9\nr4,"c1,2024-01-01,5\nr5,c2,2024-01-01,6\n'
    assert outcomes(HEADER + rows) == (2, 0, 0, 3)
    assert [code for code, _ in reasons().values()] == [
        *("too_few_columns", "too_many_columns", "unterminated_quote"),
    ]
    listed = foresell("quarantine", "list", "--store", new_store, "--json").answer["rows"]
    assert "quarantine fix" in foresell("quarantine", "list", "--store", new_store).err
    values = ("order_id=r2", "customer_id=c1", "created_at=2024-01-01", "total_amount=7")
    sets = [part for value in values for part in ("--set", value)]
    fix = foresell("quarantine", "fix", listed[0]["quarantine_id"], *sets, "--store", new_store)
    assert fix.code == 0, fix.err
    [run] = foresell("quarantine", "replay", "--store", new_store, "--json").answer["runs"]
    assert run["rows_accepted"] == 1
    again = foresell("quarantine", "fix", listed[0]["quarantine_id"], *sets, "--store", new_store)
    assert (again.code, "is replayed" in again.err) == (4, True), again.err


def test_ragged_rows_in_a_large_file(outcomes: Callable[..., tuple[int, ...]]) -> None:
    num_rows, chunk = 400_000, []
    for number in range(num_rows):
        row = f"o{number},customer-{number % 5000},2024-01-01T10:00:00Z,{number % 90}.50"
        chunk.append(row.rsplit(",", 2)[0] if number % 1000 == 7 else row)
    content = HEADER + "\n".join(chunk) + "\n"
    assert len(content) > 18_000_000
    assert outcomes(content) == (num_rows - 400, 0, 0, 400)


def test_a_column_renamed_since_the_last_import_is_refused(
    bring: Callable[..., Any], outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any]
) -> None:
    assert outcomes(HEADER + "o1,c1,2024-01-01,5\n") == (1, 0, 0, 0)
    renamed = HEADER.replace("total_amount", "total") + "o1,c1,2024-01-01,5\n"
    ended = bring(renamed)
    assert ended.code == 2, ended.err
    for word in ('"total_amount"', '"total"', "orders.csv", "--allow-missing-columns"):
        assert word in ended.err
    assert [str(row["total_amount"]) for row in stored("orders", "total_amount")] == ["5.0000"]
    assert outcomes(renamed, "--allow-missing-columns") == (0, 1, 0, 0)


def test_a_column_that_nothing_reads_or_that_is_gone_is_said(bring: Callable[..., Any]) -> None:
    first = bring("order_id,customer,created_at,total_amount\no1,c1,2024-01-01,5\n")
    assert (first.code, 'not used: "customer"' in first.err) == (0, True), first.err
    second = bring("order_id,created_at\no2,2024-01-01\n")
    assert (second.code, 'has no "total_amount"' in second.err) == (0, True), second.err


def test_thousands_separators_and_currency_signs(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any], reasons: Any
) -> None:
    amounts = ['"1,234.50"', "€5.00", "$ 7", "-5", "(5.00)", '"1,234"', '"1.234,50"', "five"]
    rows = "".join(f"m{n},c1,2024-01-01,{amount}\n" for n, amount in enumerate(amounts))
    assert outcomes(HEADER + rows) == (5, 0, 0, 3)
    found = [float(row["total_amount"]) for row in stored("orders", "order_id", "total_amount")]
    assert found == [1234.5, 5, 7, -5, -5]
    assert reasons() == dict.fromkeys(("m5", "m6", "m7"), ("invalid_number", "total_amount"))


def test_what_a_mapping_says_of_its_file_holds(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any], tmp_path: Path
) -> None:
    mapping = tmp_path / "shop.toml"
    mapping.write_text(
        'decimal = ","\n[read]\ndelimiter = ";"\nencoding = "cp850"\n[tables.orders.columns]\n'
        'order_id = "Nr"\ncreated_at = { from = "Datum", formats = ["%d.%m.%Y"] }\n'
        'customer_id = "Kunde"\ntotal_amount = "Summe"\n'
    )
    content = "Nr;Kunde;Datum;Summe\nm1;Müller, Jörg;04.03.2024;1.234,50\n".encode("cp850")
    assert outcomes(content, "--mapping", str(mapping)) == (1, 0, 0, 0)
    [row] = stored("orders", "customer_id", "total_amount", "local_date")
    assert row["customer_id"] == "Müller, Jörg"
    assert (float(row["total_amount"]), str(row["local_date"])) == (1234.5, "2024-03-04")


MAPPING = '[tables.orders.columns]\norder_id = "order_id"\ncreated_at = "created_at"\n'


@pytest.mark.parametrize(
    ("mapping", "what"),
    [
        (MAPPING.replace('"created_at"', '{ from = "created_at", formats = ["%d/%m/%Q"] }'), "no format"),
        (MAPPING.replace('"order_id"', "{ from = [] }", 1).replace("order_id =", "order_id ="), "no column"),
        ('[tables.orders]\nwhere = { column = "Typ", in = ["x"] }\n' + MAPPING, "condition"),
        ('[identifiers]\n"E-Mial" = "email"\n' + MAPPING, "E-Mial"),
        (
            "[tables.orders]\nprimary = true\n" + MAPPING + "[tables.customers]\nprimary = true\n"
            '[tables.customers.columns]\ncustomer_id = "customer_id"\n',
            "never get one",
        ),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_before_anything_is_stored(
    mapping: str,
    what: str,
    bring: Callable[..., Any],
    outcomes: Callable[..., tuple[int, ...]],
    tmp_path: Path,
) -> None:
    """And blocks no later import."""
    path = tmp_path / "wrong.toml"
    path.write_text(mapping, encoding="utf-8")
    refused = bring(HEADER + "a1,c1,2024-01-05,5\n", "--mapping", str(path))
    assert refused.code == 2
    assert what in str(refused.answer)
    assert outcomes(HEADER + "a1,c1,2024-01-05,5\n") == (1, 0, 0, 0)


def test_a_time_out_of_reach_stops_no_other_row(
    outcomes: Callable[..., tuple[int, ...]], reasons: Any, tmp_path: Path
) -> None:
    path = tmp_path / "epoch.toml"
    path.write_text(MAPPING.replace('"created_at"', '{ from = "created_at", formats = ["epoch_s"] }'))
    rows = "a1,c1,1709633000,5\na2,c1,1709633000123456,5\na3,c1,1709633000123456789,5\n"
    assert outcomes(HEADER + rows, "--mapping", str(path)) == (1, 0, 0, 2)
    assert reasons() == dict.fromkeys(("a2", "a3"), ("invalid_time", "created_at"))


def test_two_date_formats_in_one_column(outcomes: Callable[..., tuple[int, ...]], reasons: Any) -> None:
    dates = ["2024-03-04 10:00", "25/03/2024", "03/25/2024", "04/03/2024"]
    rows = "".join(f"d{number},c1,{date},5\n" for number, date in enumerate(dates))
    assert outcomes(HEADER + rows) == (3, 0, 0, 1)
    assert reasons() == {"d3": ("ambiguous_date", "created_at")}


def test_days_that_do_not_exist(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any], reasons: Any
) -> None:
    dates = ["2024-02-29", "2023-02-29", "2024-13-01", "yesterday"]
    rows = "".join(f"d{number},c1,{date},5\n" for number, date in enumerate(dates))
    assert outcomes(HEADER + rows) == (1, 0, 0, 3)
    assert [str(row["local_date"]) for row in stored("orders", "local_date")] == ["2024-02-29"]
    assert reasons() == dict.fromkeys(("d1", "d2", "d3"), ("invalid_time", "created_at"))


def test_the_nights_on_which_the_clocks_change(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any]
) -> None:
    """02:30 does not exist in March (it is read as an hour on), and happens twice in October."""
    times = ["2024-03-31 02:30", "2024-10-27 02:30", "2024-10-27T02:30+01:00", "2024-10-27T23:30+01:00"]
    rows = "".join(f"k{number},c1,{time},5\n" for number, time in enumerate(times))
    assert outcomes(HEADER + rows) == (4, 0, 0, 0)
    found = stored("orders", "order_id", "created_at", "local_date")
    moments = [f"{row['created_at']:%d %H:%M}" for row in found]
    assert moments == [
        "31 01:30",
        "27 00:30",
        "27 01:30",
        "27 22:30",
    ]
    assert [str(row["local_date"]) for row in found] == ["2024-03-31", *["2024-10-27"] * 3]


def test_leading_zeros_tell_ids_apart(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any]
) -> None:
    assert outcomes(HEADER + "007,0042,2024-01-01,5\n7,42,2024-01-01,6\n") == (2, 0, 0, 0)
    found = stored("orders", "order_id", "customer_id")
    assert [tuple(row.values()) for row in found] == [("007", "0042"), ("7", "42")]


def test_one_order_id_with_two_totals(
    outcomes: Callable[..., tuple[int, ...]], stored: Callable[..., Any], reasons: Any
) -> None:
    rows = "t1,c1,2024-01-01,5\nt1,c1,2024-01-01,6\nt2,c1,2024-01-01,7\nt2,c1,2024-01-01,7\n"
    assert outcomes(HEADER + rows) == (2, 0, 1, 1)
    found = [float(row["total_amount"]) for row in stored("orders", "order_id", "total_amount")]
    assert found == [6, 7]
    assert reasons() == {"t1": ("conflicting_rows", "order_id")}


def test_an_unknown_currency(
    outcomes: Callable[..., tuple[int, ...]], foresell: Foresell, new_store: Path, reasons: Any
) -> None:
    header = HEADER.replace("\n", ",currency\n")
    rows = "u1,c1,2024-01-01,5,EUR\nu2,c1,2024-01-01,5,XYZ\nu3,c1,2024-01-01,5,usd\nu4,c1,2024-01-01,5,€\n"
    assert outcomes(header + rows) == (2, 0, 0, 2)
    assert reasons() == dict.fromkeys(("u2", "u4"), ("unknown_currency", "currency"))
    ended = foresell("kpi", "net_sales", "--store", new_store, "--json")
    assert ended.code in (2, 3), ended.err
    assert "USD" in ended.err
    assert "2024-01-01" in ended.err
    assert "exchange_rates" in ended.err


def test_emoji_and_chinese(
    outcomes: Callable[..., tuple[int, ...]], foresell: Foresell, new_store: Path
) -> None:
    content = "product_id,title,category\np🍵,Tee 🍵,茶叶\n茶1,龙井茶,茶叶\n"
    assert outcomes(content, name="products.csv", preset="products") == (2, 0, 0, 0)
    assert outcomes(HEADER + "订单1,客户,2024-01-01,5\n") == (1, 0, 0, 0)
    lines = "order_line_id,order_id,product_id,quantity,line_amount\n1,订单1,p🍵,2,5\n"
    assert outcomes(lines, name="lines.csv", preset="order_lines") == (1, 0, 0, 0)
    ended = foresell("kpi", "units", "--by", "category", "--store", new_store, "--json")
    assert ended.answer["rows"] == [{"category": "茶叶", "value": 2}]
    where = foresell("kpi", "units", "--where", "product=p🍵", "--store", new_store, "--json")
    assert where.answer["rows"] == [{"value": 2}]


def test_nul_bytes_are_taken_out_and_said(bring: Callable[..., Any], stored: Callable[..., Any]) -> None:
    ended = bring(HEADER + "n1,c\x001,2024-01-01,5\n")
    assert ended.code == 0, ended.err
    assert "NUL bytes removed: 1" in ended.err
    assert [row["customer_id"] for row in stored("orders", "customer_id")] == ["c1"]


def test_lines_that_are_no_json(outcomes: Callable[..., tuple[int, ...]]) -> None:
    content = '{"order_id": "j1", "created_at": "2024-01-01", "total_amount": 5}\n{"order_id":\n[1]\n'
    assert outcomes(content, name="orders.jsonl") == (1, 0, 0, 2)


# Places that fail.


def mounted(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or not mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)):
        pytest.skip("full disk: only root can mount a small disk here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only_store(small_store: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "read-only"
    folder.mkdir()
    if os.geteuid() != 0 or not mounted("--bind", str(small_store), str(folder)):
        pytest.skip("read-only store: only root can mount one here")
    try:
        if not mounted("-o", "remount,bind,ro", str(folder)):
            pytest.skip("read-only store: no read-only mount can be made here")
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def write_without_end(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def write_orders(path: Path, num_rows: int) -> Path:
    chance = random.Random(num_rows)  # numbers that do not compress
    rows = (f"o{n},c{chance.random()},2024-01-01,{chance.random() * 90:.2f}\n" for n in range(num_rows))
    path.write_text(HEADER + "".join(rows))
    return path


def test_a_disk_that_is_full_loses_nothing(foresell: Foresell, small_disk: Path, tmp_path: Path) -> None:
    store = small_disk / "store"
    assert foresell("init", store).code == 0
    few = write_orders(tmp_path / "few.csv", 10)
    assert foresell("import", few, "--as", "orders", "--store", store).code == 0
    # Too large for the raw zone, and too large for the tables only.
    for num_rows in (400_000, 120_000):
        many = write_orders(tmp_path / "many.csv", num_rows)
        ended = foresell("import", many, "--as", "orders", "--store", store, "--json")
        assert (ended.code, ended.answer["error"]) == (6, "BackendError"), ended.err
        assert "No space left on device" in ended.err
        assert "exception_type" not in ended.err
        assert "disk space" in ended.answer["do"]
        assert foresell("kpi", "orders", "--store", store, "--json").answer["rows"] == [{"value": 10}]
    with pytest.raises(OSError, match="No space left"):
        write_without_end(small_disk / "filler")
    assert foresell("kpi", "orders", "--store", store, "--json").answer["rows"] == [{"value": 10}]
    full = foresell("import", few, "--as", "orders", "--store", store, "--json")
    assert (full.code, "disk space" in full.answer["do"]) == (6, True), full.err
    (small_disk / "filler").unlink()
    assert mounted("-o", "remount,size=60m", str(small_disk))
    ended = foresell("import", few, "--as", "orders", "--store", store, "--json")
    assert ended.code == 0, ended.err
    assert ended.answer["runs"][0]["rows_duplicate"] == 10
    assert foresell("kpi", "orders", "--store", store, "--json").answer["rows"] == [{"value": 120_000}]
    assert foresell("store", "verify", "--store", store).code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("kpi", "orders"),
        ("check", "missing"),
        ("recommend", "--customer", "c1", "-k", "2"),
        ("forecast", "--horizon", "2"),
        ("leaderboard", "forecast"),
        ("quarantine", "list"),
        ("store", "verify"),
    ],
    ids=" ".join,
)
def test_a_read_only_store_can_be_read(
    foresell: Foresell, read_only_store: Path, arguments: tuple[str, ...]
) -> None:
    ended = foresell(*arguments, "--store", read_only_store)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "recommend"),
        ("rebuild",),
        ("erase", "c1", "--yes"),
        ("store", "compact"),
        ("quarantine", "replay"),
        ("import", "FILE", "--as", "products"),
    ],
    ids=" ".join,
)
def test_a_read_only_store_is_not_written(
    foresell: Foresell, read_only_store: Path, small_shop: dict[str, Path], arguments: tuple[str, ...]
) -> None:
    given = [str(small_shop["products"]) if argument == "FILE" else argument for argument in arguments]
    ended = foresell(*given, "--store", read_only_store, "--json")
    assert (ended.code, ended.answer["error"]) == (5, "DeniedError"), ended.err
    assert "Read-only file system" in ended.err
    assert "permissions" in ended.err


def test_a_folder_that_cannot_be_written_holds_no_store(foresell: Foresell, read_only_store: Path) -> None:
    ended = foresell("init", read_only_store / "new", "--json")
    assert (ended.code, ended.answer["error"]) == (5, "DeniedError"), ended.err
