import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.sources.readers import ReadOptions, detect_format, stage_file
from foresell.store.engine import literal

Stage = Callable[..., Any]


@pytest.fixture
def parquet(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[[str], bytes]:
    def write(select: str) -> bytes:
        path = tmp_path / "made.parquet"
        connection.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet)")
        return path.read_bytes()

    return write


def test_types_stay_and_bytes_are_copied_if_nothing_is_replaced(
    stage: Stage, parquet: Callable[[str], bytes], tmp_path: Path
) -> None:
    data = parquet("SELECT 7 AS id, 1.5 AS price, TIMESTAMP '2024-01-01' AS at")
    staged = stage(data, "file.parquet")
    assert (tmp_path / "staged" / "part-00000.parquet").read_bytes() == data
    assert staged.file.sha256 == hashlib.sha256(data).hexdigest()
    assert staged.rows[0][0] == 7


def test_replacing_and_renaming_write_a_new_part_in_order(
    stage: Stage, parquet: Callable[[str], bytes]
) -> None:
    data = parquet("SELECT i AS \" id \", 'm' || i AS email FROM range(300000) t(i)")
    staged = stage(data, "file.parquet", replaced={"email": 'upper("email")'})
    assert staged.file.columns == ("id", "email")
    assert staged.rows[:2] == [(0, "M0"), (1, "M1")]
    assert [row[0] for row in staged.rows] == list(range(300000))


@pytest.mark.parametrize("damage", ["start", "end", "middle"])
def test_a_file_cut_short_says_what_to_do(stage: Stage, parquet: Callable[[str], bytes], damage: str) -> None:
    data = parquet("SELECT i, md5(i::VARCHAR) AS h FROM range(10000) t(i)")
    cut = {"start": data[10:], "end": data[:-100], "middle": data[:4] + data[len(data) // 2 :]}[damage]
    with pytest.raises(InputError, match="copy or export it again"):
        stage(cut, "file.parquet")


def test_what_is_no_table_says_so(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "book.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="zip archive"):
        detect_format(tmp_path / "book.zip")
    with pytest.raises(NotFoundError, match="no file"):
        stage_file(connection, tmp_path / "gone", tmp_path, options=ReadOptions(), projection=lambda _: {})
    (tmp_path / "x").write_bytes(b"a,b\n")
    with pytest.raises(InputError, match="no format 'exel'"):
        stage_file(
            connection, tmp_path / "x", tmp_path, options=ReadOptions(format="exel"), projection=lambda _: {}
        )
