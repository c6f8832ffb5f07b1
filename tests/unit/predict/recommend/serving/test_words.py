"""Reasons, notes and absences are words that people read, in both languages."""

import pytest

from foresell.predict.recommend.reasons import REASONS, Language
from foresell.predict.recommend.serving.pipeline import Absence
from foresell.predict.recommend.serving.request import NOTES, Item
from foresell.predict.recommend.serving.words import WHY_NOT, absence_text, note_text, reason_text


@pytest.mark.parametrize(
    ("language", "code", "because", "wanted"),
    [
        ("en", "bought_after", "p1", "Often bought after Tea"),
        ("zh", "goes_with_basket", "p1", "与您购物车中的Tea搭配"),
        ("en", "similar_to", "p2", "Similar to p2"),
        ("en", "popular", None, "Popular right now"),
        ("zh", "buy_again", "p1", "您曾购买过此商品"),
        ("en", None, None, None),
    ],
)
def test_a_reason_names_the_product_by_its_name_else_its_id(
    language: Language, code: str | None, because: str | None, wanted: str | None
) -> None:
    item = Item("x", 1, 1.0, 1.0, code, because)
    assert reason_text(item, {"p1": "Tea", "p2": None}, language) == wanted


def test_every_word_is_there_in_both_languages() -> None:
    for words in (REASONS, NOTES, WHY_NOT):
        assert set(words["en"]) == set(words["zh"])
    assert all(note_text(code, "zh") != note_text(code, "en") for code in NOTES["en"])


def test_an_absence_is_told_with_its_figures() -> None:
    by_rule = Absence("p", None, ("no spirits",), ("forbidden",), None, 0.5, 0.1)
    assert absence_text(by_rule, 10, "en") == "It is forbidden by: no spirits."
    lower = Absence("p", None, (), ("lower_score",), 31, 0.02, 0.4)
    assert "number 31" in absence_text(lower, 10, "en")
    assert "第 31 位" in absence_text(lower, 10, "zh")
