"""The records of runs."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from foresell.contracts.errors import BackendError
from foresell.store.raw import RawRun, RawZone

FIRST = RawRun(
    "20261122T120000-00000001", "import", "s", "f", "0", "{}", datetime(2026, 11, 22, tzinfo=UTC), 1
)


def published(zone: RawZone, run: RawRun) -> None:
    zone.staging(run.run_id)
    zone.publish(run)


def test_runs_are_those_that_are_published_in_their_order(tmp_path: Path) -> None:
    zone = RawZone(tmp_path / "raw")
    assert zone.runs() == []
    later = replace(
        FIRST, run_id="20261122T110000-00000002", recorded_at=FIRST.recorded_at + timedelta(days=1)
    )
    published(zone, later)
    published(zone, FIRST)
    zone.staging("20261122T130000-00000003")
    assert zone.runs() == zone.runs() == [FIRST, later]
    assert zone.has(FIRST.run_id)
    assert not zone.has("20261122T130000-00000003")


def test_a_record_that_another_process_wrote_again_is_read_again(tmp_path: Path) -> None:
    zone, other = RawZone(tmp_path / "raw"), RawZone(tmp_path / "raw")
    published(zone, FIRST)
    assert zone.runs() == [FIRST]
    erased = replace(FIRST, num_rows=0)
    other.replace(erased)
    assert zone.runs() == [erased]


def test_a_damaged_record_is_told_each_time(tmp_path: Path) -> None:
    zone = RawZone(tmp_path / "raw")
    published(zone, FIRST)
    (zone.folder(FIRST.run_id) / "run.json").write_text(json.dumps({})[:1])
    for _ in range(2):
        with pytest.raises(BackendError, match="damaged"):
            zone.runs()
