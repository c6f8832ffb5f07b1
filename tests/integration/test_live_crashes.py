"""Kill whoever accepts or moves events: what was acknowledged is in the store once.

A longer campaign, with servers: python -m benchmarks.quality.durability
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_every_acknowledged_event_is_in_the_store_exactly_once(tmp_path: Path) -> None:
    """In a process of its own, which forks: this one has threads."""
    found = tmp_path / "found.json"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.quality.durability", "--kills", "6", "--servers", "0"),
            *("--seed", "7", "--work", str(tmp_path), "--out", str(found)),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "FORESELL_KEY": "5e" * 32},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    record = json.loads(found.read_text())
    assert record["acknowledged"] > 100
    assert sum(record["kills"].values()) >= 6
    assert len(record["kills"]) > 2
