"""Rows to look at, from files of any size, without leaving anything behind."""

import gzip
import tempfile
from pathlib import Path

import pytest

from foresell.contracts.settings import EngineSettings
from foresell.sources.staging import ReadOptions
from foresell.sources.suggest import sample as sampling
from foresell.sources.suggest.sample import Sample, read_sample
from foresell.store.engine import connect


def sampled(path: Path) -> Sample:
    return read_sample(connect(EngineSettings()), path, ReadOptions())


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;name\n1;Ä\n2;\n", encoding="utf-8-sig")
    found = sampled(path)
    assert found.is_whole
    assert found.texts == {"id": ["1", "2"], "name": ["Ä", None]}


def test_a_large_file_is_looked_at_from_its_start_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,x\n" + "".join(f"{n},{'y' * 20}\n" for n in range(200_000)))
    found = sampled(path)
    ids = [int(text or 0) for text in found.texts["id"]]
    assert not found.is_whole
    assert len(ids) == sampling.MOST_ROWS
    assert ids[:3] == [0, 1, 2]
    assert ids == sorted(ids)
    assert ids[-1] > 150_000


def test_a_packed_file_by_its_start(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id,x\n" + b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(900_000))))
    assert path.stat().st_size > sampling.HEAD_BYTES
    assert sampled(path).texts["id"][:2] == ["0", "1"]


def test_rows_that_need_careful_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,note\n1,"two\nlines"\n2,"a ""quote"""\n3,x,too many\n')
    assert sampled(path).texts["note"] == ["two\nlines", 'a "quote"']


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    path = tmp_path / "a.csv"
    path.write_text('email,note\na@b.example,"x\ny"\n')
    before = set(Path(sampling.MEMORY_FOLDER).glob("foresell-*"))
    sampled(path)
    assert not list(folder.iterdir())
    assert set(Path(sampling.MEMORY_FOLDER).glob("foresell-*")) <= before
