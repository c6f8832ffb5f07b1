"""Identifiers in an archive never lie on a disk in the open, not even when the process is killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from foresell.services.shop import create_shop

HEADER = ["customer_id", "email", "phone"]
NUM_ROWS = 100_000


def member(kind: str, make_workbook: Callable[..., bytes], folder: Path) -> bytes:
    num_rows = NUM_ROWS // 4 if kind == "xlsx" else NUM_ROWS
    rows = [[f"c{n}", f"person{n}@secret.example", f"+49 170 {n:07}"] for n in range(num_rows)]
    if kind == "xlsx":
        return make_workbook({"S": [HEADER, *rows]})
    if kind == "parquet":
        import polars as pl

        pl.DataFrame(rows, schema=HEADER, orient="row").write_parquet(folder / "made.parquet")
        data = (folder / "made.parquet").read_bytes()
        (folder / "made.parquet").unlink()
        return data
    return "\n".join(",".join(row) for row in [HEADER, *rows]).encode()


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_a_killed_import_leaves_no_identifier(
    tmp_path: Path, make_workbook: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    create_shop(tmp_path / "store")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(f"customers.{kind}", member(kind, make_workbook, tmp_path))
    arguments = ["import", str(tmp_path / "a.zip"), "--as", "customers", "--store", str(tmp_path / "store")]
    landed = 0
    for delay in (0.1, 0.2, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-m", "foresell", *arguments],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        wait_until_it_reads(process, tmp_path / "store" / "raw")
        time.sleep(delay)
        process.kill()
        landed += process.wait() == -signal.SIGKILL
        # The pipes that a text comes through hold nothing.
        assert not [path for path in temporary.rglob("*") if path.is_file()]
        for path in (tmp_path / "store").rglob("*"):
            assert not path.is_file() or b"secret.example" not in path.read_bytes(), path
        for left in (tmp_path / "store" / "raw").glob(".staging-*"):
            shutil.rmtree(left)
    assert landed


def wait_until_it_reads(process: subprocess.Popen[bytes], raw: Path) -> None:
    while process.poll() is None and not any(raw.glob(".staging-*")):
        time.sleep(0.005)
