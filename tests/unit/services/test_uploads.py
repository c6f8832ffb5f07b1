"""Uploads: in memory, bounded, under a plain name, gone when they are not needed."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import BackendError, NotFoundError, TooLargeError
from foresell.services import uploads
from foresell.services.shop import Shop
from foresell.services.uploads import MEMORY, Uploads, import_upload, suggest_upload

CSV = b"Order No,Date,Customer E-Mail,SKU,Qty,Line Total\n" + b"".join(
    b"A%d,2026-09-%02d 10:00,p%d@example.com,S1,2,11.00\n" % (n, 1 + n, n % 3) for n in range(12)
)


def test_an_upload_is_understood_and_imported_without_touching_a_disk(shop: Shop, tmp_path: Path) -> None:
    kept = Uploads(tmp_path / "memory") if not MEMORY.is_dir() else Uploads()
    if not MEMORY.is_dir():
        (tmp_path / "memory").mkdir()
    upload = kept.keep("../../etc/my orders.csv", CSV)
    assert upload.name == "my_orders.csv"
    assert upload.path.parent.parent.stat().st_mode & 0o077 == 0
    found = suggest_upload(shop, upload, {})
    assert found.table == "orders"
    imported = import_upload(shop, upload, found.mapping_toml)
    assert [run.counts.rows_accepted for run in imported.runs] == [12]
    kept.drop(upload.upload_id)
    assert not upload.path.exists()
    with pytest.raises(NotFoundError):
        kept.find(upload.upload_id)
    stored = b"".join(path.read_bytes() for path in shop.folder.root.rglob("*") if path.is_file())
    assert b"@example.com" not in stored


def test_what_is_too_large_or_too_old_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    kept = Uploads(tmp_path)
    with pytest.raises(TooLargeError):
        kept.keep("a.csv", b"12345678901")
    old = kept.keep("a.csv", b"1")
    monkeypatch.setattr(uploads, "KEPT_SECONDS", -1.0)
    kept.keep("b.csv", b"2")
    with pytest.raises(NotFoundError):
        kept.find(old.upload_id)
    kept.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BackendError, match="no file system in memory"):
        Uploads(tmp_path / "none").keep("a.csv", b"1")


def test_what_a_killed_process_left_goes_when_the_next_begins(tmp_path: Path) -> None:
    living = Uploads(tmp_path)
    kept = living.keep("a.csv", b"1")
    script = (
        "import os, signal, sys; from pathlib import Path; from foresell.services.uploads import Uploads\n"
        "Uploads(Path(sys.argv[1])).keep('b.csv', b'2'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob("*/*/*.csv"))) == 2
    other = tmp_path / "not ours"
    other.mkdir()
    Uploads(tmp_path)
    assert list(tmp_path.glob("*/*/*.csv")) == [kept.path]
    assert other.is_dir()


@given(st.text(max_size=200))
def test_any_name_becomes_one_that_stays_in_its_folder(name: str) -> None:
    plain = uploads._plain(name)
    assert plain
    assert Path(plain).name == plain
    assert len(plain) <= uploads.LONGEST_NAME
    assert not plain.startswith(".")
