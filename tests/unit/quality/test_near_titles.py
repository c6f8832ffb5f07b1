"""Titles that differ by a slip, and titles of products that are two."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.quality.near_titles import is_slip, near_titles

TITLE = "WHITE HANGING HEART HOLDER"


def slips(*titles: str) -> list[tuple[str, str, str]]:
    return list(near_titles(pl.Series(titles)).iter_rows())


@pytest.mark.parametrize(
    ("other", "slip"),
    [
        ("white hanging heart holder", "spelling"),
        ("WHITE  HANGING HEART-HOLDER", "spelling"),
        ("WHITEHANGING HEART HOLDER", "spelling"),
        ("WHITE HANGNIG HEART HOLDER", "typo"),
        ("WHITE HANGING HEART HOLDDER", "typo"),
        ("WHITE HANGING HEAR HOLDER", "typo"),
        ("WHITE HANXING HEART HOLDER", "typo"),
    ],
)
def test_a_slip_is_found(other: str, slip: str) -> None:
    assert slips(TITLE, other, "SOMETHING ELSE") == [(*sorted([TITLE, other]), slip)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SET OF 3 CANDLES", "SET OF 6 CANDLES"),
        ("GELATIN 1.6 OZ", "GELATIN 16 OZ"),
        ("LETTER A KEY RING", "LETTER B KEY RING"),
        ("HANGING HEART", "HANGING HEARTS"),
        ("PENCIL SMALL TUBE", "PENCILS TALL TUBE"),
        ("PINK HEART", "BLUE HEART"),
        ("RED", "Red"),
    ],
)
def test_products_of_their_own_are_not_near(one: str, other: str) -> None:
    assert slips(one, other) == []


def test_missing_titles_have_no_pairs() -> None:
    assert near_titles(pl.Series([None, None, TITLE], dtype=pl.String)).is_empty()


@given(word=st.text("abcdefgh", min_size=5, max_size=9), at=st.integers(0, 3))
def test_a_letter_dropped_is_a_slip_both_ways(word: str, at: int) -> None:
    shorter = word[:at] + word[at + 1 :]
    assert is_slip(f"x {word}", f"x {shorter}")
    assert is_slip(f"x {shorter}", f"x {word}")
