"""Folders, patterns, archives and numbered parts: each file a run, and what is no table said so."""

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from foresell.contracts.errors import InputError, NotFoundError, TooLargeError

Lines = Callable[..., bytes]


def packed(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def parquet(data: bytes) -> bytes:
    import polars as pl

    buffer = io.BytesIO()
    pl.read_csv(data, infer_schema=False).write_parquet(buffer)
    return buffer.getvalue()


def test_members_of_every_format_are_inputs_and_the_rest_is_named(
    imported: Callable, csv_lines: Lines, make_workbook: Callable[..., bytes], tmp_path: Path
) -> None:
    header, *rows = (line.split(",") for line in csv_lines(60, 65).decode().splitlines())
    archive = packed(
        tmp_path / "export.zip",
        {
            "lines_10.csv": csv_lines(10, 20),
            "lines_9.csv.gz": gzip.compress(csv_lines(0, 10)),
            "deep/er/lines.parquet": parquet(csv_lines(20, 60)),
            "deep/book.xlsx": make_workbook({"Sheet1": [header, *rows]}),
            "../../etc/passwd.csv": csv_lines(65, 70),
            "__MACOSX/._lines_10.csv": b"\0\5",
            ".DS_Store": b"\0",
            "README.txt": b"Thank you",
            "chart.png": b"\x89PNG",
            "inner.zip": b"PK\x03\x04",
        },
    )
    done = imported(archive)
    assert done.names == [
        "export.zip/deep/book.xlsx",
        "export.zip/deep/er/lines.parquet",
        "export.zip/etc/passwd.csv",
        "export.zip/lines_9.csv.gz",
        "export.zip/lines_10.csv",
    ]
    assert [line["order_line_id"] for line in done.lines()] == sorted(f"l{n}" for n in range(70))
    [note] = done.notes
    assert "README.txt (about the export)" in note
    assert "inner.zip (an archive of its own: unpack it)" in note
    again = imported(archive)
    assert all(run.counts.rows_duplicate == run.counts.rows_read for run in again.runs)


def test_a_member_is_a_duplicate_of_the_same_file_outside(
    imported: Callable, csv_lines: Lines, tmp_path: Path
) -> None:
    (tmp_path / "lines.csv").write_bytes(csv_lines(0, 10))
    first = imported(tmp_path / "lines.csv")
    done = imported(packed(tmp_path / "a.zip", {"lines.csv": csv_lines(0, 10)}))
    assert done.runs[0].counts.rows_duplicate == 10
    assert done.runs[0].sha256 == first.runs[0].sha256


def test_files_of_a_preset_are_matched_by_name_in_its_order(imported: Callable, tmp_path: Path) -> None:
    archive = packed(
        tmp_path / "journey.zip",
        {
            "x/demographics.csv": b"household_id,age,income,home_ownership,marital_status,household_size,"
            b"household_comp,kids_count\n1,a,b,c,d,e,f,g\n",
            "x/Products_1.csv": b"product_id,manufacturer_id,department,brand,product_category,product_type,"
            b"package_size\n7,1,GROCERY,National,TEA,GREEN,1 LB\n",
            "x/other.csv": b"a,b\n1,2\n",
        },
    )
    done = imported(archive, "completejourney")
    assert done.names == ["journey.zip/x/Products_1.csv", "journey.zip/x/demographics.csv"]
    assert "other.csv" in done.notes[0]


REFUSED: dict[str, tuple[bytes, str]] = {
    "not an archive": (b"PK\x03\x04" + b"x" * 100, "damaged"),
    "empty": (b"PK\x05\x06" + b"\0" * 18, "empty zip archive"),
}


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=list(REFUSED))
def test_archives_that_cannot_be_used(imported: Callable, tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match=says):
        imported(tmp_path / "a.zip")


def test_nothing_readable_says_what_was_there(imported: Callable, tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"inner.zip": b"PK", "a.pdf": b"%PDF"})
    with pytest.raises(InputError, match=r"inner.zip: an archive of its own: unpack it"):
        imported(archive)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="no readable file"):
        imported(tmp_path / "nothing")


def test_encrypted_members_are_refused(imported: Callable, csv_lines: Lines, tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"lines.csv": csv_lines(0, 5)})
    data = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match=r"encrypted.*password"):
        imported(archive)


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.csv.gz"])
def test_a_bomb_is_refused_unopened(imported: Callable, tmp_path: Path, name: str) -> None:
    zeros = b"0" * (70 << 20)
    if name.endswith(".zip"):
        packed(tmp_path / name, {"a.csv": zeros})
    else:
        (tmp_path / name).write_bytes(gzip.compress(zeros, 9))
    with pytest.raises(TooLargeError, match="500 times its size"):
        imported(tmp_path / name)


