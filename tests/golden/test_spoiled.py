"""Spoiled copies of Online Retail, one product in 20: what is found of each kind, and in clean data.

The damage and the score are of benchmarks/quality/spoiled, which knows none of our checks; the whole table
stands in docs/spoiled-data.md. The floors are a little below what is measured: what must not be lost.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foresell.quality import CHECKS

pytestmark = [pytest.mark.shared]

REPOSITORY = Path(__file__).resolve().parents[2]
LEVEL = 0.05
EVERY = 20
# Kind → least recall, least precision and, of what reached the store, least restored by repair (None: not
# measured here, for the time it takes).
FLOORS: dict[str, tuple[float, float, float | None]] = {
    "exact_duplicates": (0.99, 0.99, 0.99),
    "near_duplicates": (0.85, 0.95, 0.85),
    "missing": (0.98, 0.95, None),
    "swapped_columns": (0.93, 0.93, None),
    "broken_encodings": (0.75, 0.99, 0.4),
    "shifted_times": (0.35, 0.85, 0.3),
}


@pytest.fixture(scope="module")
def spoiled() -> Iterator[dict[str, Any]]:
    """The benchmark's modules, which are scripts of a folder and no package."""
    folder = str(REPOSITORY / "benchmarks" / "quality" / "spoiled")
    names = ("accents", "damage", "datasets", "kinds", "score", "spoil")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "0b" * 32)
        patch.syspath_prepend(folder)
        modules = {name: __import__(name) for name in names}
        yield modules
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def clean(spoiled: dict[str, Any], shared_data: Path) -> dict[bool, tuple[Any, Any]]:
    """Without and with letters beyond ASCII: the clean copy, and what is seen of it."""
    dataset, found = spoiled["datasets"].RETAIL, {}
    for accents in (False, True):
        files = spoiled["spoil"].load(dataset, EVERY, accents=accents)
        seen = spoiled["score"].look(dataset, files, checks_of(spoiled, *FLOORS))
        found[accents] = spoiled["spoil"].clean_copy(dataset, files), seen
    return found


def checks_of(spoiled: dict[str, Any], *kinds: str) -> tuple[str, ...]:
    """The checks that look for these kinds; the import and the quarantine do too, unasked."""
    named = {check for kind in kinds for check in spoiled["score"].DETECTORS[kind]}
    return tuple(check for check in CHECKS if check in named)


@pytest.mark.parametrize("kind", FLOORS)
def test_damage_is_found_and_little_else(
    kind: str, spoiled: dict[str, Any], clean: dict[bool, tuple[Any, Any]]
) -> None:
    dataset, score = spoiled["datasets"].RETAIL, spoiled["score"]
    untouched, seen_clean = clean[kind in spoiled["kinds"].NEEDS_ACCENTS]
    copy = spoiled["spoil"].spoil(dataset, untouched.files, kind, LEVEL)
    recall, precision, restored = FLOORS[kind]
    mended = kind if restored is not None else None
    seen = score.look(dataset, copy.files, checks_of(spoiled, kind), repair=mended)
    whole = score.score(dataset, kind, untouched, seen_clean, copy, seen)[0]
    assert whole["units"] > whole["absorbed"]
    assert whole["recall"] >= recall, whole
    assert whole["precision"] >= precision, whole
    if restored is not None:
        assert whole["restored_near"] >= restored, whole


def test_clean_copies_raise_few_alarms(clean: dict[bool, tuple[Any, Any]]) -> None:
    """Rows that the checks of this page flag in data nobody spoiled: real dirt, and one row in a thousand."""
    checks = ("swapped_columns", "shifted_times", "near_duplicates", "encoding")
    for _, seen in clean.values():
        flagged = seen.flags.filter(seen.flags["check"].is_in(checks)).height
        assert flagged <= seen.tables["order_lines"].height / 1000


def test_the_same_seed_spoils_alike(spoiled: dict[str, Any], clean: dict[bool, tuple[Any, Any]]) -> None:
    dataset, (untouched, _) = spoiled["datasets"].RETAIL, clean[False]
    copies = [spoiled["spoil"].spoil(dataset, untouched.files, "missing", LEVEL, seed) for seed in (1, 1, 2)]
    assert copies[0].truth.equals(copies[1].truth)
    assert not copies[0].truth.equals(copies[2].truth)


def test_the_truth_gives_the_clean_file_back(
    spoiled: dict[str, Any], clean: dict[bool, tuple[Any, Any]]
) -> None:
    """Every difference between the spoiled and the clean file is in the truth, and nothing else is."""
    dataset, (untouched, _) = spoiled["datasets"].RETAIL, clean[False]
    copy = spoiled["spoil"].spoil(dataset, untouched.files, "swapped_columns", LEVEL)
    before, after = untouched.files["online_retail"], copy.files["online_retail"]
    differing = {
        (row, column)
        for column in before.columns
        for row in (before[column].ne_missing(after[column])).arg_true().to_list()
    }
    truth = {(row - 1, column) for row, column in copy.truth.select("row", "column").iter_rows()}
    assert differing == truth
