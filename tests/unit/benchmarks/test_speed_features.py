"""The features of the benchmark are those that SQL written by hand computes of the same events."""

from importlib import import_module
from pathlib import Path

import pytest


@pytest.mark.parametrize("customers", [40])
def test_features_are_those_of_sql_written_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, customers: int
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[3])
    synthetic, ours, judge = (
        import_module(f"benchmarks.speed.features.{name}") for name in ("synthetic", "ours", "__main__")
    )
    files = synthetic.write(tmp_path, customers, customers * 60)
    for who in ("foresell", "sql"):
        words = [str(path) for path in (files["events"], files["products"], judge.answer(tmp_path, who))]
        ours.turn(who, *words, memory="500MB", threads=1)
    assert judge.differences(tmp_path) == []