def test_a_damaged_member_is_refused_whole(imported: Callable, csv_lines: Lines, tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"lines.csv": csv_lines(0, 2000)})
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(InputError, match=r"a.zip/lines.csv is damaged"):
        imported(archive)


def test_a_pattern_takes_its_files_in_natural_order(
    imported: Callable, csv_lines: Lines, tmp_path: Path
) -> None:
    for number in (10, 9, 1):
        (tmp_path / f"lines_{number}.csv").write_bytes(csv_lines(number * 5, number * 5 + 5))
    (tmp_path / "other.csv").write_bytes(b"x")
    done = imported(tmp_path / "lines_*.csv")
    assert done.names == ["lines_1.csv", "lines_9.csv", "lines_10.csv"]
    with pytest.raises(NotFoundError, match="No file matches"):
        imported(tmp_path / "nope*.csv")


def test_a_file_with_signs_of_a_pattern_in_its_name_is_that_file(
    imported: Callable, csv_lines: Lines, tmp_path: Path
) -> None:
    (tmp_path / "lines[1].csv").write_bytes(csv_lines(0, 5))
    (tmp_path / "lines1.csv").write_bytes(csv_lines(5, 10))
    (tmp_path / "x*.parquet").write_bytes(parquet(csv_lines(10, 12)))
    (tmp_path / "xy.parquet").write_bytes(parquet(csv_lines(20, 30)))
    assert imported(tmp_path / "lines[1].csv").runs[0].counts.rows_accepted == 5
    done = imported(tmp_path / "x*.parquet")
    assert done.runs[0].counts.rows_accepted == 2
    assert [line["order_line_id"] for line in done.lines()] == sorted(
        ["l0", "l1", "l10", "l11", "l2", "l3", "l4"]
    )


def test_a_folder_is_read_with_a_mapping(imported: Callable, csv_lines: Lines, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"id,order,item,n,amount\nl1,o1,p1,1,5\n")
    (folder / "b.csv").write_bytes(b"id,order,item,n,amount\nl2,o1,p1,1,5\n")
    mapping = tmp_path / "mine.toml"
    mapping.write_text(
        'name = "mine"\n[tables.order_lines.columns]\norder_line_id = "id"\norder_id = "order"\n'
        'product_id = "item"\nquantity = "n"\nline_amount = "amount"\n'
    )
    done = imported(folder, None, mapping)
    assert done.names == ["a.csv", "b.csv"]
    assert len(done.lines()) == 2


@pytest.mark.parametrize("where", ["folder", "zip"])
def test_parts_after_the_first_need_no_header(
    imported: Callable, csv_lines: Lines, tmp_path: Path, where: str
) -> None:
    parts = {
        f"orders-{k:05}.csv.gz": gzip.compress(csv_lines(k * 10, k * 10 + 10, header=k == 0))
        for k in range(12)
    }
    if where == "folder":
        (tmp_path / "parts").mkdir()
        for name, content in parts.items():
            (tmp_path / "parts" / name).write_bytes(content)
        done = imported(tmp_path / "parts")
    else:
        done = imported(packed(tmp_path / "parts.zip", parts))
    assert len(done.runs) == 12
    assert [run.counts.rows_accepted for run in done.runs] == [10] * 12


def test_a_part_of_another_kind_is_refused_before_anything_is_imported(
    imported: Callable, csv_lines: Lines, tmp_path: Path
) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "orders-0.csv").write_bytes(csv_lines(0, 5))
    (tmp_path / "p" / "orders-1.csv").write_bytes(b"name,city,street,zip,age\nx,y,z,1,2\n")
    with pytest.raises(InputError, match=r"neither the header of orders-0.csv"):
        imported(tmp_path / "p")


def test_a_chinese_windows_archive_names_its_members_in_gbk(
    imported: Callable, csv_lines: Lines, tmp_path: Path
) -> None:
    plain = packed(tmp_path / "a.zip", {"xxxx.csv": csv_lines(0, 5)}).read_bytes()
    (tmp_path / "a.zip").write_bytes(plain.replace(b"xxxx.csv", "订单".encode("gbk") + b".csv"))
    assert imported(tmp_path / "a.zip").names == ["a.zip/订单.csv"]
